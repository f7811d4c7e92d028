"""What moves a cloud: step and leap engines, their choice, the definition of right."""

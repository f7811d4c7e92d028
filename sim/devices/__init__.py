"""Devices and how they share a cloud; what was compiled, and where that is kept."""

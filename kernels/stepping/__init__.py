"""Moving coordinates: one step, a block of steps, several clouds in a call, one fused kernel."""

"""Many small drifts moved and counted together."""

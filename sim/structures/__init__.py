"""How cells lie, and what became of black holes: structure, compare and scan."""

"""What a drift is: its fields and their rules, its JSON, and the displacements of its schedule."""

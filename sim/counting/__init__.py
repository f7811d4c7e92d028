"""Which tokens share a cell: the coalescence counter, cells with their tokens, counts."""

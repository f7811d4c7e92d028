"""Random numbers that are the same on every machine: words, normal numbers, codes."""

"""What to expect of a drift, exactly and without simulating it; derivation.md says why."""

"""One drift from start to end: into a store, resumable, or in memory."""

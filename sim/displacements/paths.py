"""The names of files of displacements, and the text of an array of them. It loads no NumPy."""

from pathlib import Path

from drift.sim.array_text import DIGEST

SUFFIXES = (".npy", ".safetensors", ".zarr", ".h5", ".hdf5")


def is_table(text: str) -> bool:
    """Return whether a text stands for an array, or names a file by its suffix or one within it."""
    named = any(part.endswith(SUFFIXES) for part in Path(text).parts)
    return named or text.startswith(DIGEST)

"""The files of this repository that are installed."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for folder in ("drift", "kernels", "sim", "experiments")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def named(path):
    """A path from the root."""
    return str(path.relative_to(ROOT))

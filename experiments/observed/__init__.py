"""Published observations of a real checkpoint, shipped with the package.

qwen3_4b.json names its source and the rules by which it was counted; its numbers are quoted,
never computed here.
"""

import json
from importlib import resources
from typing import Any

LABEL = "observed in Qwen3-4B (Azimuth II)"
"""Source of the numbers, short enough for a legend."""


def qwen3_4b() -> dict[str, Any]:
    """Return the frozen smoke in the unembedding of Qwen3-4B-Instruct-2507, as plain values."""
    raw = resources.files(__name__).joinpath("qwen3_4b.json").read_bytes()
    return dict(json.loads(raw))

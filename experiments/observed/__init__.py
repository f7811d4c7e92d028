"""What was observed in a real checkpoint, and ships with the package.

qwen3_4b.json says itself what it is, where it was published and by which rules it
was counted; its figures are quoted, never computed here.
"""

import json
from importlib import resources
from typing import Any

LABEL = "observed in Qwen3-4B (Azimuth II)"
"""Where the figures were published, as short as a legend needs it."""


def qwen3_4b() -> dict[str, Any]:
    """The frozen smoke in the unembedding of Qwen3-4B-Instruct-2507."""
    raw = resources.files(__name__).joinpath("qwen3_4b.json").read_bytes()
    return dict(json.loads(raw))

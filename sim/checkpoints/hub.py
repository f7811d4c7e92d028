"""Models in the cache of a model hub, by their ids: ORG/NAME, or NAME.

cache  where the hub's library downloads to: $HF_HUB_CACHE, $HF_HOME/hub, or
       ~/.cache/huggingface/hub; it holds a directory models--ORG--NAME for each model

The cache is looked into without that library, which is needed for downloads alone.
"""

import os
import re
from pathlib import Path

from drift.sim.errors import printable

_ID = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][\w.-]{0,95}(?:/[A-Za-z0-9_][\w.-]{0,95})?", re.A)
_LISTED = 8
"""Most models that a message lists."""


def cache_directory() -> Path:
    """Return the directory of the cache, which need not exist."""
    set_ = os.environ.get
    home = set_("HF_HOME") or f"{set_('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    cache = set_("HF_HUB_CACHE") or set_("HUGGINGFACE_HUB_CACHE") or f"{home}/hub"
    return Path(os.path.expandvars(os.path.expanduser(cache)))


def cached(path: Path) -> Path | None:
    """Return the directory in the cache of a model whose id is `path`; None where none is."""
    model = model_id(path)
    found = cache_directory() / f"models--{model.replace('/', '--')}"
    return found if model and (found / "snapshots").is_dir() else None


def model_of(directory: Path) -> str:
    """Return the id of the model that a directory of a cache holds; empty for others."""
    name = directory.name
    return name[len("models--") :].replace("--", "/") if name.startswith("models--") else ""


def not_cached(path: Path) -> str:
    """Return what a message says of a `path` that is no id of a model in the cache."""
    model = model_id(path)
    if not model:
        return ""
    cache = cache_directory()
    try:
        held = sorted(filter(None, map(model_of, cache.iterdir())))
        some = ", ".join(map(printable, held[:_LISTED])) or "no models"
        more = f" and {len(held) - _LISTED} more" if len(held) > _LISTED else ""
        which = f"{cache} holds {some}{more}"
    except OSError:
        which = f"there is no {cache}"
    fetch = f"; drift scan {model} --download fetches it" if "/" in model else ""
    return f"; no model {model} is in the hub's cache: {which}{fetch}"


def model_id(path: Path) -> str:
    """Return the id that a path can be; empty where it can be none."""
    text = path.as_posix()
    is_file = path.suffix in (".safetensors", ".json", ".zarr", ".npy")
    return text if _ID.fullmatch(text) and not is_file else ""

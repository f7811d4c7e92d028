"""The download of a model from its hub, for those who ask for it.

Of its weights, only the shards are fetched that hold matrices of tokens, where an index tells
them. The library `huggingface_hub` (extra `hub`) does it, into its cache, with its own settings.
"""

import os
import sys
from pathlib import Path

from drift.sim.checkpoints import hub
from drift.sim.checkpoints.layouts import INDEX, SINGLE, shards
from drift.sim.checkpoints.names import named
from drift.sim.errors import BadInput, Unfinished, printable

_OFFLINE, _TRUE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"), ("1", "ON", "YES", "TRUE")
_ABOUT = ["config.json", "tokenizer.json", "*.safetensors.index.json"]
_REFUSALS = {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"}
"""Errors of the library that say that asking again will not help."""


def download(path: Path) -> None:
    """Download the model whose id is `path` into the hub's cache.

    Raises BadInput where it is no id, where the library is missing or told to stay offline,
    and for a model that the hub does not give; Unfinished where the hub can't be reached.
    """
    model = hub.model_id(path)
    if path.exists() or not model:
        what = "is there already" if path.exists() else "is no id of a model"
        raise BadInput(f"--download is given, but {path} {what}; ORG/NAME is needed")
    for name in _OFFLINE:
        if os.environ.get(name, "").upper() in _TRUE:
            raise BadInput(f"--download is given, but {name} forbids it; unset it to download")
    if not sys.stderr.isatty():  # the library reads this when it is imported
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        import huggingface_hub as library
    except ImportError as error:
        raise BadInput("--download needs the extra bf16-drift[hub]") from error

    def fetch(patterns: list[str]) -> Path:
        return Path(
            library.snapshot_download(
                model, cache_dir=hub.cache_directory(), allow_patterns=patterns
            )
        )

    try:
        snapshot = fetch(_wanted(fetch(_ABOUT)))
        if not next(snapshot.glob("*.safetensors"), None):
            snapshot = fetch(["*.safetensors"])
    except BadInput:
        raise
    except Exception as error:  # of the library, of what it is built on, or of the disk
        said = printable(str(error).strip().split("\n")[0]) or type(error).__name__
        line = f"{model} can't be downloaded: {said}"
        names = {each.__name__ for each in type(error).__mro__}
        raise (BadInput(line) if names & _REFUSALS else Unfinished(line)) from error
    if not next(snapshot.glob("*.safetensors"), None):
        raise BadInput(f"{model} has no safetensors file at its hub; one is needed")


def _wanted(snapshot: Path) -> list[str]:
    """Return the names of the files to fetch: the shards that an index tells, or all of it."""
    if not (snapshot / INDEX).exists():
        return [SINGLE]
    files = shards(snapshot / INDEX)
    telling = [each.name for each in named(files)] or list(files)
    return sorted({files[name].name for name in telling})

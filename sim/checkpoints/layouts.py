"""From the path that a person gave to the file or the index that holds the tensors.

shard     one of the safetensors files that share a checkpoint's tensors
index     the JSON file that names the shard of each tensor; shards are never searched for
          otherwise, since directories hold copies
stale     of an index: shards that it names are missing
snapshot  in the cache of a model hub: the files of one revision, which links in
          models--ORG--NAME/snapshots/COMMIT name; refs/main names the newest

Directories are looked into as deep as trainers and hubs nest them. Where several files may be
meant, none is guessed: the error names them.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from drift.sim.checkpoints import hub
from drift.sim.checkpoints.first_bytes import recognised
from drift.sim.checkpoints.safetensors import read_header
from drift.sim.errors import BadInput, printable
from drift.sim.strict_json import read_document

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
ACCEPTED = f"a .safetensors file, {INDEX}, or the directory of either is accepted"
_ALONE = (SINGLE, "consolidated.safetensors", "pytorch_model.safetensors")
"""Names of files that hold all of a model, whatever an index beside them says."""
_REFUSED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".gguf", ".h5", ".msgpack", ".onnx", ".npz")
"""Suffixes of other checkpoints: pickles, and formats that are not read."""
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")
_TRAINED = re.compile(r"(checkpoint|step|epoch)[-_]?\d+")
"""Names of directories that tell the step of a training run, and not the run."""
_LISTED = 12
"""Most names that a message lists."""


def source(path: Path, notes: list[str]) -> Path:
    """Return the safetensors file or the index that `path` stands for: a path, or a hub's id.

    `notes` get lines for people on what was passed over. Raises BadInput where there is
    none, or several may be meant.
    """
    if path.is_dir():
        return _in_directory(path, notes)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise BadInput(f"{path} is {_broken(path)}") from error
        if found := hub.cached(path):
            return _in_directory(found, notes)
        raise BadInput(f"{path}: there is no such file or directory{looked_for(path)}") from error
    if path.suffix not in (".safetensors", ".json"):
        raise BadInput(f"{path} is {recognised(path) or f'no safetensors file; {ACCEPTED}'}")
    return path


def model_name(path: Path, file: Path) -> str:
    """Return the name of the model that a `file` of it belongs to, as people know it.

    That is its id where it lies in a hub's cache, and the name of its directory where `path` is
    that directory or where the file is a shard or an index of several; else that of the file.
    """
    above = file.absolute().parents
    for directory in above:
        if known := hub.model_of(directory):
            return known
    alone = path.suffix == ".safetensors" and not _SHARD.search(file.name)
    if alone or not above or not above[0].name:
        return file.name
    name = above[0].name
    trained = _TRAINED.fullmatch(name) and len(above) > 1 and above[1].name
    return f"{above[1].name}/{name}" if trained else name


def shards(index: Path) -> dict[str, Path]:
    """Return the file of each tensor that an index names. Raises BadInput."""
    document = read_document(index)
    files: Any = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(files, dict):
        raise BadInput(f"{index} is no index of shards: it has no weight_map; {ACCEPTED}")
    for name, file in files.items():
        if not _in_same_directory(file):
            raise BadInput(
                f"{index}: tensor {printable(repr(name))} is said to be in {printable(repr(file))};"
                " a safetensors file in the same directory is accepted"
            )
    return {name: index.parent / file for name, file in files.items()}


def beside(files: set[Path]) -> str:
    """Return what a message says of safetensors files beside the `files` of an index."""
    folders = {file.parent for file in files}
    others = sorted(each for folder in folders for each in folder.glob("*.safetensors"))
    left = [each for each in others if each not in files]
    return f"; beside it there is {_names(left)}, which it does not name" if left else ""


def _in_same_directory(file: Any) -> bool:
    if not (isinstance(file, str) and file.isprintable()):
        return False
    here = PurePosixPath(file)  # ./x.safetensors is x.safetensors
    return len(here.parts) == 1 and here.suffix == ".safetensors" and "\\" not in file


def _in_directory(path: Path, notes: list[str]) -> Path:
    """Return the source in a directory. Raises BadInput."""
    indexes = sorted(path.glob("*.safetensors.index.json"), key=lambda each: each.name != INDEX)
    files = sorted(path.glob("*.safetensors"))
    if indexes:
        return _of_indexes(path, indexes, files, notes)
    if path / SINGLE in files or len(files) == 1:
        file = path / SINGLE if path / SINGLE in files else files[0]
        if not file.exists():
            raise BadInput(f"{file} is {_broken(file)}")
        return file
    if files:
        raise BadInput(f"{path} holds {_names(files)}, and no {INDEX}; name one of them")
    if (path / "snapshots").is_dir():
        return _in_directory(_snapshot(path), notes)
    if path.name == "snapshots" and hub.model_of(path.absolute().parent):
        return _in_directory(_snapshot(path.parent), notes)
    return _deeper(path, notes)


def _of_indexes(path: Path, indexes: list[Path], files: list[Path], notes: list[str]) -> Path:
    """Return the index that is meant, or the file beside stale ones. Raises BadInput."""
    whole = [each for each in indexes if not _is_stale(each)]
    named = [each for each in indexes if each.name == INDEX]
    single = path / SINGLE
    if named and named[0] in whole:
        if single in files:
            notes.append(f"{single} was passed over: {named[0]} is beside it")
        return named[0]
    alone = next((path / name for name in _ALONE if path / name in files), None)
    if alone is not None and not whole and _is_good(alone):
        was = "was" if len(indexes) == 1 else "were"
        notes.append(f"{_names(indexes)} {was} passed over: shards are missing; {alone} is read")
        return alone
    left = whole or named or indexes
    if len(left) > 1:
        raise BadInput(f"{path} holds several indexes: {_names(left)}; name one of them")
    if len(indexes) > 1:
        rest = [each for each in indexes if each != left[0]]
        notes.append(f"{left[0]} is read; beside it there is {_names(rest)}")
    return left[0]


def _is_stale(index: Path) -> bool:
    """Return whether shards are missing, or the index itself can't be followed."""
    try:
        return not all(file.exists() for file in set(shards(index).values()))
    except BadInput:
        return True


def _is_good(file: Path) -> bool:
    try:
        return bool(read_header(file))
    except BadInput:
        return False


def _snapshot(path: Path) -> Path:
    """Return the snapshot of a model in a hub's cache. Raises BadInput where none is meant."""
    found = sorted(each for each in (path / "snapshots").iterdir() if each.is_dir())
    try:
        commit = (path / "refs" / "main").read_bytes()[:100].decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        commit = ""
    meant = [each for each in found if each.name == commit] or found
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise BadInput(f"{path} holds no snapshot: its download was broken off; fetch it again")
    raise BadInput(
        f"{path} holds {len(meant)} snapshots, and refs/main names none of them; name one:"
        f" snapshots/{_names(meant)}"
    )


def _deeper(path: Path, notes: list[str]) -> Path:
    """Return the source in the only checkpoint-N of a trainer. Raises BadInput, naming others."""
    inside = sorted((each for each in path.iterdir() if each.is_dir()), key=by_number)
    models = [each for each in inside if hub.model_of(each)]
    if models:
        listed = _names(models)
        raise BadInput(f"{path} is a hub's cache, which holds {listed}; name one of them")
    held = [each for each in inside if next(each.glob("*.safetensors*"), None)]
    if len(held) == 1 and re.fullmatch(r"checkpoint-\d+", held[0].name):
        notes.append(f"{path} holds no safetensors file; {held[0]} is read")
        return _in_directory(held[0], notes)
    if held:
        raise BadInput(
            f"{path} holds no safetensors file, but directories that do: {_names(held)};"
            " name one of them"
        )
    others = sorted(each.name for each in path.iterdir())
    refused = [name for name in others if Path(name).suffix in _REFUSED]
    if not refused:
        raise BadInput(f"{path} holds no safetensors file; {ACCEPTED}")
    what = recognised(path / refused[0])
    which = f"{printable(refused[0])}, which is {what}" if what else printable(refused[0])
    raise BadInput(f"{path} holds no safetensors file, but {which}")


def by_number(path: Path) -> list[tuple[int, str]]:
    """Return a key of a path's name that sorts checkpoint-500 before checkpoint-1000."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", path.name)]


def looked_for(path: Path) -> str:
    """Return what a message says of a path that is not there: what was looked for, and where."""
    said = hub.not_cached(path)
    parent = path.parent
    try:
        beside = sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))
    except OSError:
        return said
    where = "the working directory" if str(parent) == "." else str(parent)
    return f"{said}; {where} holds {_listed(beside) or 'nothing'}"


def _broken(path: Path) -> str:
    return f"a link to {printable(os.readlink(path))}, which is not there; fetch it again"


def _names(paths: Sequence[Path]) -> str:
    return _listed([each.name for each in paths])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(printable(name) for name in names[:_LISTED]) + more

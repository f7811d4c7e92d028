"""The spec of a drift out of JSON that anybody may have written."""

import dataclasses
from typing import Any

from drift.sim.errors import BadInput, printable
from drift.sim.spec.drift import Drift, Origin

_ORIGIN = ("from", "tensor", "near", "exponents")
_WORDS = ("direction", "format", "rounding", "schedule", "master", "snapshots", "from", "tensor")
_REAL = ("sigma", "radius", "decay", "jitter")
_OPTIONAL = ("sigma", "survivors", "near", "exponents", "at")


def drift_from_json(found: Any, where: str) -> Drift:
    """The drift of what Drift.as_json gives, or of a part of it; the rest is as it is by default.

    Raises BadInput, which begins with `where`, for anything else.
    """
    if not isinstance(found, dict):
        raise BadInput(f"{where} is no spec: an object of a drift's fields is needed")
    names = [field.name for field in dataclasses.fields(Drift) if field.name != "origin"]
    for name, value in found.items():
        if name not in (*names, *_ORIGIN):
            accepted = ", ".join((*names, *_ORIGIN))
            raise BadInput(f"{where} has {printable(repr(name))}; a spec has {accepted}")
        if not _fits(name, value):
            raise BadInput(
                f"{where} has {name} {printable(repr(value))}; {_wanted(name)} is needed"
            )
    own = {name: value for name, value in found.items() if name in names}
    own |= {name: float(own[name]) for name in _REAL if own.get(name) is not None}
    taken = {name: found[name] for name in _ORIGIN if found.get(name) is not None}
    try:
        if taken:
            if not {"from", "tensor"} <= taken.keys():
                raise BadInput(f"{', '.join(taken)} alone; from and tensor name a matrix")
            own["origin"] = Origin(path=taken.pop("from"), **taken)
        return Drift(**own)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error


def _fits(name: str, value: Any) -> bool:
    if value is None:
        return name in _OPTIONAL
    if name == "at":
        return isinstance(value, list) and all(map(_whole, value))
    if name in (*_WORDS, "near"):
        return isinstance(value, str)
    return _whole(value) or (name in _REAL and isinstance(value, float))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64


def _wanted(name: str) -> str:
    if name in (*_WORDS, "near"):
        return "a text"
    return "a list of steps" if name == "at" else "a number" if name in _REAL else "a whole number"

"""A cloud that is given as an array: drift.Drift(cloud=array) gets its rows, shape and format.

The spec has them as those of a checkpoint: `from` is sha256:… of the array (sim.arrays.rows), and
`tensor` the type of its values.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from drift.sim.errors import BadInput
from drift.sim.spec.fields import shown
from drift.sim.spec.origin import Origin

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift


class Unsaid(str):
    """The default of a field, told from the same text where somebody gives it."""


BFLOAT16 = Unsaid("bfloat16")
"""The format of a drift where none is given, unless its array has another."""

_WIDE = ("float32", "float64")


def default_format(source: str) -> str:
    """Return the format of a drift whose array holds values of `source`, where none is given."""
    return str(BFLOAT16) if source in _WIDE else source


def settle_cloud(drift: "Drift", cloud: Any) -> None:
    """Give a drift the rows of its array `cloud`, if there is one, their shape and their format.

    Raises BadInput where it is no cloud, and for fields that contradict it.
    """
    unsaid = isinstance(drift.format, Unsaid)
    if cloud is not None:
        from drift.sim.arrays.rows import ArrayRows, is_array  # late: they load NumPy

        again = isinstance(drift.origin, Origin) and is_array(drift.origin.path)
        if drift.origin is not None and not again:
            raise BadInput("cloud and origin are both given; a drift has one cloud")
        if drift.sigma is not None:
            raise BadInput(
                f"sigma is {shown(drift.sigma)} with cloud; it is for a drawn cloud alone"
            )
        rows = ArrayRows.of(cloud, None if unsaid else drift.format)
        near: dict[str, Any] = {}
        if again:
            assert drift.origin is not None, "as was asked"
            if rows != drift.origin.path or rows.matrix.format.name != drift.origin.tensor:
                raise BadInput(
                    f"cloud is {rows[:15]}… of {rows.matrix.format.name}; the spec has"
                    f" {drift.origin.path[:15]}… of {drift.origin.tensor}"
                )
            near = {"near": drift.origin.near, "exponents": drift.origin.exponents}
        origin = Origin(path=rows, tensor=rows.matrix.format.name, **near)
        object.__setattr__(drift, "origin", origin)
    found = drift.origin.path if isinstance(drift.origin, Origin) else ""
    matrix = getattr(found, "matrix", None) if getattr(found, "available", False) else None
    if matrix is None:
        return
    if unsaid:
        object.__setattr__(drift, "format", default_format(matrix.format.name))
    assert drift.origin is not None, "its rows are there"
    if drift.origin.near is None:
        matrix.check_finite()
        _settle_shape(drift, matrix.codes.shape)


def _settle_shape(drift: "Drift", shape: tuple[int, ...]) -> None:
    usual = {field.name: field.default for field in dataclasses.fields(drift)}
    for name, size in zip(("tokens", "dims"), shape, strict=True):
        given = getattr(drift, name)
        if given not in (usual[name], size):
            raise BadInput(f"{name} is {shown(given)}; the cloud has {size}, of shape {shape}")
        object.__setattr__(drift, name, size)

"""The populations of black holes, from wherever they are known.

population  the tokens of a black hole; of a source, all of them, falling
run         its last step's are in its store; those of a snapshot or a selection
            are counted
checkpoint  they are counted
"""

from dataclasses import dataclass

import numpy as np

from drift.experiments.captions import captions, selected
from drift.experiments.figures import plain
from drift.experiments.source import chosen
from drift.sim.counting.cells import Cells
from drift.sim.counting.coalesce import leaders
from drift.sim.errors import BadInput, printable
from drift.sim.open_matrix import is_run
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.run_store import RunStore

_LONGEST = 48
"""Letters of a name that a legend holds."""


@dataclass(frozen=True)
class Populations:
    """The black holes of one source."""

    source: str
    """its name for messages"""
    label: str
    """what a legend calls it"""
    tokens: np.ndarray
    """int64 (black holes,), falling"""


def populations(
    sources: list[StoreLocation],
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple[list[Populations], str]:
    """Those of each source, whose options are as of experiments.source, and a caption.

    Raises BadInput where a source is not what the options say or an unfinished run.
    """
    asked = (tensor, snapshot, near, exponents)
    found, labels, selection = [], [], None
    for source in sources:
        if is_run(source) and asked == (None,) * len(asked):
            found.append(_stored(source))
            continue
        matrix, selection = chosen(source, *asked)
        rows = np.flatnonzero(matrix.finite())
        found.append(Cells.led_by(leaders(rows, matrix.codes, matrix.format)).populations)
        labels.append(matrix.label)
    names, caption = _names(sources), []
    if all(is_run(source) for source in sources):
        shared, own = captions([RunStore(source).attrs["spec"] for source in sources])
        names = [text or name for text, name in zip(own, names, strict=True)]
        caption = [shared]
    elif len(sources) == 1:
        caption = [plain(labels[0])]
    said = [printable(str(source)) for source in sources]
    made = [Populations(*each) for each in zip(said, names, found, strict=True)]
    which = [] if snapshot is None else [f"step {snapshot:,}"]
    which += selected(selection)
    return made, "\n".join([*caption, *([",  ".join(which)] if which else [])])


def _stored(place: StoreLocation) -> np.ndarray:
    """Of the last step of a run. Raises BadInput where it has not been taken yet."""
    store = RunStore(place)
    if not store.complete:
        raise BadInput(f"{place} is not complete; run it to its end, or name a --snapshot")
    return store.read("populations")


def _names(sources: list[StoreLocation]) -> list[str]:
    """Their last parts, or, where these do not tell them apart, as much as fits."""
    names = [source.name for source in sources]
    if len(set(names)) < len(names) or "" in names:
        names = [str(source)[-_LONGEST:] for source in sources]
    return [plain(name, _LONGEST) for name in names]

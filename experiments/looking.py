"""What `drift plot cloud` draws: of a run two clouds, of a checkpoint its matrix."""

from drift.experiments.captions import parts, selected, wrapped
from drift.experiments.figures import plain
from drift.experiments.scatter import HOLES, Panel
from drift.experiments.source import chosen
from drift.experiments.view import Sight
from drift.sim.open_matrix import is_run, meant, open_matrix
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.run_store import RunStore

_POINTS = 330.0
"""Width of the caption below one cloud."""


def looked_at(
    source: StoreLocation,
    plane: tuple[int, ...] | None,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple[list[Panel], Sight, str]:
    """The panels, the first one the earlier, what is looked at in them, and a caption.

    Raises BadInput where the source is not what the options say, and as Sight.of does.
    """
    matrix, selection = chosen(source, tensor, snapshot, near, exponents)
    sight = Sight.of(matrix, HOLES, plane)
    if not is_run(source):
        said = [plain(matrix.label), *selected(selection)]
        return [Panel("", sight.view(matrix))], sight, wrapped(said, _POINTS)
    store, step = RunStore(source), meant(source, tensor, snapshot)
    panels = [Panel(f"step {step:,}", sight.view(matrix))]
    del matrix  # two of them may not fit into memory
    if step != 0 and 0 in store.read("snapshot_step"):
        first = sight.view(open_matrix(source, None, 0))
        panels.insert(0, Panel("initial cloud, step 0", first))
    said = [*parts(store.attrs["spec"]), *selected(selection)]
    return panels, sight, wrapped(said, _POINTS * len(panels))

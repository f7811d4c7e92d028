"""A spec that is run again: `drift run --spec`.

spec   of a store of a run, or of a JSON file: the fields of a spec, or what `drift run --json`
       printed, which holds them
how    options that change no bit; these alone go with --spec
"""

from typing import TYPE_CHECKING, NamedTuple

import typer

from drift.sim.errors import BadInput
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.run_store import RunStore

_HOW = {"spec", "engine", "device", "devices", "memory", "out", "overwrite", "as_json"}


class Again(NamedTuple):
    """What --spec names."""

    drift: "Drift"
    like: "RunStore | None"
    """the store whose rows and direction must still be there"""


def again(place: StoreLocation, context: typer.Context) -> Again:
    """The drift of the spec at `place`.

    Raises BadInput where the command line says more of it, or there is none.
    """
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name not in _HOW and source is not None and source.name == "COMMANDLINE":
            raise BadInput(
                f"{option.opts[0]} is given with --spec, which fixes it; --out, --overwrite,"
                " --engine, --device, --devices, --memory and --json go with it"
            )
    if isinstance(place, LocalLocation) and place.path.is_file():
        from drift.sim.spec.from_json import drift_from_json
        from drift.sim.strict_json import read_document

        found = read_document(place.path)
        if isinstance(found, dict) and "spec" in found:
            found = found["spec"]
        return Again(drift_from_json(found, str(place)), None)
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.run_store import RunStore

    store = RunStore(place)
    return Again(Drift.from_json(store.attrs["spec"]), store)

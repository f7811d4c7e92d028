"""`drift run`: one drift, from its options, or the spec of another, to its table.

spec   of a store of a run, or of a JSON file: the fields of a spec, or what `drift run --json`
       printed, which holds them
how    options that change no bit; these alone go with --spec
"""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from drift.experiments.cli.execution import (
    Device,
    Devices,
    Engine,
    ExecutionOptions,
    Memory,
    default_store,
)
from drift.experiments.cli.fields import drift_of, with_fields
from drift.experiments.cli.options import AsJson, Out, Overwrite, path, store
from drift.experiments.cli.sources import (
    missing_parent,
    say_collapsed,
    say_complete,
    say_facts,
    say_made,
    say_notes,
)
from drift.experiments.console.terminal import remark
from drift.sim.errors import BadInput, printable
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.run_store import RunStore

_HOW = {
    "save_motion",
    "spec",
    "engine",
    "device",
    "devices",
    "memory",
    "out",
    "overwrite",
    "as_json",
}


class Again(NamedTuple):
    """The `drift` that --spec names."""

    drift: "Drift"
    like: "RunStore | None"
    """the store whose rows and direction must still be there"""


def again(location: StoreLocation, context: typer.Context, rows: str | None) -> Again:
    """The drift of the spec at `location`; `rows` is the file that --from names, if it does.

    Raises BadInput where the command line says more of it, or there is none.
    """
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name == "from_":
            continue  # it may be the array of the spec, again
        if name not in _HOW and source is not None and source.name == "COMMANDLINE":
            raise BadInput(_fixed(option.opts[0]))
    if isinstance(location, LocalLocation) and location.path.is_file():
        from drift.sim.spec.drift import Drift
        from drift.sim.strict_json import read_document

        found = read_document(location.path)
        if isinstance(found, dict) and "spec" in found:
            found = found["spec"]
        return Again(_with_cloud(Drift.from_json(found, str(location)), rows), None)
    from drift.sim.stores.run_store import RunStore

    store = RunStore(location)
    return Again(_with_cloud(store.drift, rows), store)


def _fixed(option: str) -> str:
    return (
        f"{option} is given with --spec, which fixes it; --out, --overwrite, --engine, --device,"
        " --devices, --memory, --save-motion and --json go with it, and --from where its cloud is"
        " an array"
    )


def _with_cloud(drift: "Drift", rows: str | None) -> "Drift":
    """Return the drift of a spec, whose array is that of the file `rows` where --from names one."""
    if rows is None:
        return drift
    from drift.sim.arrays.rows import is_array, is_file

    if drift.origin is None or not is_array(drift.origin.path):
        raise BadInput(_fixed("--from"))
    if not is_file(rows):
        raise BadInput(
            f"from is {printable(str(rows))} with --spec; its cloud is an array, in a FILE.npy"
        )
    return dataclasses.replace(drift, cloud=rows)


def say_saved(drift: "Drift", path: Path) -> None:
    """Say where displacements went, and what of the steps is not among them."""
    from drift.sim.motions.save import saved_note

    note = saved_note(drift)
    remark(f"displacements: {path}{f'; {note}' if note else ''}")


EXAMPLE = "drift run --sigma 2e-8 --tokens 400 --dims 256 --out first.zarr"


@with_fields()
def command(
    context: typer.Context,
    fields: dict[str, Any],
    spec: Annotated[
        StoreLocation | None,
        typer.Option(
            parser=store,
            metavar="STORE",
            help="Run the spec of a store or a JSON file again; options that change it are"
            " refused.",
        ),
    ] = None,
    engine: Engine = "auto",
    device: Device = "auto",
    devices: Devices = 1,
    memory: Memory = None,
    save_motion: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE.npy",
            help="Write the displacements of all steps, (steps, dims), which --motion takes.",
            show_default="none",
        ),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Move one cloud and count its black holes.

    Draws TOKENS vectors of DIMS normal coordinates with standard deviation SIGMA,
    or takes the rows of a checkpoint, moves them by RADIUS along a unit direction
    in STEPS float32 steps, rounds to FORMAT after each, and counts which tokens
    share a cell. The same command resumes an interrupted run.
    """
    drift, like = again(spec, context, fields.get("from")) if spec else (None, None)
    drift = drift or drift_of(fields)
    execution = ExecutionOptions(engine, device, devices, memory)
    made = missing_parent(out)
    found = execution.run(drift, out or default_store(drift), overwrite, like, save_motion)
    result = found.as_json()
    say_made(made)
    say_collapsed([drift])
    say_facts(drift)
    if found.was_complete:
        say_complete(found.store.address, "run")
    if save_motion:
        say_saved(drift, save_motion)
    if "from" in fields and drift.origin is not None and type(drift.origin.path) is str:
        say_notes(LocalLocation(fields["from"]), fields.get("tensor"))
    if note := result.get("cloud", {}).get("note"):
        remark(note)
    if drift.origin is not None and (
        drift.master != "none" or result["cloud"].get("rounded") is not None
    ):
        changed = result["cloud"].get("rounded")
        values = f"; that changed {changed:,} values" if changed else ""
        remark(f"the cloud starts from {result['starts_from']}{values}")
    if zeroed := result.get("cloud", {}).get("zeroed"):
        remark(
            f"{zeroed:,} values of {result['cloud']['matrix']} became +0, being smaller than"
            f" {drift.smallest_drawn:.3g}"
        )
    if as_json:
        print(json.dumps(result))
    else:
        from drift.experiments.tables.run import show_run

        show_run(result)

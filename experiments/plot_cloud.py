"""`drift plot` of one cloud: its black holes, its components, and itself in a plane."""

from collections.abc import Callable
from typing import Annotated

import typer

from drift.experiments.addresses import store
from drift.experiments.drawn import Out, beside, save
from drift.experiments.numbers import wholes
from drift.experiments.source import SOURCE, AsJson, Exponents, Near, Snapshot, Tensor
from drift.sim.stores.location import StoreLocation

Source = Annotated[StoreLocation, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)]
Sources = Annotated[
    list[StoreLocation], typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)
]


def _holes(
    sources: Sources,
    observed: Annotated[
        bool, typer.Option("--observed", help="Beside them those observed in Qwen3-4B.")
    ] = False,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw the populations of the black holes by rank, of several sources over each other.

    The options that choose a cloud or tokens hold for every source.
    """
    from drift.experiments.holes import holes
    from drift.experiments.populations import populations

    found, caption = populations(sources, tensor, snapshot, near, exponents)
    save(holes(found, caption, observed), out or beside(sources, "holes"), as_json)


def _components(
    source: Source,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw each component of adjacent cells, its black holes by population.

    Components are numbered as drift structure numbers them. Cells of a component
    lie by their distances, as well as a plane allows it.
    """
    from drift.experiments.components import components
    from drift.experiments.structure import examined, say_strange

    found, selection = examined(source, tensor, snapshot, near, exponents)
    save(components(found, selection), out or beside([source], "components"), as_json)
    say_strange(found)


def _cloud(
    source: Source,
    plane: Annotated[
        tuple | None,
        typer.Option(
            parser=wholes,
            metavar="I,J",
            help="The dimensions to the right and upwards, counted from 0.",
            show_default="those that tell most cells apart",
        ),
    ] = None,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw a cloud in the plane of two dimensions, its largest black holes in colours.

    Of a run, the initial cloud stands beside it, each token in the colour of
    the black hole it is to fall into. Tokens in one place are a disc, and its
    rings the black holes they are in. Lines are the lattice's values, if few.
    """
    from drift.experiments.looking import looked_at
    from drift.experiments.scatter import scatter

    drawn = scatter(*looked_at(source, plane, tensor, snapshot, near, exponents))
    save(drawn, out or beside([source], "cloud"), as_json)


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "holes": (_holes, "drift plot holes first.zarr --observed"),
    "components": (_components, "drift plot components first.zarr --near largest"),
    "cloud": (_cloud, "drift plot cloud first.zarr"),
}
"""What draws each kind, and an example."""

"""`drift plot`: figures of stored runs and sweeps, and of checkpoints.

It needs no accelerator and repeats no run; predictions are made anew.
"""

from typing import Annotated

import typer

from experiments.addresses import store
from experiments.drawn import Out, beside, save
from experiments.helping import Verb, Verbs, example
from experiments.numbers import real, wholes
from experiments.source import SOURCE, AsJson, Exponents, Near, Snapshot, Tensor
from sim.places import Address

app = typer.Typer(
    help="Draw figures of runs, sweeps and checkpoints, as PNG and SVG.",
    epilog="Each kind has its own --help, with an example.",
    cls=Verbs,
    no_args_is_help=True,
)

_CURVES = "drift plot curves first.zarr"
_PHASE = "drift plot phase grid.zarr"
_HOLES = "drift plot holes first.zarr --observed"
_COMPONENTS = "drift plot components first.zarr --near largest"
_CLOUD = "drift plot cloud first.zarr"

Sources = Annotated[list[Address], typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AXIS=VALUE,…",
        help="Of a sweep: fix axes at a value each, of which enough digits are written.",
    ),
]
Predicted = Annotated[
    bool | None,
    typer.Option(
        "--prediction/--no-prediction",
        help="Draw what drift predict expects.",
        show_default="where it takes seconds",
    ),
]


@app.command("curves", epilog=example(_CURVES), cls=Verb)
def curves_command(
    stores: Annotated[
        list[Address],
        typer.Argument(parser=store, metavar="STORE", help="Runs to overlay, or a sweep."),
    ],
    at: At = None,
    prediction: Predicted = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw the coalescence curve: distinct cells, the largest black hole and pairs against radius.

    Over the pairs lies what is expected of them, if that has an exact form.

    Of a sweep there is a curve for each combination of its axes but seeds:
    their mean, and a band from the least to the greatest of them.
    """
    from experiments.choice import whole
    from experiments.curves import curves
    from experiments.expectation import Outlook
    from experiments.families import families
    from experiments.fixing import fixed
    from sim.errors import BadInput
    from sim.grid_store import GridStore, is_sweep
    from sim.store import RunStore

    sweeps = [each for each in stores if is_sweep(each)]
    if sweeps and len(stores) > 1:
        raise BadInput(f"{sweeps[0]} is a sweep, which is drawn alone; {len(stores)} are named")
    if at and not sweeps:
        raise BadInput(f"at is {at[0]}, but {stores[0]} is no sweep; a run has no axes")
    outlook = Outlook(prediction)
    if sweeps:
        opened = GridStore(stores[0])
        drawn = families(whole(opened, fixed(opened.grid, at or [])), outlook)
    else:
        drawn = curves([RunStore(each) for each in stores], outlook)
    save(drawn, out or beside(stores, "curves"), as_json, outlook.missing)


@app.command("phase", epilog=example(_PHASE), cls=Verb)
def phase_command(
    sweep: Annotated[Address, typer.Argument(parser=store, metavar="STORE", help="A sweep.")],
    x: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="The axis to the right.",
            show_default="sigma, or what fits best",
        ),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS", help="The axis upwards.", show_default="steps, or what fits best"
        ),
    ] = None,
    at: At = None,
    progress: Annotated[
        float,
        typer.Option(parser=real, metavar="F", help="Share of the steps after which to look."),
    ] = 1.0,
    prediction: Predicted = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw which share of the tokens is still distinct at the end, over two axes of a sweep.

    The contour is at one half. Over sigma the onset is drawn too, where one
    coalesced pair is expected. Seeds are averaged; other axes are fixed at their
    first value, or as --at says. Where a single axis is left, its curve is drawn.
    """
    from experiments.choice import plane, record_at
    from experiments.expectation import Outlook
    from experiments.fixing import fixed
    from experiments.phase import phase
    from experiments.transition import transition
    from sim.grid_store import GridStore

    opened = GridStore(sweep)
    section = plane(opened, x, y, fixed(opened.grid, at or []))
    draw = phase if len(section.names) > 1 else transition
    outlook = Outlook(prediction)
    drawn = draw(section, record_at(opened.grid, progress), outlook)
    save(drawn, out or beside([sweep], "phase"), as_json, outlook.missing)


@app.command("holes", epilog=example(_HOLES), cls=Verb)
def holes_command(
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
    from experiments.holes import holes
    from experiments.populations import populations

    found, caption = populations(sources, tensor, snapshot, near, exponents)
    save(holes(found, caption, observed), out or beside(sources, "holes"), as_json)


@app.command("components", epilog=example(_COMPONENTS), cls=Verb)
def components_command(
    source: Annotated[Address, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
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
    from experiments.components import components
    from experiments.structure import examined, say_strange

    found, selection = examined(source, tensor, snapshot, near, exponents)
    save(components(found, selection), out or beside([source], "components"), as_json)
    say_strange(found)


@app.command("cloud", epilog=example(_CLOUD), cls=Verb)
def cloud_command(
    source: Annotated[Address, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
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

    Of a run, the initial cloud stands beside it, each token in the colour of the
    black hole it is to fall into. Where few, the lattice's values are drawn as lines.
    """
    from experiments.looking import looked_at
    from experiments.scatter import scatter

    drawn = scatter(*looked_at(source, plane, tensor, snapshot, near, exponents))
    save(drawn, out or beside([source], "cloud"), as_json)

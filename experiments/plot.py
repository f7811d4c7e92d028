"""`drift plot`: figures of stored runs and sweeps, and of checkpoints.

It needs no accelerator and repeats no run; predictions are made anew.
"""

from typing import Annotated

import typer

from drift.experiments import plot_cloud
from drift.experiments.addresses import store
from drift.experiments.drawn import Out, beside, save
from drift.experiments.helping import Verb, Verbs, example
from drift.experiments.numbers import real
from drift.experiments.source import AsJson
from drift.sim.stores.location import StoreLocation

app = typer.Typer(
    help="Draw figures of runs, sweeps and checkpoints, as PNG and SVG.",
    epilog="Each kind has its own --help, with an example.",
    cls=Verbs,
    no_args_is_help=True,
)

_CURVES = "drift plot curves first.zarr"
_PHASE = "drift plot phase grid.zarr"

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
        list[StoreLocation],
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
    from drift.experiments.choice import whole
    from drift.experiments.curves import curves
    from drift.experiments.expectation import Outlook
    from drift.experiments.families import families
    from drift.experiments.fixing import fixed
    from drift.sim.errors import BadInput
    from drift.sim.stores.run_store import RunStore
    from drift.sim.sweeps.store import SweepStore, is_sweep

    sweeps = [each for each in stores if is_sweep(each)]
    if sweeps and len(stores) > 1:
        raise BadInput(f"{sweeps[0]} is a sweep, which is drawn alone; {len(stores)} are named")
    if at and not sweeps:
        raise BadInput(f"at is {at[0]}, but {stores[0]} is no sweep; a run has no axes")
    outlook = Outlook(prediction)
    if sweeps:
        opened = SweepStore(stores[0])
        drawn = families(whole(opened, fixed(opened.grid, at or [])), outlook)
    else:
        drawn = curves([RunStore(each) for each in stores], outlook)
    save(drawn, out or beside(stores, "curves"), as_json, outlook.missing)


@app.command("phase", epilog=example(_PHASE), cls=Verb)
def phase_command(
    sweep: Annotated[StoreLocation, typer.Argument(parser=store, metavar="STORE", help="A sweep.")],
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
    from drift.experiments.choice import plane, record_at
    from drift.experiments.expectation import Outlook
    from drift.experiments.fixing import fixed
    from drift.experiments.phase import phase
    from drift.experiments.transition import transition
    from drift.sim.sweeps.store import SweepStore

    opened = SweepStore(sweep)
    section = plane(opened, x, y, fixed(opened.grid, at or []))
    draw = phase if len(section.names) > 1 else transition
    outlook = Outlook(prediction)
    drawn = draw(section, record_at(opened.grid, progress), outlook)
    save(drawn, out or beside([sweep], "phase"), as_json, outlook.missing)


for _name, (_verb, _example) in plot_cloud.VERBS.items():
    app.command(_name, epilog=example(_example), cls=Verb)(_verb)

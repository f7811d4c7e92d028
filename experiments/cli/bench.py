"""`drift bench`: how fast it is here, beside the machine's limit and what else there is."""

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.execution import Device
from drift.experiments.cli.options import AsJson
from drift.experiments.console.terminal import say
from drift.experiments.console.values import parse_names, parse_whole

if TYPE_CHECKING:
    from drift.experiments.bench.setting import Setting

EXAMPLE = "drift bench --quick --only neighbours"


def command(
    quick: Annotated[
        bool, typer.Option("--quick", help="Small clouds and fewer rounds: about a minute.")
    ] = False,
    only: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_names,
            metavar="GROUP,…",
            help="Groups to measure: whole-job, step, leap, count, neighbours, sweep.",
            show_default="all",
        ),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(
            parser=parse_whole,
            metavar="N",
            help="Tokens of every cloud.",
            show_default="set by each group",
        ),
    ] = None,
    dims: Annotated[
        int | None,
        typer.Option(
            parser=parse_whole,
            metavar="D",
            help="Dimensions of every cloud.",
            show_default="set by each group",
        ),
    ] = None,
    device: Device = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="NAME",
            help="Write NAME.json, .md, .png and .svg.",
            show_default="results/bench/MACHINE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Time the command, each engine and the counter, and print ratios.

    Whole jobs are processes of `drift run` and of the script that one would
    write in PyTorch, or in NumPy where that is not installed; the parts of their
    time are shown. All else is timed beside a copy of the cloud, one read of it,
    a loop built with the system's C compiler, NumPy with ml_dtypes, and PyTorch.
    All of a case take turns, on as many threads, and every result is checked
    before its time counts. Takes about half an hour without --quick.
    """
    from drift.sim.devices import device as devices

    devices.configure(device)
    chosen = devices.find_device(device)
    from drift.experiments.bench.setting import Setting

    with tempfile.TemporaryDirectory(prefix="drift-bench-") as scratch:
        setting = Setting(chosen, Path(scratch), quick, tokens, dims)
        document = measure(setting, only)
    name = out or Path("results/bench") / _slug(document["machine"], quick)
    written = write(document, name.with_suffix("") if name.suffix == ".json" else name)
    if as_json:
        print(json.dumps(document))
        return
    from drift.experiments.bench.page import show

    show(document)
    say(f"written: {' '.join(map(str, written))}")


def measure(setting: "Setting", only: tuple[str, ...] | None) -> dict[str, Any]:
    """Every case of the groups wanted, as one JSON document.

    Raises BadInput for groups that there are not, and sizes that do not fit.
    """
    from drift.experiments.bench import counting, leap, neighbours, stepping, sweeping, whole_job
    from drift.experiments.bench.runner import measure as measured
    from drift.experiments.bench.setting import machine
    from drift.experiments.bench.verdicts import verdicts
    from drift.sim.errors import BadInput

    groups = {
        "whole-job": whole_job.cases,
        "step": stepping.cases,
        "leap": leap.cases,
        "count": counting.cases,
        "neighbours": neighbours.cases,
        "sweep": sweeping.cases,
    }
    wanted = tuple(only or groups)
    for group in wanted:
        if group not in groups:
            raise BadInput(f"only names {group!r}; the groups are {', '.join(groups)}")
    setting.check(wanted)
    results = [
        measured(case, setting.rounds, _say) for group in wanted for case in groups[group](setting)
    ]
    return {
        "command": _command(setting, only),
        "machine": machine(setting),
        "ratios": verdicts(results, setting.device.platform),
        "results": results,
    }


def write(document: dict[str, Any], name: Path) -> list[Path]:
    """Write the numbers, the page and the figure beside each other; their paths."""
    from drift.experiments.bench.figure import draw
    from drift.experiments.bench.page import markdown
    from drift.experiments.console.files import write_text_atomically
    from drift.experiments.figures.style import save

    name.parent.mkdir(parents=True, exist_ok=True)
    figures = save(draw(document["results"]), name)
    texts = {"json": json.dumps(document, indent=1) + "\n"}
    texts["md"] = markdown(document, figures[0].name)
    paths = []
    for suffix, text in texts.items():
        paths.append(name.with_name(f"{name.name}.{suffix}"))
        write_text_atomically(paths[-1], text)
    return [*paths, *figures]


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


def _command(setting: "Setting", only: tuple[str, ...] | None) -> str:
    words = ["drift", "bench", *(["--quick"] if setting.quick else [])]
    options = {
        "--only": only and ",".join(only),
        "--tokens": setting.tokens,
        "--dims": setting.dims,
    }
    for option, value in options.items():
        words += [option, str(value)] if value else []
    return shlex.join([*words, "--device", setting.device.platform])


def _slug(machine: dict[str, Any], quick: bool) -> str:
    device = machine["device"]
    kind = machine["processor"] if device["platform"] == "cpu" else device["kind"]
    words = f"{kind} {machine['threads']} threads{' quick' if quick else ''}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")

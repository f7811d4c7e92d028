"""Tables of a run's results."""

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from drift.experiments.console.terminal import LINE, new_console
from drift.sim.array_text import DIGEST, short
from drift.sim.errors import printable
from drift.sim.spec.motion_rules import TABLE, kind_of

_ROWS = 12
"""Most records shown between the first and the last."""
_HOLES = 12
"""Most black holes shown, the largest first."""

_LONG = 1e6

_USUAL = ("nearest", "constant")
_OPTIONAL = ("master", "kahan", "jitter", "noise", "survivors", "weight_decay")

_COLUMNS = (
    "step",
    "distinct",
    "black_holes",
    "black_hole_tokens",
    "largest",
    "radius",
    "stalled",
)
_OWN_COLUMNS = ("step", "distinct", "black_holes", "largest", "radius", "asked", "done", "moved")
"""Columns where the motion is not straight, or values decay."""
_HEADS = {"black_hole_tokens": "tokens in them"}


def show_run(result: dict[str, Any]) -> None:
    """Print `result`, the JSON of `drift run`: the records, then the black holes."""
    console = new_console()
    spec, final = result["spec"], result["final"]
    console.print(title(spec, _cloud(spec)))
    table = Table(box=box.SIMPLE, pad_edge=False)
    own = kind_of(spec.get("motion", "straight")) != "straight" or bool(spec.get("weight_decay"))
    names = _OWN_COLUMNS if own else _COLUMNS
    for name in names:
        table.add_column(_HEADS.get(name, name.replace("_", " ")), justify="right")
    for counts in _chosen([result["initial"], *result["records"], final]):
        table.add_row(*(_text(name, counts[name]) for name in names))
    console.print(table)
    console.print(holes_line(final["populations"]))
    seconds = result["seconds"]
    console.print(
        f"{result['engine']} engine on {result['device']['kind']},"
        f" {seconds['total']:.1f} s, of which {seconds['compile']:.1f} s compiling"
    )
    console.print(printable(f"store: {result['store']}", LINE))


def _text(name: str, value: Any) -> str:
    if name == "radius":
        return length(value)
    if name in ("stalled", "moved"):
        return f"{value:.1%}"
    return f"{value:.3g}" if name in ("asked", "done") else f"{value:,}"


def title(spec: dict[str, Any], cloud: str) -> Text:
    """Return a title: shape, `cloud`, drift, and options that differ from their defaults."""
    special = [spec[name] for name in ("rounding", "schedule") if spec[name] not in _USUAL]
    found = [(name, spec.get(name)) for name in _OPTIONAL]
    special += [
        name if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in found
        if value not in (0, None, "none")
    ]
    rest = ", ".join(
        [
            f" in {spec['format']}",
            cloud,
            *_motion(spec),
            *special,
        ]
    )
    return Text.assemble((f"{spec['tokens']:,} tokens × {spec['dims']:,} dims", "bold"), rest)


def _motion(spec: dict[str, Any]) -> list[str]:
    """Return the motion of a spec in words: how far, in how many steps, and along what."""
    motion, steps = spec.get("motion", "straight"), f"X = {spec['steps']:,}"
    kind = kind_of(motion)
    if kind == TABLE:
        return [steps, f"motion {printable(motion)}"]
    far = f"R = {spec['radius']:g}" if kind == "straight" else f"{kind}, lr = {spec['lr']:g}"
    if kind != "straight":
        steps += f", gradient {printable(str(spec['gradient']))}"
    return [f"{far}, {steps}", f"direction {printable(spec['direction'])}"]


def _cloud(spec: dict[str, Any]) -> str:
    """Return the cloud of a spec in words: its sigma, or its checkpoint."""
    if "from" not in spec:
        shape = spec.get("shape", "normal")
        around = f" around {printable(spec['centre'])}" if spec.get("centre") else ""
        return f"σ = {spec['sigma']:g}{around}{'' if shape == 'normal' else f', {shape}'}"
    if spec["from"].startswith(DIGEST):
        names = f"an array of {spec['tensor']}, {short(spec['from'])}"
    else:
        names = ", ".join(printable(spec[name]) for name in ("from", "tensor"))
    near = f", near {spec['near']} within {spec['exponents']} exponents" if spec["near"] else ""
    return f"from {names}{near}"


def _chosen(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first record, the last and some between, each step once."""
    by_step = {counts["step"]: counts for counts in records}
    rows = [by_step[step] for step in sorted(by_step)]
    last = len(rows) - 1
    count = min(_ROWS + 1, last)
    return [rows[round(k * last / count)] for k in range(count + 1)] if last else rows


def length(radius: float | None) -> str:
    """Return the text of a radius, with four decimals, or four digits where it is large."""
    if radius is None:
        return "–"
    return f"{radius:z.4f}" if abs(radius) < _LONG else f"{radius:.4g}"


def holes_line(populations: list[int]) -> str:
    """Return a line on the largest populations, falling."""
    if not populations:
        return "no black holes"
    shown = " ".join(f"{n:,}" for n in populations[:_HOLES])
    more = len(populations) - _HOLES
    return f"black holes by population: {shown}" + (f" … and {more:,} more" if more > 0 else "")

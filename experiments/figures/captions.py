"""What a figure's runs are, in symbols: σ, R, X, N, D, and whatever is not as usual."""

from typing import Any

from drift.experiments.figures.style import figure_text, format_value, text_width

_SHOWN = {
    "sigma": r"$\sigma$ = {}",
    "from": "{}",
    "tensor": "{}",
    "near": "near {}",
    "exponents": "{} exponents",
    "radius": "$R$ = {}",
    "steps": "$X$ = {}",
    "tokens": "$N$ = {}",
    "dims": "$D$ = {}",
    "direction": "{} direction",
    "direction_seed": "direction seed = {}",
    "seed": "seed = {}",
    "format": "{}",
    "rounding": "{} rounding",
    "schedule": "{} schedule",
    "decay": "decay = {}",
    "master": "{} master",
    "jitter": "jitter = {}",
    "survivors": "survivors = {}",
}
_USUAL = {
    "format": "bfloat16",
    "rounding": "nearest",
    "schedule": "constant",
    "decay": 0.99,
    "master": "none",
    "jitter": 0.0,
    "survivors": None,
}
"""What is left out where all runs have it."""
_CLOUD = ("sigma", "from", "tensor", "near", "exponents")
"""What is left out where a run has none of it."""


def captions(specs: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """What the runs share, and for each run what it has of its own."""
    shared = [name for name in _SHOWN if len({spec.get(name) for spec in specs}) == 1]
    own = [name for name in _SHOWN if name not in shared]
    unusual = [name for name in shared if specs[0].get(name) != _USUAL.get(name, ...)]
    return _text(specs[0], unusual), [_text(spec, own) for spec in specs]


def parts(spec: dict[str, Any]) -> list[str]:
    """What is known of one run or of all cells of a sweep, but for the usual."""
    return _parts(spec, [name for name in _SHOWN if spec.get(name) != _USUAL.get(name, ...)])


def in_symbols(name: str, value: Any) -> str:
    """A field of a spec, as captions have it."""
    return _SHOWN[name].format(format_value(value))


def axis_label(name: str, meaning: str) -> str:
    """What an axis is, and its symbol where it has one."""
    symbol = _SHOWN[name].removesuffix(" = {}")
    return f"{figure_text(meaning)}, {symbol}" if symbol.startswith("$") else figure_text(meaning)


def wrapped(said: list[str], points: float, size: float = 8) -> str:
    """Parts of a caption in lines that are so wide at most, where a part is no wider."""
    lines: list[str] = []
    for part in said:
        longer = f"{lines[-1]},  {part}" if lines else part
        if lines and text_width(longer, size) <= points:
            lines[-1] = longer
        else:
            lines.append(part)
    return "\n".join(lines)


def selected(selection: dict[str, Any] | None) -> list[str]:
    """Which tokens were selected, for a caption; nothing where all of them are shown."""
    if selection is None:
        return []
    near = selection["near"]
    around = "the largest black hole" if near == "largest" else f"token {near:,}"
    return [f"tokens within {selection['exponents']:,} exponents of {around}"]


def _text(spec: dict[str, Any], names: list[str]) -> str:
    return ",  ".join(_parts(spec, names))


def _parts(spec: dict[str, Any], names: list[str]) -> list[str]:
    there = [name for name in names if name in spec]
    given = [name for name in there if name not in _CLOUD or spec[name] is not None]
    return [in_symbols(name, spec[name]) for name in given]

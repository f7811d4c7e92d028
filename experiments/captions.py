"""What a figure's runs are, in symbols: σ, R, X, N, D, and whatever is not as usual."""

from typing import Any

from experiments.figures import plain

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
    "master": "{} master",
    "jitter": "jitter = {}",
    "survivors": "survivors = {}",
}
_USUAL = {
    "format": "bfloat16",
    "rounding": "nearest",
    "schedule": "constant",
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


def selected(selection: dict[str, Any] | None) -> list[str]:
    """Which tokens were selected, for a caption; nothing where all of them are shown."""
    if selection is None:
        return []
    near = selection["near"]
    around = "the largest black hole" if near == "largest" else f"token {near:,}"
    return [f"tokens within {selection['exponents']:,} exponents of {around}"]


def _text(spec: dict[str, Any], names: list[str]) -> str:
    given = [name for name in names if name not in _CLOUD or spec.get(name) is not None]
    return ",  ".join(_SHOWN[name].format(_value(spec[name])) for name in given)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return _scientific(value)
    if isinstance(value, int):
        return f"{value:,}"
    words = {None: "all", "none": "no"}
    return words[value] if value in words else plain(str(value))


def _scientific(value: float) -> str:
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${factor}10^{{{int(power)}}}$"

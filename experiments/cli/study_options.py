"""The options of studies that take some of their own, by name: of `training` and of `replay`.

A verb that is decorated by `with_study_options` has a parameter `options`, which gets the values
of those that were given, as plain JSON values. The study says which of them it takes.
"""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from drift.experiments.cli.track import parse_steps
from drift.experiments.console.values import Range, parse_names, parse_real, parse_whole
from drift.sim.errors import BadInput

_TRAINING, _REPLAY = "Of training", "Of replay"


class _Option(NamedTuple):
    panel: str
    parser: Callable[[str], Any] | None
    metavar: str
    text: str


_OPTIONS = {
    "vocabulary": _Option(_TRAINING, parse_whole, "N", "Number of tokens."),
    "dead": _Option(_TRAINING, parse_real, "REAL", "Share of the tokens that never occur."),
    "batch": _Option(_TRAINING, parse_whole, "N", "Sequences of a step."),
    "length": _Option(_TRAINING, parse_whole, "N", "Tokens of a sequence."),
    "steps": _Option(
        _TRAINING, parse_steps, "N", "Steps. Of replay: the step of each sample, as drift track."
    ),
    "lr": _Option(_TRAINING, parse_real, "REAL", "Learning rate, at its highest."),
    "lr_schedule": _Option(_TRAINING, None, "NAME", "How it falls: constant, linear or cosine."),
    "warmup": _Option(_TRAINING, parse_whole, "N", "Steps in which it rises."),
    "weight_decay": _Option(_TRAINING, parse_real, "REAL", "Decoupled weight decay."),
    "beta1": _Option(_TRAINING, parse_real, "REAL", "Decay of AdamW's first moment."),
    "beta2": _Option(_TRAINING, parse_real, "REAL", "Decay of AdamW's second moment."),
    "eps": _Option(_TRAINING, parse_real, "REAL", "What is added to the second moment's root."),
    "sigma": _Option(
        _TRAINING, parse_real, "REAL", "Standard deviation of the embeddings at first."
    ),
    "record_every": _Option(_TRAINING, parse_whole, "N", "Steps between records of W."),
    "arithmetic": _Option(
        _TRAINING, parse_names, "NAME,…", "Kinds: nearest, master, stochastic, kahan."
    ),
    "seeds": _Option(_TRAINING, parse_whole, "N", "Number of seeds: 0, 1, …"),
    "tensor": _Option(_REPLAY, None, "NAME", "Which of several arrays, or which matrix."),
    "format": _Option(_REPLAY, None, "FORMAT", "Format of codes that are stored as integers."),
    "every": _Option(_REPLAY, parse_whole, "N", "Look at every Nth sample."),
    "rows": _Option(_REPLAY, None, "WHICH", "Tokens: first:stop, ids, or a file, as drift track."),
    "near": _Option(_REPLAY, None, "WHICH", "Take only tokens near this one: largest, or an id."),
    "exponents": _Option(
        _REPLAY, parse_whole, "N", "With --near: largest difference of exponents."
    ),
}
_FLAGS = {"format": "--as"}
_PARAMETERS = {"format": "as_"}


def with_study_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb with all these options in the place of its parameter `options`."""

    @functools.wraps(verb)
    def command(**given: Any) -> None:
        options = {name: given.pop(_PARAMETERS.get(name, name)) for name in _OPTIONS}
        verb(options={k: _plain(v) for k, v in options.items() if v is not None}, **given)

    parameters: list[inspect.Parameter] = []
    for each in inspect.signature(verb).parameters.values():
        parameters += [each] if each.name != "options" else list(map(_parameter, _OPTIONS))
    signature: Any = command
    signature.__signature__ = inspect.Signature(parameters)
    return command


def _parameter(name: str) -> inspect.Parameter:
    option = _OPTIONS[name]
    told = typer.Option(
        _FLAGS.get(name, f"--{name.replace('_', '-')}"),
        parser=option.parser,
        metavar=option.metavar,
        help=option.text,
        show_default=False,
        rich_help_panel=option.panel,
    )
    kind = str if option.parser is None else Any
    return inspect.Parameter(
        _PARAMETERS.get(name, name),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, told],
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Path):
        from drift.sim.trajectories.files import open_npy

        found = open_npy(value)
        if found.ndim != 1 or found.dtype.kind not in "ui":
            raise BadInput(f"steps in {value} must be whole numbers, one for each sample")
        return found.tolist()
    if isinstance(value, Range):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else value

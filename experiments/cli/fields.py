"""The options of a drift's fields, made from their rows (sim.spec.fields): none is spelled here.

A verb that is decorated by `with_fields` has a parameter `fields`, which gets the values of the
options that were given, by JSON name. What is not given has the default of its row.
"""

import functools
import inspect
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import path
from drift.experiments.console.values import (
    parse_counts,
    parse_counts_or_all,
    parse_names,
    parse_real,
    parse_reals,
    parse_size_of,
    parse_sizes_of,
    parse_whole,
    parse_whole_or_all,
    parse_wholes,
)
from drift.sim.spec.drift import FIELDS
from drift.sim.spec.fields import Field

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift

_SINGLE: dict[str, tuple[Callable[[str], Any] | None, str]] = {
    "real": (parse_real, "REAL"),
    "whole": (parse_whole, "N"),
    "text": (None, "NAME"),
    "direction": (None, "NAME"),
    "motion": (None, "NAME"),
    "centre": (None, "NAME"),
    "size": (parse_size_of, "REAL"),
    "path": (path, "PATH"),
    "steps": (parse_wholes, "STEP,…"),
}
"""The parser of one value of each kind, and its name in a help page."""
_SEVERAL: dict[str, tuple[Callable[[str], Any] | None, str]] = {
    "real": (parse_reals, "REAL,…"),
    "whole": (parse_counts, "N,…"),
    "text": (parse_names, "NAME,…"),
    "direction": (parse_names, "NAME,…"),
    "motion": (parse_names, "NAME,…"),
    "centre": (parse_names, "NAME,…"),
    "size": (parse_sizes_of, "REAL,…"),
    "path": (parse_names, "PATH,…"),
}
"""The parser of several values of each kind, for axes, and its name in a help page."""
_OR_ALL = {parse_whole: parse_whole_or_all, parse_counts: parse_counts_or_all}


def with_fields(
    without: Container[str] = (), several: Container[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that puts the options of all fields in the place of `fields`.

    Those in `without` are left out; those in `several` take lists and ranges.
    """
    # What is drawn comes first in a help page, then the rows of a checkpoint.
    ordered = sorted(FIELDS, key=lambda name: FIELDS[name].goes_with == "rows")
    known = {_parameter(name): name for name in ordered if name not in without}

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def command(**given: Any) -> None:
            fields = {name: given.pop(parameter) for parameter, name in known.items()}
            verb(fields={k: v for k, v in fields.items() if v is not None}, **given)

        parameters: list[inspect.Parameter] = []
        for each in inspect.signature(verb).parameters.values():
            if each.name == "fields":
                parameters += [
                    inspect.Parameter(
                        parameter, each.kind, default=None, annotation=_option(name, several)
                    )
                    for parameter, name in known.items()
                ]
            else:
                parameters.append(each)
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        return command

    return decorate


def drift_of(fields: dict[str, Any]) -> "Drift":
    """Return the drift of the fields that were given; BadInput where they do not go together."""
    from drift.sim.errors import BadInput
    from drift.sim.spec.drift import Drift
    from drift.sim.spec.rules import check_used

    check_used({name: (value,) for name, value in fields.items()})
    own = {name: value for name, value in fields.items() if FIELDS[name].goes_with != "rows"}
    rows = {name: value for name, value in fields.items() if name not in own}
    if "from" in rows:
        from drift.sim.clouds.checkpoint_rows import from_checkpoint

        return from_checkpoint(rows.pop("from"), **rows, **own)
    for name, value in rows.items():
        raise BadInput(f"{name} is {value} without --from, which names a checkpoint")
    return Drift(**own)


def _parameter(name: str) -> str:
    """Return the name of a parameter: `from` is a keyword of Python, `format` a built-in."""
    return f"{name}_" if name in ("from", "format") else name


def _option(name: str, several: Container[str]) -> Any:
    row = FIELDS[name]
    if row.kind == "flag":
        return Annotated[
            bool | None,
            typer.Option(row.option, help=row.help, show_default=False, rich_help_panel=row.panel),
        ]
    parser, metavar = (_SEVERAL if name in several else _SINGLE)[row.kind]
    if row.none == "all" and parser in _OR_ALL:
        parser = _OR_ALL[parser]
    kind = str if parser is None else tuple
    return Annotated[
        kind | None,
        typer.Option(
            row.option,
            parser=parser,
            metavar=metavar,
            help=row.help + _default(row),
            show_default=False,
            rich_help_panel=row.panel,
        ),
    ]


def _default(row: Field) -> str:
    """Return the end of a help; typer itself would put a text in parentheses."""
    text = row.shown_default
    if not text and row.default is not None:
        text = f"{row.default:g}" if row.kind == "real" else str(row.default)
    elif not text and row.none == "all":
        text = row.none
    return f" \\[default: {text}]" if text else ""

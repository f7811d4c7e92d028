"""The options that every kind of figure has: where it is written, as what, and how it looks."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.options import AsJson, path
from drift.experiments.cli.sources import missing_parent, say_made
from drift.experiments.console.terminal import remark, say
from drift.experiments.console.values import parse_names, parse_real

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from drift.experiments.figures.look import FigureOptions

Out = Annotated[
    Path | None,
    typer.Option(
        parser=path,
        metavar="NAME",
        help="Path of the figure. Its ending decides what is written, as fig.pdf does; without"
        " one, NAME.png and NAME.svg are.",
        show_default="beside the first source; in the working directory for s3://",
    ),
]
Kinds = Annotated[
    tuple | None,
    typer.Option(
        parser=parse_names,
        metavar="KIND,…",
        help="Kinds of files: png, svg, pdf, jpg.",
        show_default="png,svg",
    ),
]
Width = Annotated[
    float | None,
    typer.Option(
        parser=parse_real,
        metavar="INCHES",
        help="Width of the figure; its height goes with it.",
        show_default="what suits the kind",
    ),
]
FontSize = Annotated[
    float | None,
    typer.Option(
        parser=parse_real,
        metavar="POINTS",
        help="Size of the letters.",
        show_default="9",
    ),
]
Title = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A line above the figure.", show_default="none"),
]
NoCaption = Annotated[
    bool,
    typer.Option(
        "--no-caption",
        help="Leave out the lines below that say what was run.",
    ),
]


@dataclass(frozen=True)
class FigureFiles:
    """The files that are asked for of a figure, and its look."""

    out: Path | None
    """path of the figure, with an ending or without"""
    kinds: tuple[str, ...] | None
    """kinds of files"""
    look: "FigureOptions"
    """the options of its look"""
    as_json: bool
    """True where one JSON document is printed"""

    def checked(self) -> "FigureFiles":
        """Return it. Raises BadInput for options that no figure can have."""
        from drift.experiments.figures.look import FigureLook
        from drift.experiments.figures.style import files_of

        FigureLook(**self.look)
        files_of(self.out or Path("figure"), self.kinds)
        return self

    def save(self, figure: "Figure", usual: Path, missing: Mapping[str, int] | None = None) -> None:
        """Write the figure, to `usual` where no path is given, and say where.

        What is `missing` of a prediction, if there can be one: of how many drifts, by
        why.
        """
        from drift.experiments.figures import style

        name = self.out or usual
        # Of a name that we made, no part is an ending.
        files = style.files_of(name, self.kinds if self.out else self.kinds or style.USUAL)
        made = missing_parent(name)
        paths = style.save_as(figure, files)
        say_made(made)
        if self.as_json:
            whys = [{"why": why, "drifts": drifts} for why, drifts in (missing or {}).items()]
            about = {} if missing is None else {"not_predicted": whys}
            print(json.dumps({"figures": [str(each) for each in paths], **about}))
            return
        for each in paths:
            say(f"figure: {each}")
        for why, drifts in (missing or {}).items():
            remark(f"not predicted{f', of {drifts:,} drifts' if drifts > 1 else ''}: {why}")


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "out": (Out, None),
    "format": (Kinds, None),
    "width": (Width, None),
    "font_size": (FontSize, None),
    "title": (Title, None),
    "no_caption": (NoCaption, False),
    "as_json": (AsJson, False),
}
"""The annotation of each option, and its default."""


def with_figure_files(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that has these options in the place of its parameter `files`."""

    @wraps(verb)
    def command(**given: Any) -> None:
        own = {name: given.pop(name) for name in _OPTIONS}
        look: FigureOptions = {
            "width": own["width"],
            "font_size": own["font_size"],
            "title": own["title"],
            "caption": not own["no_caption"],
        }
        files = FigureFiles(own["out"], own["format"], look, own["as_json"])
        verb(**given, files=files.checked())

    kept = [each for each in inspect.signature(verb).parameters.values() if each.name != "files"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    kept = [each.replace(kind=keyword) for each in kept]
    vars(command)["__signature__"] = inspect.Signature([*kept, *more])
    annotations = {name: annotation for name, (annotation, _) in _OPTIONS.items()}
    known = {name: kind for name, kind in verb.__annotations__.items() if name != "files"}
    command.__annotations__ = {**known, **annotations}
    return command

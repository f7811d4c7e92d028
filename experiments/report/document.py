"""What a page is made of, and the page as HTML: blocks, figures as SVG, style sheet and script.

kind   which macro of static/blocks.html draws a block

Every text is plain; the templates escape it. In a figure's SVG styles become attributes, since
the page forbids styles from anywhere but its own sheet. Colours stay what they are: on a dark
page a figure stands on a light card.
"""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from drift.sim.errors import BadInput, Damaged, printable


class Block:
    """A piece of a section."""

    @property
    def kind(self) -> str:
        """The name of its macro."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Note(Block):
    """A paragraph; one that is `strong` must not be overlooked."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Markdown(Block):
    """Paragraphs and lists, as HTML that is safe to show."""

    html: Markup


@dataclass(frozen=True)
class Numbers(Block):
    """What a reader wants first: a few values, large, and what each one is."""

    values: Sequence[tuple[str, str]]
    """what, value"""


@dataclass(frozen=True)
class Table(Block):
    """A table whose first column names its rows."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True
    """whether all columns but the first are numbers"""
    note: str = ""


@dataclass(frozen=True)
class Picture(Block):
    """A figure, and what it shows for those who cannot see it."""

    figure: Figure
    title: str
    text: str
    caption: str = ""


@dataclass(frozen=True)
class Command(Block):
    """A line to paste into a shell."""

    line: str


@dataclass(frozen=True)
class Lattice(Block):
    """The panel to touch: what its script reads, and its choices of dimensions."""

    data: dict[str, Any]
    dims: Sequence[str]
    shown: tuple[int, int]
    """which two of them are shown first, across and up"""
    records: int
    first: str
    """what is said of the first record before the script runs"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: Sequence[Block]

    @classmethod
    def made(cls, heading: str, make: Callable[[], Sequence[Block]]) -> "Section":
        """With what `make` makes, or, where it raises BadInput, why there is nothing.

        What is damaged is raised on.
        """
        try:
            return cls(heading, make())
        except Damaged:
            raise
        except BadInput as error:
            return cls(heading, [Note(f"Not shown: {error}.")])


@dataclass(frozen=True)
class Part:
    """One source of a page."""

    heading: str
    lead: str
    sections: Sequence[Section]


@dataclass(frozen=True)
class Page:
    """All of it; a page of one part has no heading of its own beside the part's."""

    parts: Sequence[Part]
    title: str = ""
    lead: str = ""
    by: str = ""
    """which version made it"""


_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|\d{3})\s+)?([\d.]+px)\s+(.*)")
_HEX = re.compile(r"#[0-9a-f]{6}")
_USED = re.compile(r"url\(#([^)]+)\)")
_FACES = "DejaVu Sans, Verdana, sans-serif"
"""The second one is as wide as the first, which few phones have."""
_WIDE = 4.4
"""Inches of a picture: letters of 9 points are legible on a phone then."""


def fit_to_page(figure: Figure) -> Figure:
    """The figure as wide as a phone can show it, without its caption, which the page has."""
    figure.set_size_inches(_WIDE, figure.get_figheight())
    figure.supxlabel("")
    return figure


def inline_svg(figure: Figure, name: str, title: str, text: str) -> Markup:
    """The element svg of a figure, whose ids begin with `name`.

    `title` and `text` say what it shows.
    """
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    elements = list(root.iter())
    used = {found for each in elements for found in _referred(each)}
    for each in elements:
        _restyle(each)
        _rename(each, name, used)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    for place, (tag, said) in enumerate((("title", title), ("desc", text))):
        described = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        described.text = said
        root.insert(place, described)
    root.attrib |= {"class": "figure", "role": "img"}
    root.attrib |= {"aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc"}
    for each in elements:  # HTML knows these elements by their plain names
        each.tag = each.tag.removeprefix(f"{{{_SVG}}}")
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _restyle(element: ElementTree.Element) -> None:
    """Turn the style of an element into attributes."""
    style = element.attrib.pop("style", "")
    for declared in filter(None, (part.strip() for part in style.split(";"))):
        key, _, value = (part.strip() for part in declared.partition(":"))
        if key == "font" and (font := _FONT.fullmatch(value)):
            slant, weight, size, _ = font.groups()
            found = {"font-style": slant, "font-weight": weight, "font-size": size}
            element.attrib |= {name: given for name, given in found.items() if given}
            element.set("font-family", _FACES)
        elif key == "font-family":
            element.set(key, _FACES)
        else:
            element.set(key, value)
    if _HEX.fullmatch(element.get("fill", "")):  # of a map: no seams between its pieces
        element.set("shape-rendering", "crispEdges")


def _referred(element: ElementTree.Element) -> list[str]:
    """The ids that an element refers to."""
    found = [name for value in element.attrib.values() for name in _USED.findall(value)]
    return [*found, *([element.attrib[_HREF][1:]] if _HREF in element.attrib else [])]


def _rename(element: ElementTree.Element, name: str, used: set[str]) -> None:
    """Begin ids with `name`, and drop those that nothing refers to."""
    own = element.attrib.pop("id", None)
    if own in used:
        element.set("id", f"{name}-{own}")
    for key, value in element.attrib.items():
        element.set(key, _USED.sub(rf"url(#{name}-\1)", value))
    link = element.attrib.pop(_HREF, None)
    if link is not None:
        element.set("href", f"#{name}-{link[1:]}" if link.startswith("#") else link)


_SHEETS = ("page.css", "tables.css", "lattice.css")
_SCRIPTS = ("codes.js", "view.js", "draw.js", "panel.js")
_LONGEST = 10_000
"""Characters of a text that are shown."""


def render(page: Page) -> str:
    """The page as one HTML document; the same page gives the same one."""
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = lambda text: printable(str(text), _LONGEST)
    environment.globals["inline_svg"] = inline_svg
    body = environment.get_template("body.html").render(page=page)
    style, script = "".join(map(_file, _SHEETS)), "".join(map(_file, _SCRIPTS))
    allowed = {"style-src": _hash(style), "script-src": _hash(script), "img-src": "data:"}
    none = dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")
    policy = "; ".join(f"{name} {value}" for name, value in (none | allowed).items())
    ours = {"style": Markup(style), "script": Markup(script), "body": Markup(body)}
    return environment.get_template("page.html").render(page=page, policy=policy, **ours)


def _file(name: str) -> str:
    """A file of the package."""
    return resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source as a Content-Security-Policy names it."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"

"""Blocks, sections and parts of a page, and the page as HTML.

kind   name of the macro in static/blocks.html that draws a block

All texts are plain text, and the templates escape them. In a figure's SVG styles become
attributes, since the page forbids all styles but those of its own sheet. Colours are kept: on a
dark page a figure stands on a light card.
"""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from drift.sim.errors import BadInput, Damaged, printable


class PageBlock:
    """A piece of a section."""

    @property
    def kind(self) -> str:
        """The name of the block's macro."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Paragraph(PageBlock):
    """A paragraph; one that is `strong` stands out."""

    text: str
    """plain text"""
    strong: bool = False


@dataclass(frozen=True)
class Markdown(PageBlock):
    """Paragraphs and lists of a Markdown text."""

    html: Markup
    """HTML that is safe to show"""


@dataclass(frozen=True)
class Numbers(PageBlock):
    """A few important values, in large letters."""

    values: Sequence[tuple[str, str]]
    """names and values"""


@dataclass(frozen=True)
class DataTable(PageBlock):
    """A table whose first column names its rows."""

    caption: str
    """text above the table"""
    columns: Sequence[str]
    """heads of the columns"""
    rows: Sequence[Sequence[str]]
    """texts, row by row"""
    numeric: bool = True
    """True where all columns but the first hold numbers"""
    note: str = ""
    """text below the table"""


@dataclass(frozen=True)
class Picture(PageBlock):
    """A figure, and its description for those who cannot see it."""

    figure: Figure
    """as matplotlib draws it"""
    title: str
    """what is drawn, for screen readers"""
    text: str
    """what it shows, likewise"""
    caption: str = ""
    """text below the figure; the title where empty"""


@dataclass(frozen=True)
class Command(PageBlock):
    """A line to paste into a shell."""

    line: str
    """the command, quoted for a shell"""


@dataclass(frozen=True)
class Lattice(PageBlock):
    """The interactive panel of tokens on the lattice."""

    data: dict[str, Any]
    """JSON that the page's script reads"""
    dims: Sequence[str]
    """names of the dimensions to choose from"""
    shown: tuple[int, int]
    """indices of the dimensions shown first, across and up"""
    records: int
    """number of records"""
    first: str
    """text on the first record, shown until the script runs"""
    ends: Sequence[Sequence[int]] = ()
    """lattice coordinates of the tokens present at the last record, for each dimension"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    """text of the heading"""
    _make: Callable[[], Sequence[PageBlock]]

    @classmethod
    def of(cls, heading: str, blocks: Sequence[PageBlock]) -> "Section":
        """Return a section of blocks that are there."""
        return cls(heading, lambda: blocks)

    @cached_property
    def blocks(self) -> Sequence[PageBlock]:
        """The blocks, in order, made when they are asked for; else why they can't be.

        The reason is the message of a BadInput. Raises Damaged where a store is damaged.
        """
        try:
            return self._make()
        except Damaged:
            raise
        except BadInput as error:
            return [Paragraph(f"Not shown: {error}.")]


@dataclass(frozen=True)
class Part:
    """The part of a page that shows one source."""

    heading: str
    """text of the heading"""
    lead: str
    """a line below it"""
    sections: Sequence[Section]
    """sections, in order"""


@dataclass(frozen=True)
class HtmlPage:
    """A whole page; a page of one part has no heading but the part's."""

    parts: Sequence[Part]
    """parts, in order"""
    title: str = ""
    """text of the heading, where there are several parts"""
    lead: str = ""
    """a line below it"""
    by: str = ""
    """program and version that made the page"""


_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|\d{3})\s+)?([\d.]+px)\s+(.*)")
_HEX = re.compile(r"#[0-9a-f]{6}")
_USED = re.compile(r"url\(#([^)]+)\)")
_FACES = "DejaVu Sans, Verdana, sans-serif"
"""Fonts: the second one has the widths of the first, which few phones have."""
_WIDE = 4.4
"""Width of a picture, inches, such that letters of 9 points can be read on a phone."""


def fit_to_page(figure: Figure) -> Figure:
    """Make a figure as narrow as a phone, and drop its caption, which the page shows; return it."""
    figure.set_size_inches(_WIDE, figure.get_figheight())
    figure.supxlabel("")
    return figure


def inline_svg(figure: Figure, name: str, title: str, text: str) -> Markup:
    """Return the svg element of a figure, whose ids begin with `name`.

    `title` and `text` describe it to screen readers.
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
    for index, (tag, said) in enumerate((("title", title), ("desc", text))):
        described = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        described.text = said
        root.insert(index, described)
    root.attrib |= {"class": "figure", "role": "img"}
    root.attrib |= {"aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc"}
    for each in elements:  # HTML knows these elements without a namespace
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
    if _HEX.fullmatch(element.get("fill", "")):  # tiles of a map: no seams between them
        element.set("shape-rendering", "crispEdges")


def _referred(element: ElementTree.Element) -> list[str]:
    """Return the ids that an element refers to."""
    found = [name for value in element.attrib.values() for name in _USED.findall(value)]
    return [*found, *([element.attrib[_HREF][1:]] if _HREF in element.attrib else [])]


def _rename(element: ElementTree.Element, name: str, used: set[str]) -> None:
    """Prefix ids with `name`, and drop ids that nothing refers to."""
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
"""Most characters of a text."""


def render(page: HtmlPage, progress: Callable[[int, int], None] = lambda done, of: None) -> str:
    """Return the page as one HTML document; equal pages give equal documents.

    `progress` is called with the sections that are done and all of them. Raises Damaged where a
    store is damaged.
    """
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = lambda text: printable(str(text), _LONGEST)
    environment.globals["inline_svg"] = inline_svg
    sections = [section for part in page.parts for section in part.sections]

    def told(section: Section) -> str:
        progress(sections.index(section), len(sections))
        return ""

    environment.globals["told"] = told
    body = environment.get_template("body.html").render(page=page)
    style, script = "".join(map(_file, _SHEETS)), "".join(map(_file, _SCRIPTS))
    allowed = {"style-src": _hash(style), "script-src": _hash(script), "img-src": "data:"}
    none = dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")
    policy = "; ".join(f"{name} {value}" for name, value in (none | allowed).items())
    ours = {"style": Markup(style), "script": Markup(script), "body": Markup(body)}
    return environment.get_template("page.html").render(page=page, policy=policy, **ours)


def _file(name: str) -> str:
    """Return the text of a file in static/."""
    return resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows a source."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"

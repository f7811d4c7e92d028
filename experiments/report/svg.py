"""A figure of matplotlib as SVG within a page, its text readable.

Styles become attributes, since the page forbids styles from anywhere but its own sheet.
Colours stay what they are: on a dark page a figure stands on a light card.
"""

import io
import re
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|\d{3})\s+)?([\d.]+px)\s+(.*)")
_HEX = re.compile(r"#[0-9a-f]{6}")
_USED = re.compile(r"url\(#([^)]+)\)")
_FACES = "DejaVu Sans, Verdana, sans-serif"
"""The second one is as wide as the first, which few phones have."""
_WIDE = 4.4
"""Inches of a picture: letters of 9 points are legible on a phone then."""


def fitted(drawn: Figure) -> Figure:
    """The figure as wide as a phone can show it, without its caption, which the page has."""
    drawn.set_size_inches(_WIDE, drawn.get_figheight())
    drawn.supxlabel("")
    return drawn


def inlined(drawn: Figure, name: str, title: str, text: str) -> Markup:
    """The element svg of a figure, whose ids begin with `name`.

    `title` and `text` say what it shows.
    """
    written = io.BytesIO()
    drawn.savefig(written, format="svg", metadata={"Date": None})
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
    root.attrib |= {"class": "drawn", "role": "img"}
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

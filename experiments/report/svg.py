"""A figure of matplotlib as SVG within a page: in the page's colours, its text readable.

Styles become attributes, since the page forbids styles from anywhere but its own sheet.
Black is the page's ink and white its paper; other colours are names with the colour of
the light page in them, which `dark_colours` gives others for the dark one.
"""

import colorsys
import io
import re
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|\d{3})\s+)?([\d.]+px)\s+(.*)")
_HEX = re.compile(r"#[0-9a-f]{6}")
_NAMED = re.compile(r"var\(--k([0-9a-f]{6})")
_USED = re.compile(r"url\(#([^)]+)\)")
_FACES = "DejaVu Sans, Verdana, sans-serif"
"""The second one is as wide as the first, which few phones have."""
_WIDE = 4.4
"""Inches of a picture: letters of 9 points are legible on a phone then."""
_LIGHT, _GREY, _FAINT = 0.62, 0.12, 0.8
"""Least lightness of a colour in the dark; saturation of greys; lightness of grids."""


def fitted(drawn: Figure) -> Figure:
    """The figure as wide as a phone can show it, without its caption, which the page has."""
    drawn.set_size_inches(_WIDE, drawn.get_figheight())
    drawn.supxlabel("")
    return drawn


def inlined(drawn: Figure, name: str, title: str, text: str, mapped: bool = False) -> Markup:
    """The element svg of a figure, whose ids begin with `name`.

    `title` and `text` say what it shows. Colours that are `mapped` stay what they are.
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
        _restyle(each, mapped)
        _rename(each, name, used)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    for place, (tag, said) in enumerate((("title", title), ("desc", text))):
        described = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        described.text = said
        root.insert(place, described)
    root.attrib |= {"class": "drawn", "role": "img", "fill": "currentColor"}
    root.attrib |= {"aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc"}
    for each in elements:  # HTML knows these elements by their plain names
        each.tag = each.tag.removeprefix(f"{{{_SVG}}}")
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def dark_colours(html: str) -> str:
    """The declarations that give the colours named in `html` others on a dark page."""
    names = sorted(set(_NAMED.findall(html)))
    return "".join(f"--k{name}:{_darkened(name)};" for name in names)


def _restyle(element: ElementTree.Element, mapped: bool) -> None:
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
            element.set(key, _coloured(value, mapped))
    if _HEX.fullmatch(element.get("fill", "")):  # of a map: no seams between its pieces
        element.set("shape-rendering", "crispEdges")


def _coloured(value: str, mapped: bool) -> str:
    """A value of the light page as one that follows the page."""
    if not _HEX.fullmatch(value):
        return value
    if value == "#000000":
        return "currentColor"
    if value == "#ffffff":
        return "var(--paper)"
    grey = len({value[1:3], value[3:5], value[5:]}) == 1
    return value if mapped and not grey else f"var(--k{value[1:]}, {value})"


def _darkened(name: str) -> str:
    """A colour, six hexadecimal digits, as it is on a dark page."""
    rgb = (int(name[k : k + 2], 16) / 255 for k in (0, 2, 4))
    hue, lightness, saturation = colorsys.rgb_to_hls(*rgb)
    if saturation < _GREY:  # what is faint stays faint
        lightness = 1.1 - lightness if lightness < _FAINT else 0.3
    else:
        lightness = max(lightness, _LIGHT)
    found = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in found)


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

"""Markdown as blocks of a page: its sections, with its tables and its figures in the page's own.

A page opens with no network and from anywhere, so links to files beside the Markdown
are text. What is HTML in the Markdown is escaped.
"""

from collections.abc import Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from matplotlib.figure import Figure

from drift.experiments.report.blocks import Block, Picture, Prose, Section, Table
from drift.experiments.report.svg import fitted

_READER = MarkdownIt("commonmark", {"html": False}).enable("table")


def sections(text: str, figures: Mapping[str, Figure]) -> tuple[str, list[Section]]:
    """The first heading of a Markdown `text`, and what stands below it and its second ones.

    A picture of NAME.png is the figure of that name.
    """
    title, heading, found = "", "", dict[str, list[Block]]()
    for tokens in _blocks(_READER.parse(text)):
        if tokens[0].type == "heading_open":
            said = _plain(tokens[1])
            title, heading = (said, "In short") if tokens[0].tag == "h1" else (title, said)
        else:
            found.setdefault(heading, []).append(_block(tokens, heading, figures))
    return title, [Section(heading, blocks) for heading, blocks in found.items()]


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each block that stands in no other."""
    found: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            found.append([])
        found[-1].append(token)
    return found


def _block(tokens: Sequence[Token], heading: str, figures: Mapping[str, Figure]) -> Block:
    if tokens[0].type == "table_open":
        return _table(tokens, heading)
    inner = tokens[1].children or [] if len(tokens) > 1 else []
    if [each.type for each in inner] == ["image"]:
        name, alt = str(inner[0].attrs["src"]).removesuffix(".png"), _plain(inner[0])
        return Picture(fitted(figures[name]), alt, alt)
    for token in tokens:
        if token.children:
            links = "link_open", "link_close"
            token.children = [each for each in token.children if each.type not in links]
    return Prose(Markup(_READER.renderer.render(tokens, _READER.options, {})))


def _table(tokens: Sequence[Token], heading: str) -> Table:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_plain(token))
    return Table(heading, rows[0], rows[1:])


def _plain(token: Token) -> str:
    """The text of an inline token, or the alternative one of an image."""
    return "".join(each.content for each in token.children or [])

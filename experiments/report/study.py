"""The part of a page that shows a study: its Markdown, tables and figures.

A page stands alone, so that links in the Markdown become text. HTML in the Markdown is escaped.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from matplotlib.figure import Figure

from drift.experiments.report import tables
from drift.experiments.report.document import (
    Command,
    DataTable,
    Markdown,
    PageBlock,
    Part,
    Picture,
    Section,
    fit_to_page,
)
from drift.experiments.studies.parts import Run, StudyStores, Sweep, Training
from drift.experiments.studies.registry import IDENTITY, STUDIES, Study
from drift.sim.errors import BadInput
from drift.sim.strict_json import read_document

_READER = MarkdownIt("commonmark", {"html": False}).enable("table")


def sections(text: str, figures: Mapping[str, Figure]) -> tuple[str, list[Section]]:
    """Return the title of a Markdown text, and a section for each heading below it.

    A picture of NAME.png becomes the figure NAME of `figures`.
    """
    title, heading, found = "", "", dict[str, list[PageBlock]]()
    for tokens in _blocks(_READER.parse(text)):
        if tokens[0].type == "heading_open":
            said = _plain(tokens[1])
            title, heading = (said, "In short") if tokens[0].tag == "h1" else (title, said)
        else:
            found.setdefault(heading, []).append(_block(tokens, heading, figures))
    return title, [Section.of(heading, blocks) for heading, blocks in found.items()]


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens of each outermost block."""
    found: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            found.append([])
        found[-1].append(token)
    return found


def _block(tokens: Sequence[Token], heading: str, figures: Mapping[str, Figure]) -> PageBlock:
    if tokens[0].type == "table_open":
        return _table(tokens, heading)
    inner = tokens[1].children or [] if len(tokens) > 1 else []
    if [each.type for each in inner] == ["image"]:
        name, alt = str(inner[0].attrs["src"]).removesuffix(".png"), _plain(inner[0])
        return Picture(fit_to_page(figures[name]), alt, alt)
    for token in tokens:
        if token.children:
            links = "link_open", "link_close"
            token.children = [each for each in token.children if each.type not in links]
    return Markdown(Markup(_READER.renderer.render(tokens, _READER.options, {})))


def _table(tokens: Sequence[Token], heading: str) -> DataTable:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_plain(token))
    return DataTable(heading, rows[0], rows[1:])


def _plain(token: Token) -> str:
    """Return the text of an inline token, or the alternative text of an image."""
    return "".join(each.content for each in token.children or [])


def study_at(directory: Path) -> tuple[Study, bool] | None:
    """Return the study in a directory, and True where it was a quick one; None without a study."""
    identity = directory / "stores" / IDENTITY
    if identity.is_file():
        said = read_document(identity)
        if isinstance(said, dict) and said.get("study") in STUDIES:
            options = said.get("options")
            given = options if isinstance(options, dict) else {}
            return STUDIES[said["study"]].given(given), said.get("quick") is True
        raise BadInput(f"{identity} names no study; there are {', '.join(STUDIES)}")
    # Directories made before that file was written are known by their names.
    name = directory.name.removesuffix("-quick")
    if name not in STUDIES or not (directory / "stores").is_dir():
        return None
    return STUDIES[name], directory.name != name


def part(directory: Path, study: Study, quick: bool) -> Part:
    """Return the part of a study. Raises BadInput where the study is not complete."""
    made, parts = StudyStores(directory / "stores"), study.parts(quick)
    missing = [each.name for each in parts if not each.complete(made)]
    command = study.command(quick)
    if missing:
        raise BadInput(
            f"{directory} lacks {len(missing)} of {len(parts)} parts, such as {missing[0]};"
            f" {command} continues it"
        )
    page = study.page(made, command)
    title, found = sections(page.text, page.figures)
    stores = (made.run(each.name) for each in parts if isinstance(each, Run))
    sweeps = (made.sweep(each.name) for each in parts if isinstance(each, Sweep))
    trainings = (made.training(each.name) for each in parts if isinstance(each, Training))
    replays = [made.run("replay")] if made.store("replay").exists() else []
    first = next(chain(stores, sweeps, trainings, replays))  # the others need not be opened
    ran = Section.of("Environment", [tables.provenance_table(first.attrs, str(first.address))])
    again = Section.of("Reproduce", [Command(command)])
    return Part(title, study.asks, [*found, ran, again])

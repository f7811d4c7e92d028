"""The pages of docs/: their commands, what they show, and the site that is made of them."""

import logging
import re
import shlex

import pytest
import typer

import drift
from drift.experiments.cli import main as cli
from tests.support import readme_tour as tour
from tests.support.run_cli import VERBS
from tests.support.source_files import ROOT, named

DOCS = sorted((ROOT / "docs").rglob("*.md"))
README = tour.README.read_text()
TEXTS = {page: page.read_text() for page in [tour.README, *DOCS]}
BLOCKS = [(page, block) for page, text in TEXTS.items() for block in tour.BLOCK.finditer(text)]
SHOWING = sorted({page for page, block in BLOCKS if block[1] in ("text", "python")} - {tour.README})
"""Pages that show what is printed."""
LINES = [
    pytest.param(words[1:], id=f"{named(page)}: {shlex.join(words)}")
    for page, block in BLOCKS
    if block[1] == "sh"
    for words in tour.commands(block[2])
    if words[0] == "drift"
]
"""The arguments of every `drift` line."""


@pytest.mark.parametrize("arguments", LINES)
def test_every_command_is_one_that_the_command_line_takes(arguments):
    command, context, rest = typer.main.get_command(cli.application()), None, arguments
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    context = command.make_context("drift", list(rest))
    assert context.params


@pytest.mark.slow
@pytest.mark.parametrize("page", SHOWING, ids=named)
def test_what_a_page_shows_is_what_is_printed(page, tmp_path):
    steps, _ = tour.walk(tmp_path, tour.shown(page.read_text()))
    assert steps
    for step in steps:
        if step.shown:
            assert tour.masked(step.printed) == tour.masked(step.shown[2]), step.typed
        elif step.kind == "python":
            assert step.printed == ""


def test_the_reference_has_every_public_name():
    shown = re.findall(r"^::: drift\.(\w+)$", "\n".join(TEXTS.values()), re.MULTILINE)
    assert sorted(shown) == sorted(set(drift.__all__) - {"FORMATS"})


def test_readme_and_gallery_name_every_verb_and_every_kind_of_figure():
    table = README[README.index("## The verbs") : README.index("## How fast")]
    assert {words[0] for words in VERBS} == set(re.findall(r"`(\w+)`", table))
    kinds = re.findall(r"^drift plot (\w+)", TEXTS[ROOT / "docs/gallery.md"], re.MULTILINE)
    assert set(kinds) == {words[1] for words in VERBS if words[0] == "plot"}


def test_readme_is_the_first_hour():
    assert len(README.splitlines()) < 300
    assert "docs/glossary.md" in README


@pytest.mark.slow
def test_the_site_is_built_without_warnings(tmp_path, caplog, monkeypatch):
    config = pytest.importorskip("mkdocs.config")
    from mkdocs.commands.build import build

    heard = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = heard.append
    monkeypatch.chdir(ROOT)
    logging.getLogger("mkdocs").addHandler(handler)
    try:
        build(
            config.load_config(
                str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site"), extra={"draw": False}
            )
        )
    finally:
        logging.getLogger("mkdocs").removeHandler(handler)
    assert not [record.getMessage() for record in heard]
    for name in ("index.html", "docs/glossary/index.html", "results/stall/stall.png"):
        assert (tmp_path / "site" / name).exists()
    text = (tmp_path / "site/docs/reference/functions/index.html").read_text()
    assert "the components and the distances of a cloud" in text
    assert "https://" not in re.sub(r'href="[^"]*"', "", (tmp_path / "site/index.html").read_text())

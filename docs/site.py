"""The site as `make docs` builds it: what is not written by hand, and where its pages come from.

page      a Markdown file; its place in the site is that in the repository, so that its links
          lead to the same files in both
picture   a figure of the gallery, drawn by the commands of docs/gallery.md as the site is built
help      of a verb, as `drift VERB --help` prints it
"""

import io
import os
import re
import shlex
import shutil
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from pygments.formatters import HtmlFormatter

from drift.experiments.cli import main as cli

ROOT = Path(__file__).parents[1]
GALLERY, COMMANDS = "docs/gallery.md", "docs/reference/commands.md"
PLACES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"),
    *("docs/**/*.md", "sim/prediction/derivation.md", "experiments/cloud/*"),
    "experiments/notebooks/*.ipynb",
)
COMMITTED = re.findall(r"^!/results/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
"""The folders of results that are committed."""
BLOCK = re.compile(r"^```sh\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_WIDTH = "100"
"""Columns of the help of a verb."""

_made = tempfile.TemporaryDirectory()
"""Where pictures are drawn, and where the package is put together."""


@event_priority(100)  # before mkdocstrings looks for the package
def on_config(config: Any) -> Any:
    """Put together the package as it is installed, for the reference, and the list of studies.

    The package's folders lie apart in the repository.
    """
    package = Path(_made.name, "package", "drift")
    shutil.copytree(ROOT / "drift", package, dirs_exist_ok=True)
    for name in ("kernels", "sim", "experiments"):  # links to folders would not be followed
        shutil.copytree(ROOT / name, package / name, dirs_exist_ok=True)
    handler = config.plugins["mkdocstrings"].config.handlers.setdefault("python", {})
    handler["paths"] = [str(package.parent)]
    studies = next(each["Studies"] for each in config.nav if "Studies" in each)
    for name in COMMITTED:
        page = f"results/{name}/README.md"
        if (ROOT / page).exists() and page not in str(config.nav):
            studies.append({name.capitalize(): page})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Return the pages of the repository, what they show and link to, and the pictures."""
    found = [path for place in PLACES for path in sorted(ROOT.glob(place))]
    for study in COMMITTED:
        found += sorted(path for path in (ROOT / "results" / study).glob("*.*") if path.is_file())
    drawn = Path(_made.name, "docs", "gallery")
    if config.extra["draw"] and not drawn.is_dir():
        drawn.mkdir(parents=True)
        draw((ROOT / GALLERY).read_text(), drawn)
    there = [(ROOT, path.relative_to(ROOT)) for path in found]
    there += [(Path(_made.name), path.relative_to(_made.name)) for path in drawn.glob("*.svg")]
    made = [File(str(name), str(src), config.site_dir, True) for src, name in there]
    made += [
        File.generated(config, f"css/code-{mode}.css", content=css(style))
        for mode, style in (("light", "default"), ("dark", "github-dark"))
    ]
    return Files([*(each for each in files if each.src_dir != config.docs_dir), *made])


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Show below each command of the gallery what it draws, and the help of every verb."""
    if page.file.src_uri == GALLERY and config.extra["draw"]:
        return BLOCK.sub(lambda block: block[0] + pictures(block[1]), markdown)
    if page.file.src_uri == COMMANDS:
        return markdown + "".join(map(helped, verbs()))
    return markdown


def css(style: str) -> str:
    """Return the rules that colour code in a style of Pygments."""
    return str(HtmlFormatter(style=style).get_style_defs(".highlight"))


def commands(block: str) -> list[list[str]]:
    """Return the arguments of each `drift` line of a block."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.strip()]


def draw(gallery: str, directory: Path) -> None:
    """Do the commands of the gallery in a directory. Raises RuntimeError where one fails."""
    with chdir(directory):
        for block in BLOCK.findall(gallery):
            for arguments in commands(block):
                printed, kind = io.StringIO(), ["--format", "svg"]
                with redirect_stdout(printed), redirect_stderr(printed):
                    status = cli.outcome(arguments + kind * (arguments[0] == "plot"))
                if status:
                    raise RuntimeError(f"drift {shlex.join(arguments)}: {printed.getvalue()}")


def pictures(block: str) -> str:
    """Return the pictures that the commands of a block draw, in Markdown."""
    found = []
    for arguments in commands(block):
        if arguments[0] == "plot":
            kind, source = arguments[1], Path(arguments[2]).stem
            named = dict(pairwise(arguments)).get("--out")
            found.append(f"\n![{kind}](gallery/{named or f'{source}-{kind}'}.svg)\n")
    return "".join(found)


def verbs() -> list[tuple[str, ...]]:
    """Return every verb in words."""
    from typer.main import get_command

    def leaves(command: Any, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [w for name, each in inner.items() for w in leaves(each, (*words, name))] or [words]

    return leaves(get_command(cli.application()), ())


def helped(verb: tuple[str, ...]) -> str:
    """Return the help of a verb, under its heading."""
    before = dict(os.environ)
    os.environ |= {"COLUMNS": _WIDTH, "TERMINAL_WIDTH": _WIDTH}
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            cli.outcome([*verb, "--help"])
    finally:
        os.environ.clear()
        os.environ |= before
    lines = "\n".join(line.rstrip() for line in printed.getvalue().splitlines()).strip("\n")
    return f"\n## drift {' '.join(verb)}\n\n```text\n{lines}\n```\n"

"""What README.md and pages show: commands and Python, done in order in one directory.

A block of `sh` is what is typed, the block of `text` behind it what is printed; a
block of `python` shows both, as doctests do. `drift` runs in this process, and
`make demo` runs what the Makefile says of it. What is not done stands in UNDONE,
with the reason, and a checkpoint of many gigabytes need only be named rightly.
Spaces at the ends of lines don't count, nor does how long something took.

After a change of what is printed, `python -m tests.support.readme_tour` writes README.md anew, and
the pages of docs/, of which only what is shown is done.
"""

import doctest
import io
import os
import re
import shlex
import tempfile
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from drift.experiments.cli import main as cli
from tests.support.source_files import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNDONE = {
    "make test": "this is it",
    "python3 -m venv": "what runs this has been installed",
    ". .venv/bin/activate": "likewise",
    "pip install": "likewise",
}
"""How commands begin that are not done, and why."""
MODEL = "Qwen3-4B"
"""A checkpoint that is not there: of what is asked of it, nothing else is wrong."""
SECONDS = re.compile(r"[\d.]+(?= m?s\b)|\d+(?=% of it computing)")
"""Numbers that no two runs share, in the lines that say how long something took."""


class Step(NamedTuple):
    """A block that is done, and what came of it."""

    kind: str
    """sh or python"""
    typed: str
    shown: re.Match | None
    """the block that says what is printed; None where none does"""
    printed: str


def masked(text):
    """Printed text without what differs from one run to the next."""
    return "\n".join(SECONDS.sub("…", line) for line in stripped(text).splitlines())


def stripped(text):
    """Printed text without empty lines around it and spaces that nobody sees."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") + "\n"


def commands(block):
    """The lines of a shell block in words; a backslash joins two."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def made(target):
    """The lines that the Makefile has for a target, what it installs being there."""
    text = (ROOT / "Makefile").read_text()
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)[1]
    demo = re.search(r"^DEMO := (.*)", text, re.MULTILINE)[1]
    return recipe.replace("$(BIN)/", "").replace("$(DEMO)", demo)


def do(words):
    """Do what a line of shell says; raises AssertionError where it fails."""
    line = shlex.join(words)
    if line.startswith(tuple(UNDONE)):
        return
    match words:
        case ["make", target]:
            for each in commands(made(target)):
                do(each)
        case ["mkdir", place]:
            Path(place).mkdir(parents=True)
        case ["cd", place]:
            os.chdir(place)
        case ["drift", *arguments] if MODEL in line:
            said = io.StringIO()
            with redirect_stderr(said):
                assert cli.outcome(arguments) == 2, line
            found = rf"drift: {MODEL}(-Base)?(: there is no| does not exist)"
            assert re.match(found, said.getvalue()), said.getvalue()
        case ["drift", *arguments]:
            assert cli.outcome(arguments) == 0, line
        case _:
            raise AssertionError(f"nothing is known of {line}")


@contextmanager
def inside(directory):
    """A block in another working directory."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def walk(directory, text):
    """Do all that `text` shows, in `directory`; the steps, and where they ended."""
    blocks, steps, known = list(BLOCK.finditer(text)), [], {}
    with inside(directory):
        for block, after in zip(blocks, [*blocks[1:], None], strict=True):
            kind, typed = block.groups()
            printed = io.StringIO()
            if kind == "sh":
                with redirect_stdout(printed), redirect_stderr(printed):
                    for words in commands(typed):
                        do(words)
            elif kind == "python":
                example = doctest.DocTestParser().get_doctest(typed, known, "README", None, None)
                doctest.DocTestRunner(verbose=False).run(example, None, printed.write, False)
                known = example.globs
            else:
                continue
            shown = after if after and after[1] == "text" else None
            steps.append(Step(kind, typed, shown, printed.getvalue()))
        return steps, Path.cwd()


def shown(text):
    """The text without its blocks of commands that show nothing, but for those that others need.

    A block is needed where it writes what a later one reads: `--out` names it.
    """
    blocks = list(BLOCK.finditer(text))
    for block, after in reversed(list(zip(blocks, [*blocks[1:], None], strict=True))):
        shows = after is not None and after[1] == "text"
        written = re.findall(r"--out (\S+)", block[2])
        if block[1] == "sh" and not shows and not any(text.count(name) > 1 for name in written):
            text = text[: block.start()] + text[block.end() :]
    return text


def main():
    """Write README.md and docs/ with what is printed now; say which examples of Python fail."""
    for page in [README, *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text()
        with tempfile.TemporaryDirectory() as directory:
            steps, _ = walk(directory, text if page == README else shown(text))
        for step in steps:
            if step.shown:
                text = text.replace(step.shown[2], stripped(step.printed), 1)
            if step.kind == "python":
                print(step.printed, end="")
        page.write_text(text)


if __name__ == "__main__":
    main()

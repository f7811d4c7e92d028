"""What README.md shows: its commands and its Python, done in order in one directory.

A block of `sh` is what is typed, the block of `text` behind it what is printed; a
block of `python` shows both, as doctests do. `drift` runs in this process, and
`make demo` runs what the Makefile says of it. What is not done stands in UNDONE,
with the reason. Spaces at the ends of lines don't count, nor does how long
something took.

After a change of what is printed, `python -m tests.tour` writes README.md anew.
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

from experiments import cli

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNDONE = {
    "make test": "this is it",
    "python3 -m venv": "what runs this has been installed",
    ". .venv/bin/activate": "likewise",
    "pip install": "likewise",
}
"""How commands begin that are not done, and why."""
SECONDS = re.compile(r"[\d.]+ (?=m?s\b)|\d+(?=% of it computing)")
"""Numbers that no two runs share, in the lines that say how long something took."""


class Step(NamedTuple):
    """Something that README.md shows, and what came of it."""

    kind: str
    """sh or python"""
    typed: str
    shown: str | None
    """what README.md says is printed; None where it says nothing"""
    printed: str


def masked(text):
    """Printed text without what differs from one run to the next."""
    lines = [SECONDS.sub("… ", line.rstrip()) for line in text.strip("\n").splitlines()]
    return "\n".join(lines)


def commands(block):
    """The lines of a shell block; a backslash joins two."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def made(target):
    """The lines that the Makefile has for a target, `drift` being on the path."""
    text = (ROOT / "Makefile").read_text()
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)[1]
    return recipe.replace("$(BIN)/", "").replace("$(DEMO)", "results/demo")


def done(words):
    """Do what a line of shell says; raises AssertionError where it fails."""
    if " ".join(words).startswith(tuple(UNDONE)):
        return
    match words:
        case ["make", target]:
            for each in commands(made(target)):
                done(each)
        case ["mkdir", place]:
            Path(place).mkdir(parents=True)
        case ["cd", place]:
            os.chdir(place)
        case ["drift", *arguments]:
            status = cli.outcome(arguments)
            assert status == 0, f"{shlex.join(words)}: exit {status}"
        case _:
            raise AssertionError(f"nothing is known of {shlex.join(words)}")


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
    """Do all that `text` shows; the steps in order."""
    blocks, globs = BLOCK.findall(text), {}
    following = [*blocks[1:], ("", "")]
    with inside(directory):
        for (kind, typed), (next_kind, shown) in zip(blocks, following, strict=True):
            printed = io.StringIO()
            if kind == "sh":
                with redirect_stdout(printed), redirect_stderr(printed):
                    for words in commands(typed):
                        done(words)
                yield Step(kind, typed, shown if next_kind == "text" else None, printed.getvalue())
            elif kind == "python":
                example = doctest.DocTestParser().get_doctest(typed, globs, "README", None, None)
                doctest.DocTestRunner(verbose=False).run(
                    example, out=printed.write, clear_globs=False
                )
                globs = example.globs
                yield Step(kind, typed, None, printed.getvalue())


def main():
    """Write README.md with what is printed now."""
    text = README.read_text()
    with tempfile.TemporaryDirectory() as directory:
        for step in walk(directory, text):
            print(step.typed)
            if step.kind == "python":
                print(step.printed)
            elif step.shown is not None:
                lines = [line.rstrip() + "\n" for line in step.printed.strip("\n").splitlines()]
                old = f"```sh\n{step.typed}```\n\n```text\n{step.shown}```"
                assert text.count(old) == 1, step.typed
                new = f"```sh\n{step.typed}```\n\n```text\n{''.join(lines)}```"
                text = text.replace(old, new)
    README.write_text(text)


if __name__ == "__main__":
    main()

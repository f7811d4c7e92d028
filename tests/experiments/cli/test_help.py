"""The help of every verb: whole at 80 columns, with an example that works as it stands."""

import inspect
import shlex
from itertools import islice

import numpy as np
import pytest
import typer

from drift.experiments.cli import main
from drift.kernels.formats import BFLOAT16
from drift.sim import device_check
from tests.support import builders
from tests.support import readme_tour as tour
from tests.support.run_cli import drift


def leaves(command, words=()):
    """Every verb by its words, those of a group too."""
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from leaves(each, (*words, name))
        else:
            yield (*words, name), each


VERBS = dict(leaves(typer.main.get_command(main.app)))


@pytest.fixture(autouse=True)
def _eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERMINAL_WIDTH", raising=False)


@pytest.fixture
def after_the_tour(toured, tmp_path, monkeypatch):
    """What the examples are of: the stores of README.md, and a checkpoint."""
    steps, place = toured
    monkeypatch.chdir(tmp_path)
    for name in ("first.zarr", "grid.zarr"):
        (tmp_path / name).symlink_to(place / name)
    (tmp_path / tour.MODEL).mkdir()
    codes = np.tile(np.arange(1, 9, dtype=np.uint16)[:, None], (2, 4))
    tensors = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write(tmp_path / tour.MODEL / "model.safetensors", tensors)
    return [words for step in steps if step.kind == "sh" for words in tour.commands(step.typed)]


def example(capsys, verb):
    """The line after `Example:` in the help of a verb, which ends it."""
    status, out, _ = drift(capsys, *verb, "--help")
    assert status == 0
    command, *more = filter(str.strip, out.split("Example:")[1].splitlines())
    assert not more, "a terminal of 80 columns breaks it"
    words = shlex.split(command)
    assert words[: 1 + len(verb)] == ["drift", *verb]
    return words


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_its_example_works_as_it_stands(after_the_tour, capsys, monkeypatch, verb):
    every = device_check.checks
    monkeypatch.setattr(device_check, "checks", lambda device: islice(every(device), 1))  # of 22
    words = example(capsys, verb)
    if words in after_the_tour and tour.MODEL not in shlex.join(words):
        return
    status, out, err = drift(capsys, *words[1:])
    assert status == 0, err
    assert out


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_its_text_is_not_broken(verb):
    _, *more = inspect.getdoc(VERBS[verb].callback).splitlines()
    assert max(map(len, more), default=0) <= 78


@pytest.mark.parametrize("words", [(), ("plot",), *VERBS], ids=" ".join)
def test_it_shows_no_types(capsys, words):
    assert "<" not in drift(capsys, *words, "--help")[1]

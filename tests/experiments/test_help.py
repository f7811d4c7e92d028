"""The help of every verb: at 80 columns, with an example that works as it stands."""

import inspect
import shlex
from functools import partial

import numpy as np
import pytest
import typer

from experiments import cli
from kernels.formats import BFLOAT16
from sim import trials
from tests import checkpoints
from tests.verbs import drift

FIRST = ("run", "sweep")
"""What others show."""


def leaves(command, path=()):
    """Each verb with its words, those of a group too."""
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name), each


VERBS = dict(leaves(typer.main.get_command(cli.app)))


@pytest.fixture
def eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERMINAL_WIDTH", raising=False)


def example(capsys, verb):
    """The line after `Example:` in the help of a verb, which ends it."""
    status, out, _ = drift(capsys, *verb, "--help")
    assert status == 0
    _, line = out.split("Example:")
    command, *more = [each.strip() for each in line.splitlines() if each.strip()]
    assert not more, "a terminal of 80 columns breaks it"
    assert command.startswith(" ".join(["drift", *verb]))
    return command


def test_every_example_works_as_it_stands(in_tmp, capsys, monkeypatch, eighty):
    monkeypatch.setattr(trials, "rounds", partial(trials.rounds, quick=True))  # of a minute
    (in_tmp / "Qwen3-4B").mkdir()
    codes = np.tile(np.arange(1, 9, dtype=np.uint16)[:, None], (2, 4))
    tensors = {"lm_head.weight": checkpoints.matrix(codes, BFLOAT16)}
    checkpoints.write(in_tmp / "Qwen3-4B" / "model.safetensors", tensors)
    for verb in sorted(VERBS, key=lambda verb: verb[0] not in FIRST):
        command = example(capsys, verb)
        status, out, err = drift(capsys, *shlex.split(command)[1:])
        assert status == 0, f"{command}: {err}"
        assert out
    assert len((in_tmp / "holes.jsonl").read_text().splitlines()) == 8


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_line_of_a_help_is_broken(verb):
    lines = inspect.getdoc(VERBS[verb].callback).splitlines()
    assert max(map(len, lines[1:])) <= 78


def test_a_help_shows_no_types(capsys, eighty):
    for verb in [(), ("plot",), *VERBS]:
        out = drift(capsys, *verb, "--help")[1]
        assert "<" not in out

"""README.md and the help of every verb show what happens. Links are tested in test_pages."""

import shlex
from itertools import islice

import numpy as np
import pytest

import drift
from drift.kernels.formats import BFLOAT16
from drift.sim import device_check
from tests.support import builders
from tests.support import readme_tour as tour
from tests.support.run_cli import VERBS
from tests.support.run_cli import drift as run_drift


def test_what_is_typed_prints_what_is_shown(toured):
    steps, _ = toured
    shown = [step for step in steps if step.shown]
    assert len(shown) > 4
    for step in shown:
        assert tour.masked(step.printed) == tour.masked(step.shown[2]), step.typed


def test_the_examples_of_python_hold(toured):
    steps, _ = toured
    said = [step.printed for step in steps if step.kind == "python"]
    assert said
    assert "".join(said) == ""


def test_every_text_is_what_some_command_printed(toured):
    steps, _ = toured
    texts = [
        block.start()
        for block in tour.BLOCK.finditer(tour.README.read_text())
        if block[1] == "text"
    ]
    assert texts == [step.shown.start() for step in steps if step.shown]


def test_only_times_are_masked():
    assert tour.masked("8.1 s, 70% of it computing, 3 ms\n") == "… s, …% of it computing, … ms"
    assert tour.masked(" 16  2,205  0.0%  \n") == " 16  2,205  0.0%"


@pytest.fixture
def after_the_tour(toured, tmp_path, monkeypatch):
    """What the examples are of: the stores of README.md, and a checkpoint."""
    steps, place = toured
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERMINAL_WIDTH", raising=False)
    for name in ("first.zarr", "grid.zarr", *tracked(place)):
        (tmp_path / name).symlink_to(place / name)
    (tmp_path / tour.MODEL).mkdir()
    codes = np.tile(np.arange(1, 9, dtype=np.uint16)[:, None], (2, 4))
    tensors = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write(tmp_path / tour.MODEL / "model.safetensors", tensors)
    return [words for step in steps if step.kind == "sh" for words in tour.commands(step.typed)]


def tracked(place):
    """A run with snapshots in `place`, and its track, by their names; made where not there yet."""
    names = "frames.zarr", "track.zarr"
    if not (place / names[1]).exists():
        few = drift.Drift(sigma=2e-8, tokens=60, dims=16, snapshots="records", records=4)
        with tour.inside(place):
            drift.run(few, names[0])
            drift.track(names[0], out=names[1])
    return names


def example(capsys, verb):
    """The line after `Example:` in the help of a verb, which ends it."""
    status, out, _ = run_drift(capsys, *verb, "--help")
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
    status, out, err = run_drift(capsys, *words[1:])
    assert status == 0, err
    assert out

"""Motions that are not straight, from the command line: tables, JSON, figures and pages."""

import json

import numpy as np
import pytest

from tests.support.run_cli import drift

CLOUD = ["--sigma", "1e-6", "--tokens", "30", "--dims", "12"]


@pytest.fixture
def back(in_tmp):
    """A file of displacements that lead away and back."""
    there = np.repeat(np.float32([[1e-3], [-1e-3]]), 4, axis=0)
    np.save("back.npy", np.repeat(there, 12, axis=1))
    return "back.npy"


def test_what_leads_nowhere_has_no_radius_and_is_drawn_along_its_steps(svg_only, back, capsys):
    status, out, _ = drift(capsys, "run", *CLOUD, "--motion", back, "--out", "a.zarr")
    assert status == 0
    assert out.splitlines()[2].split()[-3:] == ["asked", "done", "moved"]
    told = drift(capsys, "predict", *CLOUD, "--motion", back, "--json")[1]
    assert json.loads(told)["radius"] is None
    assert "NaN" not in told
    assert drift(capsys, "plot", "curves", "a.zarr", "--out", "a")[0] == 0
    status, out, err = drift(capsys, "report", "a.zarr", "-o", "a.html")
    assert (status, err) == (0, "")
    with open("a.html") as page:
        assert "against the step" in page.read()


def test_an_optimizers_run_shows_what_was_asked_done_and_moved(in_tmp, capsys):
    adamw = ["--motion", "adamw", "--gradient", "1", "--lr", "1e-4", "--steps", "20"]
    status, out, _ = drift(capsys, "run", *CLOUD, *adamw, "--records", "2", "--out", "a.zarr")
    assert status == 0
    assert out.splitlines()[2].split()[-4:] == ["radius", "asked", "done", "moved"]
    assert drift(capsys, "report", "a.zarr", "-o", "a.html")[0] == 0


def test_a_straight_run_shows_what_stalled(in_tmp, capsys):
    out = drift(capsys, "run", *CLOUD, "--steps", "3", "--out", "a.zarr")[1]
    assert out.splitlines()[2].split()[-2:] == ["radius", "stalled"]

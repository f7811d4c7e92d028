"""A spec as a command line: it parses back to that spec, whatever is in it."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.experiments.cli import main, run, sweep
from drift.experiments.console.command_line import run_line, sweep_line
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid
from tests.support import builders


class Parsed(Exception):
    """What a command line was taken for."""


@pytest.fixture
def parsed(monkeypatch):
    """What a `drift` line would run, and its verb."""

    def stop(what):
        def told(*arguments, **options):
            raise Parsed(what(arguments))

        return told

    monkeypatch.setattr(run.ExecutionOptions, "run", stop(lambda arguments: arguments[1]))
    monkeypatch.setattr(sweep, "swept", stop(lambda arguments: arguments[0]))
    monkeypatch.setenv("DRIFT_TRACEBACK", "1")

    def parse(line):
        program, *arguments = shlex.split(line)
        assert program == "drift"
        with pytest.raises(Parsed) as found:
            main.outcome(arguments)
        return found.value.args[0]

    return parse


VALUES = np.array([[1.0, 2.0], [1.0, 2.0], [1.5, 3.0]])
SPECS = [
    {},
    {
        "direction_seed": 5,
        "sigma": 0.1 + 0.2,
        "radius": 1e-300,
        "steps": 10**6,
        "tokens": 3,
        "dims": 7,
    },
    {"direction": 'it\'s "here" $HOME; rm -rf *.npy', "seed": 2**64 - 1},
    {"format": "float8_e5m2", "rounding": "stochastic", "survivors": 1, "records": 3},
    {"schedule": "exponential", "decay": 0.5, "master": "float32", "jitter": 0.1},
    {"at": (100, 0, 7), "snapshots": "records"},
    {"kahan": True, "noise": 0.5, "centre": "random:0.25", "shape": "laplace"},
    {"centre": "a model:7"},
]


@pytest.mark.parametrize("unused", [{"decay": 0.5}, {"direction": "axis", "direction_seed": 3}])
def test_a_spec_with_a_field_that_changes_nothing_has_no_line(unused):
    assert run_line(Drift(sigma=1e-9, **unused)) is None
    assert sweep_line(builders.small_grid({k: (v,) for k, v in unused.items()})) is None


@pytest.mark.parametrize("fields", SPECS)
def test_the_line_of_a_run_parses_back_to_its_spec(parsed, fields):
    drift = Drift(**{"sigma": 1e-9, **fields})
    assert parsed(run_line(drift)) == drift
    assert Drift.from_json(drift.as_json()) == drift


def test_so_does_that_of_a_checkpoints_rows(parsed, tmp_path):
    place = tmp_path / "a b, c's"
    place.mkdir()
    codes = BFLOAT16.code(VALUES)
    tensors = {"-lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write(place / "model.safetensors", tensors)
    for more in ({}, {"format": "float16"}, {"near": "largest", "exponents": 9}, {"near": 2}):
        drift = from_checkpoint(place, "-lm_head.weight", radius=0.01, **more)
        assert parsed(run_line(drift)) == drift
        assert Drift.from_json(drift.as_json()) == drift


def test_the_line_is_short_and_names_what_matters():
    assert run_line(Drift(sigma=1e-9)) == "drift run --sigma 1e-09 --radius 0.371 --steps 100"
    grid = Grid.given({"sigma": (1e-10, 1e-9, 1e-8, 1e-7), "seed": (0, 1, 2), "steps": (100,)})
    assert sweep_line(grid) == (
        "drift sweep --sigma 1e-10:1e-07:4 --radius 0.371 --steps 100 --seeds 3"
    )


def test_what_no_line_can_name_has_none():
    assert run_line(Drift(sigma=1.0, direction="a\u202eb.npy")) is None
    assert run_line(Drift(sigma=1.0, direction="a\nb.npy")) is None
    assert sweep_line(Grid.given({"sigma": (1e-9, 1e-8), "direction": ("a,b.npy",)})) is None
    assert sweep_line(Grid.given({"sigma": (1e-9,), "direction": ("a,b.npy", "axis")})) is None


AXES = {
    "sigma": st.floats(1e-30, 1e3),
    "radius": st.floats(0, 1e3),
    "steps": st.integers(1, 2**62),
    "seed": st.integers(0, 2**62),
    "survivors": st.one_of(st.none(), st.integers(1, 2212)),
    "direction": st.sampled_from(["random", "diagonal", "axis", "my file.npy", "all.npy"]),
    "rounding": st.sampled_from(["nearest", "toward-zero", "stochastic"]),
    "master": st.sampled_from(["none", "float32"]),
    "jitter": st.floats(0, 10),
    "noise": st.floats(0, 10),
    "kahan": st.just(True),
    "centre": st.sampled_from(["random:1", "my file.npy", "model:3"]),
    "shape": st.sampled_from(["normal", "laplace"]),
}


@pytest.mark.slow
@given(st.data())
def test_the_line_of_a_sweep_parses_back_to_its_grid(data):
    fields = {"sigma": (1e-9,)}
    for name in data.draw(st.sets(st.sampled_from(list(AXES)), max_size=4)):
        values = st.lists(AXES[name], min_size=1, max_size=6, unique=True)
        fields[name] = tuple(data.draw(values))
    same(fields)


@pytest.mark.parametrize(
    "text",
    [
        *("--sigma=1e-10:1e-6:25", "--sigma=0.1:0.9:9:lin", "--steps=1:10000:5", "--seeds=7"),
        *("--steps=1:30:20", "--radius=0:1:11:lin", "--survivors=10:2000:6", "--seed=3:9:4:lin"),
    ],
)
def test_ranges_come_back_too(parsed, text):
    sigma = [] if text.startswith("--sigma") else ["--sigma", "1e-9"]
    grid = parsed(shlex.join(["drift", "sweep", *sigma, text]))
    line = sweep_line(grid)
    assert parsed(line) == grid
    assert len(line) < 200


def same(fields):
    """A property's examples share no fixture: patched by hand."""
    with pytest.MonkeyPatch.context() as patch:
        found = []
        patch.setattr(sweep, "swept", lambda grid, *others: found.append(grid))
        grid = Grid.given(fields)
        assert main.outcome(shlex.split(sweep_line(grid))[1:]) == 0
        assert found == [grid]


def test_a_sweep_over_checkpoints_comes_back(parsed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = BFLOAT16.code(VALUES)
    for name in ("a", "b"):
        Path(name).mkdir()
        tensors = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
        builders.write(Path(name) / "model.safetensors", tensors)
    for more in ([], ["--near", "0", "--exponents", "3,4,9"], ["--format", "float16"]):
        for source in ("a", "a,b"):
            grid = parsed(
                shlex.join(["drift", "sweep", "--from", source, *more, "--seeds=2", "--jitter=0.1"])
            )
            assert parsed(sweep_line(grid)) == grid

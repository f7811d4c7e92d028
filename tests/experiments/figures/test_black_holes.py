"""The picture of the black holes by rank, and the observed ones that ship with the package."""

import json
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from drift.experiments import observed
from drift.experiments.cli import main
from drift.experiments.figures.black_holes import Populations, holes, populations
from drift.kernels.formats import BFLOAT16
from drift.sim.errors import BadInput
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support import builders

NOTHING = (None, None, None, None)
"""No option of the source."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("holes")
    for name, sigma, snapshots in (
        ("few", 1e-9, "none"),
        ("other", 3e-9, "records"),
        ("no", 1.0, "ends"),
    ):
        drift = Drift(sigma=sigma, tokens=100, dims=300, records=4, snapshots=snapshots)
        run.run(drift, folder / f"{name}.zarr", on="cpu")
    return {name: folder / f"{name}.zarr" for name in ("few", "other", "no")}


def lines(drawn):
    """The ranks and populations of every line, by its label."""
    return {line.get_label(): line.get_xydata().T.tolist() for line in drawn.axes[0].get_lines()}


def legend(drawn):
    return [text.get_text() for text in drawn.legends[0].get_texts()]


def counted(codes):
    """The populations of black holes by brute force."""
    _, count = np.unique(codes, axis=0, return_counts=True)
    return sorted(count[count > 1].tolist(), reverse=True)


def test_the_lines_are_the_stored_populations(stores):
    found, caption = populations([stores["few"], stores["other"]], *NOTHING)
    drawn = lines(holes(found, caption))
    for name, label in (("few", r"$\sigma$ = $10^{-9}$"), ("other", r"$3 \times 10^{-9}$")):
        expected = RunStore(stores[name]).read("populations").tolist()
        line = next(line for text, line in drawn.items() if label in text)
        assert line == [list(range(1, len(expected) + 1)), expected]
    assert "$N$ = 100" in caption


@pytest.mark.parametrize("step", [75, 100])
def test_of_a_snapshot_they_are_counted(stores, step):
    [found], caption = populations([stores["other"]], None, step, None, None)
    bits = RunStore(stores["other"]).read("bits")[step // 25]
    assert found.tokens.tolist() == counted(bits)
    assert found.label == "other.zarr"
    assert caption.endswith(f"\nstep {step}")


def test_of_a_checkpoint_they_are_counted_of_finite_rows_and_a_selection(in_tmp):
    codes = np.array([[16256, 1]] * 4 + [[0, 0], [0x8000, 0], [0, 0x8000]] + [[0x7FC0, 0]] * 5)
    builders.write("a.safetensors", {"lm_head.weight": builders.matrix(codes, BFLOAT16)})
    [found], caption = populations([Path("a.safetensors")], *NOTHING)
    assert found.tokens.tolist() == [4, 3]  # both zeros are one cell, no NaN is in any
    assert (found.label, caption) == ("a.safetensors", "a.safetensors, lm_head.weight,  bfloat16")
    [found], caption = populations([Path("a.safetensors")], None, None, "5", 3)
    assert found.tokens.tolist() == [3]
    assert caption.splitlines()[1] == "tokens within 3 exponents of token 5"


def test_the_observed_ones_stand_beside(stores):
    found, caption = populations([stores["few"], stores["no"]], *NOTHING)
    drawn = holes(found, caption, with_observed=True)
    seen = [814, 704, 306, 228, 11, 10, 6, 5, 4, 4, 3, 3, 2]
    assert lines(drawn)["observed in Qwen3-4B (Azimuth II)"] == [list(range(1, 14)), seen]
    assert legend(drawn)[-1] == "observed in Qwen3-4B (Azimuth II)"
    assert [text for text in legend(drawn) if text.endswith(": no black holes")]
    assert len(holes(found, caption).axes[0].get_lines()) == 2


def test_equal_sources_are_both_seen():
    tokens = np.array([7, 3, 2])
    found = [Populations(name, name, tokens) for name in "abc"]
    widths = [line.get_linewidth() for line in holes(found, "").axes[0].get_lines()]
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("tokens", [[2], [9, 9], [100_000], list(range(20_000, 1, -1))])
def test_all_points_are_within_the_axes(tokens):
    axes = holes([Populations("a", "a", np.array(tokens))], "").axes[0]
    for (low, high), last in ((axes.get_xlim(), len(tokens)), (axes.get_ylim(), max(tokens))):
        assert low < 2
        assert last < high
    [line] = axes.get_lines()
    assert line.get_markevery()[-1] == len(tokens) - 1
    ticks = [axis.get_ticklocs() for axis in (axes.xaxis, axes.yaxis)]
    shown = [np.sum((at >= low) & (at <= high)) for at, (low, high) in
             zip(ticks, (axes.get_xlim(), axes.get_ylim()), strict=True)]  # fmt: skip
    assert all(3 <= count <= 10 for count in shown)


def test_what_was_observed_agrees_with_itself():
    seen = observed.qwen3_4b()
    held = seen["black_hole_populations"]
    assert sum(held) == seen["black_hole_tokens"]
    rows, alone = seen["components"]["rows"], seen["components"]["isolated"]
    assert sum(row[1] for row in rows) + alone["tokens"] == seen["selection"]["tokens"]
    assert sum(row[0] for row in rows) + alone["nodes"] == seen["selection"]["cells"]
    assert sorted(seen["black_hole_distance"]["order"]) == sorted(held)


def test_what_was_observed_is_in_the_package():
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    setup = tomllib.loads(text)["tool"]["setuptools"]
    assert observed.__name__ in setup["packages"]
    assert "*.json" in setup["package-data"][observed.__name__]
    assert resources.files("drift.experiments.observed").joinpath("qwen3_4b.json").is_file()


@pytest.mark.slow
def test_the_verb_writes_the_same_files_again(stores, in_tmp, capsys):
    verb = ["plot", "holes", str(stores["few"]), str(stores["other"]), "--observed"]
    assert main.outcome([*verb, "--out", "fig/a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "figures": ["fig/a.png", "fig/a.svg"],
        "not_predicted": [],
    }
    first = [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")]
    assert image.imread(in_tmp / "fig/a.png").shape[0] > 500
    assert main.outcome([*verb, "--out", "fig/a"]) == 0
    assert capsys.readouterr().out == "figure: fig/a.png\nfigure: fig/a.svg\n"
    assert [(in_tmp / "fig" / name).read_bytes() for name in ("a.png", "a.svg")] == first


@pytest.mark.slow
def test_figures_go_beside_their_first_source(svg_only, in_tmp, capsys, monkeypatch):
    (in_tmp / "model").mkdir()
    matrix = builders.matrix(np.zeros((3, 2)), BFLOAT16)
    builders.write(in_tmp / "model/$a_{\u6a21.safetensors", {"lm_head.weight": matrix})
    assert main.outcome(["plot", "holes", "model"]) == 0
    assert main.outcome(["plot", "holes", "model/$a_{\u6a21.safetensors", "model"]) == 0
    monkeypatch.chdir(in_tmp / "model")
    assert main.outcome(["plot", "holes", "."]) == 0
    where = [line.removeprefix("figure: ") for line in capsys.readouterr().out.splitlines()]
    assert where[::2] == [
        "model-holes.png",
        "model/$a_{\u6a21-holes.png",
        str(in_tmp / "model-holes.png"),
    ]
    assert "$a_{\\u6a21" in (in_tmp / "model/$a_{\u6a21-holes.svg").read_text()


BAD = {
    "nothing there": (["gone"], "gone does not exist"),
    "no source": ([], "SOURCE"),
    "no black holes": (["no"], "no.zarr; there is nothing to draw"),
    "no snapshots": (["few", "--near", "largest"], "has no snapshots"),
    "a tensor of a run": (["other", "--tensor", "x"], "tensor is 'x'"),
    "exponents alone": (["few", "--exponents", "2"], "exponents is 2 without near"),
    "one source of two": (["few", "gone"], "gone does not exist"),
    "below a file": (["few", "--out", "file/a"], "file/a.png can't be written"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(stores, in_tmp, capsys, name):
    (in_tmp / "file").write_text("")
    arguments, message = BAD[name]
    arguments = [str(stores.get(each, each)) for each in arguments]
    assert main.outcome(["plot", "holes", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert message in captured.err
    assert [path.name for path in in_tmp.iterdir()] == ["file"]


def test_an_unfinished_run_has_no_last_step(tmp_path):
    def stop(counts, done, total):
        raise KeyboardInterrupt

    path = tmp_path / "run.zarr"
    drift = Drift(sigma=1.0, tokens=4, dims=4, at=(2,), steps=3)
    with pytest.raises(KeyboardInterrupt):
        run.run(drift, path, on="cpu", progress=stop)
    with pytest.raises(BadInput, match="is not complete; finish the run"):
        populations([path], *NOTHING)


def test_help_has_an_example(capsys):
    for verb in ("holes", "components"):
        assert main.outcome(["plot", verb, "--help"]) == 0
        assert f"drift plot {verb}" in capsys.readouterr().out.split("Example:")[1]

"""drift run --from: what is printed, drawn and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from drift.experiments.figures.captions import captions
from drift.kernels.formats import BFLOAT16, FLOAT32
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support import builders
from tests.support.run_cli import drift

FROM = ["run", "--from", "model.safetensors"]
SHORT = ["--radius", "0.1", "--steps", "4", "--device", "cpu"]


@pytest.fixture
def model(in_tmp):
    """A checkpoint whose rows 2, 3 and 5 are one; another tensor of it is not finite."""
    codes = np.random.default_rng(0).integers(0x3C00, 0x3C80, (9, 8)).astype(np.uint16)
    codes[[3, 5]] = codes[2]
    codes[7] += 0x0800
    wild = np.full((3, 2), 0x7F800000)
    wild[1] = 0
    small = np.array([[0x0001, 0x8000], [0x3F80, 0x8001]])
    balanced = np.array([[0x3F80], [0xBF80]])
    matrices = {
        "lm_head.weight": builders.matrix(codes, BFLOAT16),
        "wild": builders.matrix(wild, FLOAT32),
        "small": builders.matrix(small, BFLOAT16),
        "balanced": builders.matrix(balanced, BFLOAT16),
        "large": builders.matrix(np.full((2, 2), 0x7F7F0000), FLOAT32),
        "[b]$x$\x1b[2J": builders.matrix(codes, BFLOAT16),
    }
    builders.write("model.safetensors", matrices)
    return in_tmp


@pytest.mark.slow
def test_a_run_from_a_checkpoint_prints_its_origin_and_names_its_store(model, capsys):
    status, out, err = drift(capsys, *FROM, "--near", "largest", "--direction", "centroid", *SHORT)
    assert (status, err) == (0, "")
    title = " ".join(out.split())
    assert "8 tokens × 8 dims in bfloat16, from model.safetensors, lm_head.weight," in title
    assert "near largest within 5 exponents, R = 0.1, X = 4, direction centroid" in title
    (path,) = (model / "results").iterdir()
    assert path.name.startswith("run-model-R0.1-X4-")
    store = RunStore(path)
    assert store.read("token_id").tolist() == [0, 1, 2, 3, 4, 5, 6, 8]
    assert store.records()[0].largest == 3


@pytest.mark.slow
def test_the_document_holds_the_origin(model, capsys):
    status, out, err = drift(capsys, *FROM, "--format", "float16", "--json", *SHORT)
    told = "the cloud starts from the rows, bfloat16, rounded once to float16"
    assert (status, err) == (0, f"drift: {told}\n")
    result = json.loads(out)
    spec = {"from": "model.safetensors", "tensor": "lm_head.weight", "near": None, "sigma": None}
    assert {**spec, "exponents": None, "format": "float16"}.items() <= result["spec"].items()
    assert result["cloud"]["format"] == "bfloat16"


@pytest.mark.slow
def test_values_that_are_too_small_are_told_of_in_one_line(model, capsys):
    arguments = [*FROM, "--tensor", "small", *SHORT, "--direction", "diagonal"]
    status, out, err = drift(capsys, *arguments, "--json")
    assert status == 0
    assert json.loads(out)["cloud"]["zeroed"] == 2
    told = "2 values of model.safetensors, small became +0, being smaller than 1.5e-36"
    assert err == f"drift: {told}\n"


@pytest.mark.slow
def test_names_in_a_file_neither_steer_the_terminal_nor_the_figures(svg_only, model, capsys):
    tensor = ["--tensor", "[b]$x$\x1b[2J"]
    status, out, _ = drift(capsys, *FROM, *tensor, *SHORT, "--out", "a.zarr")
    assert status == 0
    assert "model.safetensors, [b]$x$\\x1b[2J" in out
    assert drift(capsys, *FROM, *SHORT, "--out", "b.zarr")[0] == 0
    drawn = ["--sigma", "1e-3", "--tokens", "9", "--dims", "8"]
    assert drift(capsys, "run", *drawn, *SHORT, "--out", "c.zarr")[0] == 0
    status, out, _ = drift(capsys, "plot", "curves", "a.zarr", "b.zarr", "c.zarr", "--out", "f")
    assert (status, out) == (0, "figure: f.png\nfigure: f.svg\n")


def test_captions_leave_out_what_a_cloud_has_not(model):
    taken = from_checkpoint("model.safetensors", near="3", radius=0.1).as_json()
    drawn = Drift(sigma=0.5, tokens=8, dims=8, radius=0.1).as_json()
    shared, own = captions([taken, drawn])
    assert "$R$ = 0.1" in shared
    assert own == [
        "model.safetensors,  lm_head.weight,  near 3,  5 exponents",
        r"$\sigma$ = 0.5",
    ]
    alone, _ = captions([taken])
    assert alone.startswith("model.safetensors,  lm_head.weight,  near 3")
    assert "sigma" not in alone


BAD = {
    "no cloud": (["run"], "no cloud is named; --sigma draws one, --from takes a checkpoint's rows"),
    "sigma too": ([*FROM, "--sigma", "1"], "sigma is 1 with --from; it is for a drawn cloud alone"),
    "tokens too": ([*FROM, "--tokens", "9"], "tokens is 9 with --from"),
    "dims too": ([*FROM, "--dims", "8"], "dims is 8 with --from"),
    "tensor alone": (["run", "--sigma", "1", "--tensor", "wte"], "tensor is wte without --from"),
    "near alone": (["run", "--sigma", "1", "--near", "2"], "near is 2 without --from"),
    "exponents alone": (["run", "--sigma", "1", "--exponents", "2"], "is 2 without --from, which"),
    "no near": ([*FROM, "--exponents", "2"], "exponents is 2 without near; together"),
    "exponents negative": ([*FROM, "--near", "2", "--exponents", "-1"], "it must be 0 or more"),
    "exponents broken": ([*FROM, "--near", "2", "--exponents", "x"], "'x' is not a number"),
    "near nobody": ([*FROM, "--near", "9"], "has no such token; its ids are 0 ... 8"),
    "near nowhere": ([*FROM, "--near", "here"], "near is 'here'; it must be largest or a token id"),
    "near no hole": ([*FROM, "--tensor", "balanced", "--near", "largest"], "name a token id"),
    "near not finite": ([*FROM, "--tensor", "wild", "--near", "0"], "is not finite"),
    "not finite": (
        [*FROM, "--tensor", "wild"],
        "has rows that are not finite: 2, the first for token",
    ),
    "no such tensor": ([*FROM, "--tensor", "wte"], "holds no tensor 'wte'"),
    "no such file": (["run", "--from", "gone.safetensors"], "gone.safetensors"),
    "no checkpoint": (["run", "--from", "text"], "is no safetensors file"),
    "an unknown format": ([*FROM, "--format", "fp8"], "format is 'fp8'; it must be one of bfloat"),
    "beyond the format": (
        [*FROM, "--tensor", "large", "--format", "float8_e4m3fn"],
        "does not fit float8_e4m3fn: token 0 has 3.3895e+38, beyond its largest, 448",
    ),
    "a drawn centroid": (
        ["run", "--sigma", "1", "--direction", "centroid"],
        "direction is centroid; it is for a cloud of a checkpoint's rows, --from",
    ),
    "no mean": (
        [*FROM, "--tensor", "balanced", "--direction", "centroid"],
        "the mean of the rows is zero",
    ),
    "out of range": ([*FROM, "--radius", "1e39"], "the largest radius that fits is"),
    "too many survivors": ([*FROM, "--survivors", "10"], "survivors is 10; it must be in 1 ... 9"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(model, capsys, name):
    (model / "text").write_text("some words")
    before = sorted(model.rglob("*"))
    arguments, message = BAD[name]
    status, out, err = drift(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(model.rglob("*")) == before


@pytest.mark.slow
def test_a_store_of_one_cloud_is_not_taken_for_that_of_another(model, capsys):
    arguments = [*FROM, *SHORT]
    assert drift(capsys, *arguments)[0] == 0
    assert drift(capsys, *arguments, "--near", "2", "--exponents", "0")[0] == 0
    assert len(list((model / "results").iterdir())) == 2
    assert "is complete" in drift(capsys, *arguments)[2]


def saved(name, array):
    """A .npy file of an array, in the working directory."""
    np.save(name, array)
    return name


def test_a_file_of_an_array_runs_again_from_its_first_snapshot(in_tmp, capsys):
    array = np.random.default_rng(0).normal(0, 0.02, (9, 6)).astype(np.float32)
    file = saved("rows.npy", array)
    status, out, err = drift(capsys, "run", "--from", file, "--out", "a.zarr", "--json", *SHORT)
    told = (
        "the cloud starts from the rows, float32, rounded once to bfloat16; that changed 54 value"
    )
    assert (status, err) == (0, f"drift: {told}s\n")
    result = json.loads(out)
    assert result["spec"]["from"].startswith("sha256:")
    assert (result["spec"]["tensor"], result["spec"]["format"]) == ("float32", "bfloat16")
    assert result["cloud"]["rounded"] == 54
    Path("spec.json").write_text(out)
    Path(file).unlink()
    assert drift(capsys, "run", "--spec", "a.zarr", "--out", "b.zarr")[0] == 0
    assert RunStore("b.zarr").records() == RunStore("a.zarr").records()
    status, out, err = drift(capsys, "run", "--spec", "spec.json", "--out", "c.zarr")
    assert (status, err.count("\n")) == (2, 1)
    assert "an array that is not available; give it again, --from FILE.npy" in err
    saved(file, array)
    line = "run", "--spec", "spec.json", "--from", file, "--out", "c.zarr"
    assert drift(capsys, *line)[0] == 0
    saved(file, array + 1)
    status, out, err = drift(capsys, *line)
    assert (status, err.count("\n")) == (2, 1)
    assert "of float32; the spec has sha256:" in err


LINES = {
    "codes": (np.ones((2, 2), np.uint16), [], "uint16 codes without a format; format names it"),
    "rank": (np.ones(3), [], "has shape (3,); it must be (tokens, dims)"),
    "nan": (np.full((2, 2), np.nan), [], "has rows that are not finite: 2, the first for token 0"),
    "tensor": (np.ones((2, 2)), ["--tensor", "x"], "tensor is 'x' with an array, which is one"),
    "sigma": (np.ones((2, 2)), ["--sigma", "1"], "sigma is 1 with --from"),
    "far": (np.full((2, 2), 1e39), [], "x.npy does not fit bfloat16: token 0 has 1e+39, beyond"),
    "range": (
        np.full((2, 2), 3e38),
        ["--radius", "1e38"],
        "radius is 1e+38; the drift would leave",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_file_that_is_no_cloud_is_named_in_a_line(in_tmp, capsys, name):
    array, options, line = LINES[name]
    status, _, err = drift(capsys, "run", "--from", saved("x.npy", array), *options)
    assert (status, err.count("\n")) == (2, 1)
    assert line in err
    assert not Path("results").exists()

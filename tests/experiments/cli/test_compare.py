"""`drift compare`: what is printed of checkpoints and runs, and what is refused."""

import json

import ml_dtypes
import numpy as np
import pytest

from drift.experiments.cli import main
from drift.experiments.tables.compare import _bin, _ranges, _share
from drift.kernels.formats import BFLOAT16, FLOAT16, FLOAT32
from drift.sim.open_matrix import open_matrix
from drift.sim.structures.compare import LONG
from tests.support.builders import matrix, tokenizer, write, write_sharded
from tests.support.run_cli import drift

EMBEDDING, UNEMBEDDING = "model.embed_tokens.weight", "lm_head.weight"
VOCABULARY, DIMS = 3000, 12
KEYS = (
    "a b tensor tensors snapshots rows compared_rows only_a only_b identical identical_rows"
    " identical_values incomparable_values largest_distance moved_most"
    " moved_most_same_sign sign_flips distance_counts"
    " black_holes lineage changes"
)


def base():
    """Codes with seven black holes."""
    codes = np.random.default_rng(3).integers(0x3C00, 0x3D00, (VOCABULARY, DIMS)).astype(np.uint16)
    for first, population in {10: 30, 50: 10, 100: 5, 200: 3, 300: 2, 310: 2, 400: 20}.items():
        codes[first : first + population] = codes[first]
    return codes


def tuned():
    """The same after an event for each word, eight tokens more, and one that moved most."""
    rng = np.random.default_rng(4)
    codes = np.concatenate([base(), rng.integers(0x3C00, 0x3D00, (8, DIMS)).astype(np.uint16)])
    fresh = iter(rng.integers(0x3C00, 0x3D00, (9, DIMS)).astype(np.uint16))
    codes[35:40] = next(fresh)  # split
    codes[60] = codes[50]  # grown
    codes[104] = next(fresh)  # shrunk
    codes[200:203] = [next(fresh), next(fresh), next(fresh)]  # dissolved
    codes[300:302] = codes[310]  # merged
    codes[420], codes[400] = codes[401], next(fresh)  # exchanged
    codes[600:605] = codes[600]  # born
    codes[700, 5] ^= 0x8000  # moved most
    codes[701, 5] = 0x7FC0
    return codes


@pytest.fixture
def models(in_tmp):
    """Two checkpoints: one file of tied matrices, and shards of them with more tokens."""
    (in_tmp / "base").mkdir()
    write("base/model.safetensors", {EMBEDDING: matrix(base(), BFLOAT16)})
    write_sharded("tuned", [{"h": ("I64", [2], bytes(16))}, {EMBEDDING: matrix(tuned(), BFLOAT16)}])
    return in_tmp


def compared(capsys, *arguments):
    status, out, err = drift(capsys, "compare", *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_base_against_tuned(models, capsys):
    found = compared(capsys, "base", "tuned")
    assert list(found) == KEYS.split()
    assert (found["a"], found["b"]) == ("base", "tuned")
    assert (found["tensor"], found["snapshots"]) == (EMBEDDING, [None, None])
    assert (found["rows"], found["compared_rows"]) == ([VOCABULARY, VOCABULARY + 8], VOCABULARY)
    assert (found["only_a"], found["only_b"], found["identical"]) == (0, 8, False)
    a, b = base(), tuned()[:VOCABULARY]
    assert found["identical_rows"] == (a == b).all(axis=1).sum()
    assert found["identical_values"] == (a == b).sum()
    assert found["incomparable_values"] == 1
    moved = int(a[700, 5]) * 2  # from a value to its negative
    assert found["largest_distance"] == moved
    assert found["moved_most"] == {"token_id": 700, "distance": moved}
    assert found["distance_counts"]["0"] == found["identical_values"]
    assert sum(found["distance_counts"].values()) == VOCABULARY * DIMS - 1
    assert found["black_holes"] == {"both": 0, "only_a": 7, "only_b": 7}
    words = dict.fromkeys(["split", "grown", "shrunk", "dissolved", "merged", "exchanged"], 1)
    assert found["lineage"] == words | {"born": 1, "kept": 0, "absorbed": 2, "parted": 2}
    assert {story["what"] for story in found["changes"]} == {*words, "born"}
    assert found["changes"][0] == {
        "what": "split",
        "before": {"tokens": [30], "token_ids": [10], "all_token_ids": [list(range(10, 40))]},
        "after": {
            "tokens": [25, 5],
            "token_ids": [10, 35],
            "all_token_ids": [list(range(10, 35)), list(range(35, 40))],
        },
        "changed": 5,
    }
    assert found["sign_flips"] == 1  # which is the largest distance, and tells little
    kept = found["moved_most_same_sign"]
    assert kept["token_id"] != 700
    assert 0 < kept["distance"] < moved / 100


def test_people_are_told_the_same(models, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    tokenizer({f"token{k}": k for k in range(VOCABULARY)}).save("base/tokenizer.json")
    status, out, err = drift(capsys, "compare", "base", "tuned")
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    found = compared(capsys, "base", "tuned")
    assert lines[:2] == [f"A base, {EMBEDDING}", f"B tuned, {EMBEDDING}"]
    for line in (
        "rows × dims 3,000 × 12 3,008 × 12",
        "their token ids 3000-3007",
        "black holes 7 7",
        "rows compared: 3,000, identical: 2,980, 99.33%",
        "not finite 1 <0.01%",
        f"values with another sign: 1; largest move of all: token 700 'token700', by"
        f" {found['largest_distance']:,} lattice steps",
        "split 5 30 25 + 5 10 'token10', 35 'token35'",
        "born 5 – 5 600 'token600'",
        "merged 2 2 + 2 4 300 'token300', 310 'token310'",
    ):
        assert line in lines
    assert "kept 0, grown 1, shrunk 1, exchanged 1, split 1, merged 1" in out
    shown = [line.split() for line in lines if line.endswith("%") and "identical" not in line]
    assert sum(int(row[-2].replace(",", "")) for row in shown) == VOCABULARY * DIMS


def test_a_checkpoint_is_identical_to_itself(models, capsys):
    found = compared(capsys, "base", "base/model.safetensors")
    assert found["identical"]
    assert found["distance_counts"] == {"0": VOCABULARY * DIMS}
    assert (found["largest_distance"], found["moved_most"], found["changes"]) == (0, None, [])
    assert found["black_holes"] == {"both": 7, "only_a": 0, "only_b": 0}
    out = drift(capsys, "compare", "base", "base")[1]
    assert "identical: same tokens, all bits equal" in out
    assert "lattice" not in out


def test_names_that_differ_are_both_said(models, capsys):
    both = {EMBEDDING: matrix(base(), BFLOAT16), UNEMBEDDING: matrix(base() + 1, BFLOAT16)}
    write("untied.safetensors", both)
    status, out, err = drift(capsys, "compare", "base", "untied.safetensors", "--json")
    assert status == 0
    said = f"base, {EMBEDDING} is compared with untied.safetensors, {UNEMBEDDING}"
    assert err == f"drift: {said}\n"
    found = json.loads(out)
    assert (found["tensor"], found["tensors"]) == (None, [EMBEDDING, UNEMBEDDING])
    assert found["distance_counts"] == {"1": VOCABULARY * DIMS}
    named = compared(capsys, "base", "untied.safetensors", "--tensor", EMBEDDING)
    assert named["identical"]
    assert named["tensor"] == EMBEDDING


def test_names_from_files_do_not_steer_the_terminal(in_tmp, capsys):
    hostile = "\x1b[31m[bold]red[/]"
    write("a.safetensors", {hostile: matrix(base(), BFLOAT16)})
    out = drift(capsys, "compare", "a.safetensors", "a.safetensors", "--tensor", hostile)[1]
    assert "\\x1b[31m[bold]red[/]" in out
    assert "\x1b" not in out


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one cloud, far and not; tokens leave the second."""
    where = tmp_path_factory.mktemp("runs")
    few = ["run", "--sigma", "1e-9", "--tokens", "40", "--dims", "16", "--records", "4", "--json"]
    few += ["--snapshots", "records"]
    assert main.outcome([*few, "--out", str(where / "far.zarr")]) == 0
    near = [*few, "--radius", "1e-8", "--survivors", "20"]
    assert main.outcome([*near, "--out", str(where / "near.zarr")]) == 0
    return where


def test_runs_compare_the_same_way(runs, capsys, monkeypatch):
    monkeypatch.chdir(runs)
    capsys.readouterr()
    found = compared(capsys, "far.zarr", "near.zarr")
    there = open_matrix(runs / "near.zarr").token_ids
    assert (found["tensor"], found["tensors"]) == (None, [None, None])
    assert found["snapshots"] == [100, 100]
    assert (found["rows"], found["compared_rows"]) == ([40, 20], 20)
    assert (found["only_a"], found["only_b"]) == (20, 0)
    assert found["moved_most"]["token_id"] in there
    start = compared(capsys, "far.zarr", "near.zarr", "--snapshot", "0")
    assert start["identical"]
    later = compared(capsys, "far.zarr", "far.zarr", "--snapshot", "0,100")
    assert later["snapshots"] == [0, 100]
    assert later["black_holes"]["only_a"] == 0
    assert later["lineage"]["born"] == later["black_holes"]["only_b"] > 0
    out = drift(capsys, "compare", "far.zarr", "near.zarr", "--snapshot", "50,75")[1]
    assert out.splitlines()[:2] == ["A  far.zarr, step 50", "B  near.zarr, step 75"]


def test_a_run_and_a_checkpoint_each_get_their_option(runs, models, capsys):
    write("some.safetensors", {"x": matrix(np.zeros((50, 16)), BFLOAT16)})
    options = ["--tensor", "x", "--snapshot", "25"]
    found = compared(capsys, runs / "far.zarr", "some.safetensors", *options)
    assert (found["tensors"], found["snapshots"]) == ([None, "x"], [25, None])
    back = compared(capsys, "some.safetensors", runs / "far.zarr", *options)
    assert (back["tensors"], back["snapshots"]) == (["x", None], [None, 25])
    assert back["distance_counts"] == found["distance_counts"]


BAD = {
    "other dims": (
        ["base", "narrow.safetensors"],
        "dims is 12 in base, model.embed_",
    ),
    "another format": (["base", "half.safetensors"], "format is bfloat16 in base"),
    "nothing": (["base", "gone"], "gone does not exist; a run's store or a checkpoint"),
    "no such tensor": (["base", "tuned", "--tensor", "wte"], "base holds no tensor 'wte'"),
    "a step of a checkpoint": (["base", "tuned", "--snapshot", "5"], "snapshot is 5, but base"),
    "too many steps": (["base", "tuned", "--snapshot", "1,2,3"], "snapshot names 3 steps"),
    "a broken step": (["base", "tuned", "--snapshot", "end"], "'end' is not a number"),
    "one of two": (["base"], "Missing argument 'B'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line(models, capsys, name):
    write("narrow.safetensors", {UNEMBEDDING: matrix(base()[:, 1:], BFLOAT16)})
    write("half.safetensors", {EMBEDDING: matrix(base(), FLOAT16)})
    arguments, message = BAD[name]
    status, out, err = drift(capsys, "compare", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_tensor_of_two_runs_is_refused(runs, capsys):
    two = [runs / "far.zarr", runs / "near.zarr"]
    assert "tensor is 'x', but" in drift(capsys, "compare", *two, "--tensor", "x")[2]


def test_rows_without_a_finite_value_are_no_error(in_tmp, capsys):
    write("one.safetensors", {"x": matrix(np.full((3, 2), 0x7FC00000), FLOAT32)})
    out = drift(capsys, "compare", "one.safetensors", "one.safetensors", "--tensor", "x")[1]
    assert "identical: same tokens" in out
    assert "no black holes" in out


def test_the_help_has_an_example(capsys):
    assert "drift compare" in drift(capsys, "compare", "--help")[1].split("Example:")[1]


def test_bins_are_powers_of_two_and_long_ones_are_counted_so():
    bins = {0: "0", 1: "1", 2: "2", 3: "3-4", 4: "3-4", 5: "5-8", 8: "5-8", 9: "9-16"}
    bins |= {32_768: "16,385-32,768", 32_769: "32,769-65,535", LONG - 1: "32,769-65,535"}
    bins |= {LONG: "65,536-131,071", 2 * LONG: "131,072-262,143"}
    assert {distance: _bin(distance) for distance in bins} == bins


def test_shares_are_whole_only_where_they_are():
    assert [_share(n, 1_000_000) for n in (0, 1, 999_999, 1_000_000)] == [
        *("0%", "<0.01%", ">99.99%", "100%")
    ]


def test_ids_that_follow_each_other_are_a_range():
    assert _ranges([]) == ""
    assert _ranges([3, 7, 8, 9, 11]) == "3, 7-9, 11"
    assert _ranges(list(range(0, 20, 2))) == "0, 2, 4, 6, …"


def converted(path, cut=False):
    """A float32 matrix and what became of it in bfloat16: rounded, or its upper bits."""
    values = np.random.default_rng(5).normal(0, 0.02, (60, DIMS)).astype(np.float32)
    values[:2] = [[np.inf] * DIMS, [-0.0] * DIMS]
    wide = values.view(np.uint32)
    narrow = (wide >> 16).astype(np.uint16)
    if not cut:
        narrow = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    write(path / "wide.safetensors", {UNEMBEDDING: matrix(wide, FLOAT32)})
    write(path / "narrow.safetensors", {UNEMBEDDING: matrix(narrow, BFLOAT16)})
    return int(np.count_nonzero((wide & 0xFFFF > 0x8000) | ((wide & 0x1FFFF) == 0x18000)))


@pytest.mark.parametrize("names", [("wide", "narrow"), ("narrow", "wide")])
def test_a_conversion_is_compared_with_the_rounding(in_tmp, capsys, names):
    files = [f"{name}.safetensors" for name in names]
    for cut in (False, True):
        wrong = converted(in_tmp, cut) if cut else converted(in_tmp) * 0
        status, out, err = drift(capsys, "compare", *files, "--format", "bfloat16", "--json")
        assert (status, err) == (0, "")
        found = json.loads(out)
        assert (found["format"], found["not_rounding"]) == ("bfloat16", wrong)
        assert found["formats"] == [{"wide": "float32", "narrow": "bfloat16"}[n] for n in names]
        assert found["identical"] == (wrong == 0)
    status, out, _ = drift(capsys, "compare", *files, "--format", "bfloat16")
    wide, narrow = "AB"[names.index("wide")], "AB"[names.index("narrow")]
    assert out.splitlines()[-1] == (
        f"values of {narrow} that are not {wide}'s rounded to bfloat16: {wrong:,}"
    )
    assert "wide.safetensors, lm_head.weight, rounded to bfloat16" in out
    status, out, _ = drift(capsys, "compare", *files, "--format", "float16")
    assert out.splitlines()[-1].startswith("values that differ after both are rounded to float16: ")


def test_formats_that_differ_say_how_to_round(in_tmp, capsys):
    converted(in_tmp)
    status, out, err = drift(capsys, "compare", "wide.safetensors", "narrow.safetensors")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.endswith("must be the same in both; --format rounds to one first\n")
    line = ("compare", "wide.safetensors", "narrow.safetensors", "--format", "int8")
    status, _, err = drift(capsys, *line)
    assert (status, err.startswith("drift: format is 'int8'; it must be one of")) == (2, True)


def test_each_side_has_a_tensor_of_its_own(in_tmp, capsys):
    first, second = base(), tuned()[:VOCABULARY]
    write("a.safetensors", {EMBEDDING: matrix(first, BFLOAT16), "x": matrix(second, BFLOAT16)})
    line = ("compare", "a.safetensors", "a.safetensors", "--json", "--tensor")
    status, out, err = drift(capsys, *line, f"{EMBEDDING},x")
    found = json.loads(out)
    assert (status, found["tensor"], found["tensors"]) == (0, None, [EMBEDDING, "x"])
    assert found["identical_rows"] == int((first == second).all(axis=1).sum())
    assert err == f"drift: a.safetensors, {EMBEDDING} is compared with a.safetensors, x\n"
    assert json.loads(drift(capsys, *line, "x")[1])["identical"]
    for wrong in ("x,", ",x", "x,x,x"):
        status, out, err = drift(capsys, *line, wrong)
        assert (status, out) == (2, "")
        assert "one name for both or one for each is needed" in err
    status, _, err = drift(capsys, *line, "x,y")
    assert (status, "holds no tensor 'y'" in err) == (2, True)

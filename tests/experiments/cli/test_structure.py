"""drift structure: its tables and its JSON."""

import json

import numpy as np
import pytest

from drift.experiments.cli import main
from drift.kernels.formats import BFLOAT16
from drift.sim.open_matrix import open_matrix
from drift.sim.structures import structure
from tests.support import builders

RUN = ["run", "--sigma", "2e-9", "--tokens", "60", "--dims", "400", "--records", "1"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("structure") / "a.zarr"
    assert main.outcome([*RUN, "--out", str(path), "--json"]) == 0
    return path


def drift(capsys, *arguments):
    """Run `drift structure` in this process: status, stdout, stderr."""
    capsys.readouterr()
    status = main.outcome(["structure", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_is_what_tools_rely_on(store, capsys):
    status, out, err = drift(capsys, store, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    names = "tokens cells selection components isolated black_holes black_hole_distance"
    assert list(found) == [*names.split(), "component_distance", "pairs_at_distance"]
    assert found["tokens"] == 60
    assert found["selection"] is None
    codes = open_matrix(store).codes
    for hole in found["black_holes"]:
        rows = codes[hole["token_ids"]]
        assert (len(rows), np.unique(rows, axis=0).shape[0]) == (hole["tokens"], 1)
    held = sum(hole["tokens"] for hole in found["black_holes"])
    assert held > 0
    inside = [found["isolated"], *found["components"]]
    assert sum(part["tokens"] for part in inside) == 60
    assert sum(part["nodes"] for part in inside) == found["cells"]
    edges = sum(part["edges"] for part in found["components"])
    assert found["pairs_at_distance"].get("1", 0) == edges
    assert sum(found["pairs_at_distance"].values()) == found["cells"] * (found["cells"] - 1) // 2


def test_the_table_has_the_columns_of_the_diary(store, capsys):
    found = json.loads(drift(capsys, store, "--json")[1])
    status, out, err = drift(capsys, store)
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["Comp", "Nodes", "Tokens", "Core", "BH", "Edges", "Density", "Cluster"] in lines
    for number, row in enumerate(found["components"], 1):
        measures = [f"{row['density']:.3f}", f"{row['clustering']:.3f}"]
        whole = [row[name] for name in ("nodes", "tokens", "core", "black_holes", "edges")]
        assert [str(number), *map(str, whole), *measures] in lines
    isolated = [str(found["isolated"][n]) for n in ("nodes", "tokens", "core", "black_holes")]
    assert ["isolated", *isolated] in lines


def parts(found):
    """All that the JSON lists tokens of."""
    return [*found["black_holes"], *found["components"], found["isolated"]]


def test_every_token_is_in_one_component_or_isolated(store, capsys):
    found = json.loads(drift(capsys, store, "--json")[1])
    for part in parts(found):
        assert len(part["token_ids"]) == part["tokens"]
        assert part["token_ids"] == sorted(part["token_ids"])
        assert "texts" not in part  # a drawn cloud has no tokenizer
    inside = (*found["components"], found["isolated"])
    assert sorted(token for each in inside for token in each["token_ids"]) == list(range(60))


def smoke(path):
    """Two black holes beside each other, one of them also -0, a stranger and a lonely one."""
    x = np.full((9, 3), 0x3C00)
    x[:5, 0] = [0x0000, 0x8000, 0x0000, 0x0001, 0x8001]
    x[5:7, 0], x[7] = 0x0002, [0x3C03, 0x3C00, 0x3C01]
    x[8] = [0x4000, 0x3C00, 0x3C00]
    model = {"lm_head.weight": builders.matrix(x.astype("u2"), BFLOAT16)}
    return builders.write(path / "model.safetensors", model)


def test_a_checkpoint_has_a_structure_too_and_a_selection_of_it(in_tmp, capsys):
    smoke(in_tmp)
    found = json.loads(drift(capsys, "model.safetensors", "--json")[1])
    sizes = [hole["token_ids"] for hole in found["black_holes"]]
    assert sizes == [[0, 1, 2], [5, 6]]
    assert [row["nodes"] for row in found["components"]] == [4]  # -1, 0, 1 and 2 in one line
    assert found["black_hole_distance"] == [[0, 2], [2, 0]]
    options = ["--near", "largest", "--exponents", "0"]
    near = json.loads(drift(capsys, "model.safetensors", *options, "--json")[1])
    assert near["selection"] == {"near": "largest", "exponents": 0}
    assert near["tokens"] == 7
    near = json.loads(drift(capsys, ".", "--near", "7", "--exponents", "1", "--json")[1])
    assert near["selection"] == {"near": 7, "exponents": 1}
    assert near["cells"] == 1
    out = drift(capsys, "model.safetensors", *options)[1]
    assert "model.safetensors, lm_head.weight, within 0 exponents of largest" in out


def test_what_is_left_out_is_said_on_stderr(in_tmp, capsys, monkeypatch):
    smoke(in_tmp)
    monkeypatch.setattr(structure, "MOST_CELLS", 3)
    monkeypatch.setattr(structure, "MOST_ROWS", 1)
    status, out, err = drift(capsys, "model.safetensors", "--json")
    assert status == 0
    assert json.loads(out)["black_hole_distance"] is None
    assert err.splitlines() == [
        "drift: 6 cells: pairs beyond distance 1 are counted up to 3 cells",
        "drift: 2 black holes: their distances are given up to 1",
    ]


TEXTS = ["a", "\x1b[2J[red]x", "c" * 99, "d", "e", "f", "g", "h"]
"""Of the tokens of `smoke`, of which the last has none."""


def with_texts(path):
    smoke(path)
    vocabulary = {text: token for token, text in enumerate(TEXTS)}
    builders.tokenizer(vocabulary).save(str(path / "tokenizer.json"))


def test_with_a_tokenizer_ids_come_with_their_texts(in_tmp, capsys):
    with_texts(in_tmp)
    status, out, err = drift(capsys, "model.safetensors", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    for part in parts(found):
        assert part["texts"] == [[*TEXTS, None][token] for token in part["token_ids"]]
    assert [hole["token_ids"] for hole in found["black_holes"]] == [[0, 1, 2], [5, 6]]
    assert [each["token_ids"] for each in found["components"]] == [list(range(7))]
    assert found["isolated"]["token_ids"] == [7, 8]
    selected = drift(capsys, ".", "--near", "largest", "--exponents", "0", "--json")[1]
    assert json.loads(selected)["black_holes"][1]["texts"] == ["f", "g"]


def test_people_get_the_first_tokens_of_each_part(in_tmp, capsys):
    with_texts(in_tmp)
    status, out, err = drift(capsys, "model.safetensors")
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    first = rf"0 'a', 1 '\x1b[2J[red]x', 2 '{'c' * 18}…"
    assert f"3 {first}" in lines
    assert "2 5 'f', 6 'g'" in lines
    assert "isolated 7 'h', 8" in lines
    assert f"1 {first}, 3" in " ".join(out.split())
    assert "5 'f', …" in " ".join(out.split())
    assert "\x1b" not in out


def test_many_black_holes_are_cut_short_for_people(in_tmp, capsys):
    codes = np.repeat(np.arange(30, dtype=np.uint16) * 8 + 0x3F80, 10)[:, None]
    builders.write("a.safetensors", {"lm_head.weight": builders.matrix(codes, BFLOAT16)})
    text = " ".join(drift(capsys, "a.safetensors")[1].split())
    assert "10 0, 1, 2, 3, 4, 5, … 10 10, 11, 12, 13, 14, 15, … 10 20" in text
    assert "… and 10 more black holes" in text


def test_a_broken_tokenizer_gets_one_line_and_no_texts(in_tmp, capsys):
    smoke(in_tmp)
    (in_tmp / "tokenizer.json").write_text("{")
    status, out, err = drift(capsys, "model.safetensors", "--json")
    assert (status, err.count("\n")) == (0, 1)
    assert "tokenizer.json can't be read as a tokenizer" in err
    assert "texts" not in json.loads(out)["black_holes"][0]


def test_a_run_that_began_with_a_model_knows_its_texts(in_tmp, capsys):
    (in_tmp / "model").mkdir()
    with_texts(in_tmp / "model")
    options = ["--near", "largest", "--exponents", "0", "--radius", "1e-6", "--steps", "1"]
    line = ["run", "--from", "model", *options, "--out", "a.zarr", "--json"]
    assert main.outcome(line) == 0
    hole = json.loads(drift(capsys, "a.zarr", "--json")[1])["black_holes"][0]
    assert [[*TEXTS, None][token] for token in hole["token_ids"]] == hole["texts"]
    (in_tmp / "model" / "tokenizer.json").unlink()
    assert "texts" not in json.loads(drift(capsys, "a.zarr", "--json")[1])["isolated"]


BAD = {
    "nothing there": (["gone.zarr"], "gone.zarr"),
    "exponents alone": (["model.safetensors", "--exponents", "3"], "exponents is 3 without near"),
    "no such token": (["model.safetensors", "--near", "9"], "near is 9"),
    "a snapshot of a checkpoint": (["model.safetensors", "--snapshot", "3"], "snapshot is 3"),
    "exponents negative": (
        ["model.safetensors", "--near", "largest", "--exponents", "-1"],
        "exponents is -1",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line(in_tmp, capsys, name):
    smoke(in_tmp)
    arguments, expected = BAD[name]
    status, out, err = drift(capsys, *arguments)
    assert (status, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1


def test_rows_that_are_not_finite_are_told_once_and_never_beside_an_error(in_tmp, capsys):
    x = np.full((3, 2), 0x3C00, np.uint16)
    x[0, 1], x[2, 0] = 0x3C09, 0x7FC0
    model = {"lm_head.weight": builders.matrix(x, BFLOAT16)}
    builders.write(in_tmp / "model.safetensors", model)
    status, _, err = drift(capsys, "model.safetensors", "--json")
    assert status == 0
    line = (
        "drift: model.safetensors, lm_head.weight: rows that are not finite, and so in no cell: 1"
    )
    assert err.splitlines() == [line]
    assert main.outcome(["plot", "components", "model.safetensors"]) == 2
    assert capsys.readouterr().err.count("\n") == 1

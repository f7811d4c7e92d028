"""`drift scan`: a checkpoint of which all is known; what is printed and written."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints.layouts import INDEX
from tests.support.builders import matrix, tokenizer, write, write_raw, write_sharded
from tests.support.run_cli import drift

EMBEDDING, UNEMBEDDING = "model.embed_tokens.weight", "lm_head.weight"
VOCABULARY, DIMS = 20_000, 64
PLANTED = {814: 100, 704: 19_000, 306: 5, 11: 7, 10: 3, 3: 2, 2: 1}
"""Tokens of each black hole, and one of its tokens."""


def planted():
    """Codes with the black holes of PLANTED, zero rows, mean rows and NaNs; all ids by kind."""
    rng = np.random.default_rng(7)
    codes = (0.02 * rng.standard_normal((VOCABULARY, DIMS))).astype(ml_dtypes.bfloat16)
    codes = codes.view(np.uint16)
    free = np.setdiff1d(rng.permutation(VOCABULARY - 50), list(PLANTED.values()))
    free, holes = list(rng.permutation(free)), []
    for population, first in PLANTED.items():
        holes.append(sorted([first, *(free.pop() for _ in range(population - 1))]))
        codes[holes[-1]] = codes[first]
    zero, nonfinite = sorted(free.pop() for _ in range(4)), sorted(free.pop() for _ in range(3))
    codes[zero] = rng.choice([0, 0x8000], (4, DIMS))
    codes[nonfinite, rng.integers(0, DIMS, 3)] = [0x7F80, 0xFF80, 0x7FC1]
    mean = list(range(VOCABULARY - 50, VOCABULARY))  # made for a vocabulary that had grown
    others = np.setdiff1d(np.arange(VOCABULARY), [*mean, *nonfinite])
    values = codes[others].view(ml_dtypes.bfloat16).astype(np.float64).mean(axis=0)
    codes[mean] = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    return codes, {"holes": [*holes, zero, mean], "nonfinite": nonfinite}


def test_planted_black_holes_are_found_in_a_sharded_checkpoint(in_tmp, capsys):
    codes, known = planted()
    known["holes"].sort(key=lambda ids: (-len(ids), ids[0]))
    populations = [len(ids) for ids in known["holes"]]
    rest = ("I64", [2], bytes(16))
    shards = [{EMBEDDING: matrix(codes[::-1], BFLOAT16)}, {"h": rest}]
    write_sharded("model", [*shards, {"n": rest, UNEMBEDDING: matrix(codes, BFLOAT16)}])
    status, out, err = drift(capsys, "scan", "model", "--json", "--ids", "holes.jsonl")
    assert (status, err) == (0, "")
    found = json.loads(out)
    expected = {
        "shape": [VOCABULARY, DIMS],
        "dtype": "BF16",
        "distinct": VOCABULARY - 3 - sum(populations) + len(populations),
        "black_holes": len(populations),
        "black_hole_tokens": sum(populations),
        "populations": populations,
        "zero_rows": 4,
        "mean_rows": 50,
        "nonfinite_rows": 3,
    }
    names = [EMBEDDING, UNEMBEDDING]
    assert found == {"tensors": [{"name": n, **expected} for n in names], "tied": False}
    lines = [json.loads(line) for line in (in_tmp / "holes.jsonl").read_text().splitlines()]
    assert [line for line in lines if line["tensor"] == UNEMBEDDING] == [
        {"tensor": UNEMBEDDING, "tokens": len(ids), "token_ids": ids} for ids in known["holes"]
    ]
    turned = sorted(sorted(VOCABULARY - 1 - k for k in ids) for ids in known["holes"])
    assert sorted(each["token_ids"] for each in lines if each["tensor"] == EMBEDDING) == turned


CODES = np.arange(12, dtype=np.uint16).reshape(6, 2) + 0x3F80
CODES[[0, 4]], CODES[[1, 5]] = CODES[2], 0
CODES[3] += 0x100  # far from the mean of the others
HOSTILE = "\x1b[2J[red]x"


def plain(text):
    """What is on a screen, without its spaces and lines."""
    return " ".join(text.split())


def test_people_get_the_black_holes_with_their_texts(in_tmp, capsys):
    write("model.safetensors", {EMBEDDING: matrix(CODES, BFLOAT16)})
    tokenizer({"a": 0, HOSTILE: 2, "c" * 99: 4, "d": 1}).save("tokenizer.json")
    status, out, err = drift(capsys, "scan", ".", "--ids", "holes.jsonl")
    assert (status, err) == (0, "")
    text = plain(out)
    assert "embedding and unembedding are tied" in text
    assert "rows × dims 6 × 2" in text
    assert "black holes 2" in text
    assert "tokens in them 5" in text
    assert rf"3 0 'a', 2 '\x1b[2J[red]x', 4 '{'c' * 18}…" in text
    assert "2 1 'd', 5 zero rows, 1 padding rows" in text
    assert "zero rows: 1, 5" in text
    assert "padding rows: 3, 5" in text
    assert "\x1b" not in out
    lines = [json.loads(line) for line in (in_tmp / "holes.jsonl").read_text().splitlines()]
    assert lines[0]["texts"] == ["a", HOSTILE, "c" * 99]
    assert lines[1] == {"tensor": EMBEDDING, "tokens": 2, "token_ids": [1, 5], "texts": ["d", None]}


def test_people_get_both_matrices_and_are_told_when_they_are_one(in_tmp, capsys):
    one, other = matrix(CODES, BFLOAT16), matrix(CODES[::-1] + np.uint16(1), BFLOAT16)
    hostile = HOSTILE * 20
    write("a.safetensors", {EMBEDDING: one, UNEMBEDDING: other, hostile: one})
    text = plain(drift(capsys, "scan", "a.safetensors")[1])
    assert "embedding and unembedding are not tied" in text
    assert text.count("3 0, 2, 4") == 1
    assert text.count("3 1, 3, 5") == 1
    out = drift(capsys, "scan", "a.safetensors", "--tensor", hostile)[1]
    assert "\x1b" not in out
    write("a.safetensors", {EMBEDDING: one, UNEMBEDDING: one})
    text = plain(drift(capsys, "scan", "a.safetensors")[1])
    assert "are tied: both are stored, and bit-identical" in text
    assert text.count("3 0, 2, 4") == 1
    write("a.safetensors", {"x": matrix(CODES + np.arange(6, dtype=np.uint16)[:, None], BFLOAT16)})
    text = plain(drift(capsys, "scan", "a.safetensors", "--tensor", "x")[1])
    assert "tied" not in text
    assert "black holes 0" in text


def test_many_black_holes_are_cut_short_for_people(in_tmp, capsys):
    codes = np.repeat(np.arange(30, dtype=np.uint16) + 0x3F80, 10)[:, None]
    write("a.safetensors", {EMBEDDING: matrix(codes, BFLOAT16)})
    text = plain(drift(capsys, "scan", "a.safetensors")[1])
    assert "10 0, 1, 2, 3, 4, 5 10 10, 11, 12, 13, 14, 15 10 20" in text
    assert "… and 10 more black holes" in text


def test_one_tensor_is_scanned_whatever_the_others_are(in_tmp, capsys):
    write_sharded("model", [{EMBEDDING: matrix(CODES, BFLOAT16)}, {UNEMBEDDING: ("I8", [1], b"a")}])
    status, out, err = drift(capsys, "scan", "model", "--tensor", EMBEDDING, "--json")
    assert (status, err.count("\n")) == (0, 1)
    assert "lm_head.weight can't be read: it holds I8 of shape [1], not rows of floats" in err
    assert json.loads(out)["tied"] is None
    (in_tmp / "model" / "model-00002-of-00002.safetensors").unlink()
    status, out, err = drift(capsys, "scan", "model", "--tensor", EMBEDDING, "--json")
    assert (status, err.count("\n")) == (0, 1)
    assert "whether it is tied is not known: model/model-00002-of" in err
    found = json.loads(out)
    assert (found["tied"], found["tensors"][0]["populations"]) == (None, [3, 2])
    assert (
        "not known whether they are tied"
        in drift(capsys, "scan", "model", "--tensor", EMBEDDING)[1]
    )
    assert drift(capsys, "scan", "model")[0] == 2


def test_what_is_odd_is_said_on_stderr(in_tmp, capsys):
    write("model.safetensors", {EMBEDDING: matrix(CODES, BFLOAT16)})
    (in_tmp / "config.json").write_text('{"tie_word_embeddings": false}')
    (in_tmp / "tokenizer.json").write_text("{")
    status, out, err = drift(capsys, "scan", ".", "--json")
    assert status == 0
    assert json.loads(out)["tied"] is None
    assert [line.split(":")[0] for line in err.splitlines()] == ["drift", "drift"]
    assert "tokenizer.json can't be read as a tokenizer" in err
    assert "config.json says that embedding and unembedding are not tied" in err


def put(offsets=(0, 8), shape=(2, 2), dtype="BF16", data=bytes(8), length=None):
    """A file with one matrix that may be wrong in one way."""
    entry = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    path = write_raw("a.safetensors", json.dumps({EMBEDDING: entry}).encode(), data)
    if length is not None:
        path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])


def put_overlap():
    entries = {k: {"dtype": "U8", "shape": [3], "data_offsets": [k, k + 3]} for k in (0, 2)}
    write_raw("a.safetensors", json.dumps(entries).encode(), bytes(5))


def put_index(file):
    put()
    Path(INDEX).write_text(json.dumps({"weight_map": {EMBEDDING: file}}))


def put_empty():
    write("a.safetensors", {EMBEDDING: ("BF16", [0, 4], b"")})


BAD = {
    "nothing there": (lambda: None, [], "gone: there is no such file"),
    "cut short": (lambda: put(data=bytes(7)), [], "it is truncated"),
    "a header longer than the file": (lambda: put(length=2**40), [], "would have 1,099,511"),
    "overlapping": (put_overlap, [], "invalid offset for tensor `2`"),
    "outside": (lambda: put(offsets=(8, 16)), [], "invalid offset for tensor"),
    "a wrong dtype": (
        lambda: put(dtype="I16"),
        [],
        "has dtype I16; one of BF16, F16, F32, F8_E4M3",
    ),
    "a shape that does not match": (
        lambda: put(shape=(2, 3)),
        [],
        "invalid shape, data type, or offset",
    ),
    "no matrix": (lambda: put(shape=(4,)), [], "a matrix has two dimensions"),
    "empty": (put_empty, [], "is empty: its shape is [0, 4]"),
    "a missing shard": (lambda: put_index("b.safetensors"), [], "b.safetensors: there is no such"),
    "a shard elsewhere": (lambda: put_index("../a.safetensors"), [], "in the same directory"),
    "a pickle": (lambda: Path("pytorch_model.bin").write_bytes(b"\x80\x02}."), [], "is a pickle"),
    "another tensor": (put, ["--tensor", "x\x1b"], r"no tensor 'x\x1b'; it holds model.embed_tok"),
    "ids nowhere": (put, ["--ids", "gone/ids"], "gone/ids can't be written: No such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(in_tmp, capsys, name):
    make, options, message = BAD[name]
    make()
    before = sorted(in_tmp.iterdir())
    status, out, err = drift(capsys, "scan", "." if before else "gone", *options)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(in_tmp.iterdir()) == before


def test_its_help_has_an_example_and_names_the_extra(capsys):
    status, out, _ = drift(capsys, "scan", "--help")
    assert status == 0
    assert "drift scan" in out.split("Example:")[1]
    assert '"tokenizers"' in out


def test_no_name_stands_over_nothing_and_none_is_blank(in_tmp, capsys):
    apart = np.arange(12, dtype=np.uint16).reshape(6, 2) + 0x3F80
    apart[3] += 0x100
    tensors = {EMBEDDING: matrix(apart, BFLOAT16), UNEMBEDDING: matrix(CODES, BFLOAT16)}
    write("a.safetensors", {**tensors, "": matrix(CODES, BFLOAT16)})
    out = drift(capsys, "scan", "a.safetensors")[1]
    assert (out.count(EMBEDDING), out.count(UNEMBEDDING)) == (1, 2)
    out = drift(capsys, "scan", "a.safetensors", "--tensor", "")[1]
    assert "''" in out.splitlines()[3]
    assert "a.safetensors, ''" in drift(capsys, "structure", "a.safetensors", "--tensor", "")[1]
    write("a.safetensors", {"": matrix(CODES, BFLOAT16), " ": matrix(CODES, BFLOAT16)})
    assert "it holds '', ' '; --tensor" in drift(capsys, "scan", "a.safetensors")[2]


def test_a_pair_that_is_not_known_comes_with_its_candidates(in_tmp, capsys):
    packed = ("I32", [6, 1], bytes(24))
    tensors = {EMBEDDING: matrix(CODES, BFLOAT16), "lm_head.weight_packed": packed}
    write("a.safetensors", tensors)
    status, out, err = drift(capsys, "scan", "a.safetensors")
    assert status == 0
    assert "lm_head.weight_packed can't be read: it holds I32 of shape [6, 1]" in err
    assert (
        f"not known whether they are tied; candidates: {EMBEDDING}, lm_head.weight_packed"
    ) in plain(out)
    assert json.loads(drift(capsys, "scan", "a.safetensors", "--json")[1])["tied"] is None
    write("a.safetensors", {UNEMBEDDING: matrix(CODES, BFLOAT16)})
    assert f"are tied; only {UNEMBEDDING} is there" in plain(
        drift(capsys, "scan", "a.safetensors")[1]
    )

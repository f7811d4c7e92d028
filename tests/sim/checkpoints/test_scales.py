"""Codes and their scales: the values are those of numpy, and forms without rows are named."""

import json

import ml_dtypes
import numpy as np
import pytest

from drift.kernels.formats import FLOAT8_E4M3FN, FLOAT8_E5M2, FLOAT32
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.quantised import form
from drift.sim.checkpoints.scales import Blocks, ScaledCodes
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.errors import BadInput
from drift.sim.structures.compare import compare
from drift.sim.structures.scan import scan
from drift.sim.structures.structure import structure_of
from tests.support.builders import matrix, write, write_sharded
from tests.support.run_cli import drift

HEAD = "lm_head.weight"
ROWS, DIMS = 300, 40
CODES = np.random.default_rng(8).integers(0, 256, (ROWS, DIMS)).astype(np.uint8)


def tensor(array, dtype):
    return dtype, list(array.shape), array.tobytes()


def values(codes, scales, kind=ml_dtypes.float8_e4m3fn):
    """Codes times scales as numpy has them, in float32, as codes."""
    with np.errstate(all="ignore"):
        return (codes.view(kind).astype(np.float32) * scales.astype(np.float32)).view(np.uint32)


def some(*shape):
    return np.random.default_rng(9).lognormal(0, 9, shape).astype(np.float32)


PER_ROW, PER_BLOCK = some(ROWS, 1), some(3, 2)
WIDE = np.repeat(np.repeat(PER_BLOCK, 128, 0)[:ROWS], 32, 1)[:, :DIMS]
SCALES = {
    "a row": (PER_ROW, PER_ROW, "each row"),
    "a row, flat": (PER_ROW[:, 0], PER_ROW, "each row"),
    "a column": (some(DIMS), some(1, DIMS), "each column"),
    "a block": (PER_BLOCK, WIDE, "each block of 128 × 32"),
    "a part of a row": (some(ROWS, 5), np.repeat(some(ROWS, 5), 8, 1), "each block of 1 × 8"),
    "all": (some(1, 1), some(1, 1), "the whole matrix"),
    "all, flat": (some(1), some(1), "the whole matrix"),
    "all, a number": (some(), some(), "the whole matrix"),
}


@pytest.mark.parametrize("name", SCALES)
def test_values_are_code_times_scale_in_float32(tmp_path, name):
    scales, wide, which = SCALES[name]
    tensors = {HEAD: tensor(CODES, "F8_E4M3"), HEAD + "_scale": tensor(scales, "F32")}
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors)).matrix()
    right = values(CODES, wide)
    assert found.format == FLOAT32
    assert found.note.endswith(f"in float32; {HEAD}_scale has a scale for {which}")
    rows = np.array([3, 1, 299])
    for key in (
        *(slice(None), slice(5, 9), rows, 7, (slice(None), slice(3, 5)), (rows, slice(2, 30))),
        *((slice(0, 0), slice(0, 4)), (rows[:, None], [4, 2]), (slice(2, 8), np.array([5, 1]))),
        *((7, 3), (slice(None), 3), (rows, rows % DIMS), (7, slice(1, 3))),
    ):
        assert np.array_equal(found.codes[key], right[key]), key
    assert np.array_equal(np.asarray(found.codes), right)
    assert found.codes.shape == right.shape
    assert len(found.codes) == ROWS


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("F16", np.float16), ("BF16", ml_dtypes.bfloat16), ("F8_E8M0", ml_dtypes.float8_e8m0fnu)],
)
@pytest.mark.parametrize("name", ["_scale", "_scale_inv", ".scale", "/scale", "/scale_weight"])
def test_scales_are_found_under_the_usual_names(tmp_path, name, dtype, kind):
    scales = np.exp2(np.arange(ROWS) % 9 - 4).astype(kind)[:, None]
    beside = "lm_head." + name[1:] if name[0] == "/" else HEAD + name
    tensors = {HEAD: tensor(CODES, "F8_E5M2"), beside: tensor(scales, dtype)}
    tensors["lm_head.input_scale"] = tensor(some(1), "F32")  # of what the matrix is multiplied by
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors)).matrix()
    assert np.array_equal(found.codes[:], values(CODES, scales, ml_dtypes.float8_e5m2))


UNCLEAR = {
    "the shape": ({HEAD + "_scale": tensor(some(7, 3), "F32")}, "[7, 3] beside codes of [300, 40]"),
    "the dimensions": ({HEAD + "_scale": tensor(some(ROWS, 1, 1), "F32")}, "shape [300, 1, 1]"),
    "no scales": ({HEAD + "_scale": tensor(some(0, 1), "F32")}, "shape [0, 1]"),
    "the dtype": ({HEAD + "_scale": tensor(np.ones(ROWS), "F64")}, "_scale has dtype F64"),
    "two": (
        {HEAD + end: tensor(PER_ROW, "F32") for end in ("_scale", "_scale_inv")},
        "how lm_head.weight_scale_inv, lm_head.weight_scale go together is not known",
    ),
    "a zero point": (
        {HEAD + end: tensor(PER_ROW, "F32") for end in ("_scale", "_zero_point")},
        "how lm_head.weight_scale, lm_head.weight_zero_point go together is not known",
    ),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_codes_alone_are_compared_where_a_scale_is_unclear(tmp_path, name):
    beside, why = UNCLEAR[name]
    path = write(tmp_path / "a.safetensors", {HEAD: tensor(CODES, "F8_E4M3")} | beside)
    found = Checkpoint(path).matrix()
    assert found.format == FLOAT8_E4M3FN
    assert np.array_equal(found.codes, CODES)
    assert f"{HEAD}: codes alone are compared: " in found.note
    assert why in found.note


def test_scales_in_a_missing_shard_are_named(tmp_path):
    shards = [{HEAD: tensor(CODES, "F8_E4M3")}, {HEAD + "_scale": tensor(PER_ROW, "F32")}]
    write_sharded(tmp_path, shards)
    assert "each row" in Checkpoint(tmp_path).matrix().note
    next(tmp_path.glob("*-00002-*")).unlink()
    assert "00002-of-00002.safetensors: there is no such file" in Checkpoint(tmp_path).matrix().note


def test_a_matrix_without_scales_has_no_note(tmp_path):
    path = write(tmp_path / "a.safetensors", {HEAD: matrix(CODES, FLOAT8_E5M2)})
    assert Checkpoint(path).matrix().note == ""


@pytest.mark.parametrize(
    ("codes", "scales", "rows", "columns"),
    [
        ((7168, 2048), (56, 16), 128, 128),
        ((129, 130), (2, 2), 128, 128),
        ((192, 96), (2, 1), 128, 96),
        ((960, 96), (10, 2), 96, 64),
        ((4, 64), (4, 2), 1, 32),
        ((3, 3), (3,), 1, 3),
        ((9, 9), (1, 9), 9, 1),
    ],
)
def test_blocks_follow_from_the_shapes(codes, scales, rows, columns):
    found = Blocks.of(codes, scales)
    assert (found.rows, found.columns) == (rows, columns)


def made(path):
    """Rows of equal codes and scales 1 and 2, and of other codes that are equal values."""
    codes = np.random.default_rng(2).integers(0x20, 0x60, (6, 8)).astype(np.uint8)
    codes[1] = codes[0]
    codes[3] = codes[2] + 8  # twice the value
    scales = np.float32([[1], [2], [2], [1], [1], [1]])
    return write(path, {HEAD: tensor(codes, "F8_E4M3"), HEAD + "_scale": tensor(scales, "F32")})


def test_equality_is_that_of_values(tmp_path, capsys):
    found = Checkpoint(made(tmp_path / "a.safetensors"))
    (scanned,) = scan(found)
    assert [hole.tolist() for hole in scanned.black_holes] == [[2, 3]]
    assert scanned.dtype == "F8_E4M3"
    assert found.notes == [found.matrix().note]
    assert structure_of(found.matrix()).notes[0] == found.matrix().note
    assert compare(found.matrix(), found.matrix()).identical
    assert from_checkpoint(found.path, radius=1.0).format == "float32"
    status, out, err = drift(capsys, "scan", str(found.path), "--json")
    assert (status, json.loads(out)["tensors"][0]["populations"]) == (0, [2])
    assert err.count("code times scale in float32; lm_head.weight_scale has a scale for each") == 1
    status, _, err = drift(capsys, "compare", str(found.path), str(found.path))
    assert (status, err.count("code times scale")) == (0, 1)


FORMS = {
    "int8 codes with scales in lm_head.weight_scale": ("weight", "I8", ["weight_scale"]),
    "int8 codes": ("weight", "I8", []),
    "4-bit blocks of bitsandbytes": ("weight", "U8", ["weight.absmax", "weight.quant_map"]),
    "4-bit blocks of bitsandbytes (NF4)": (
        *("weight", "U8"),
        ["weight.absmax", "weight.quant_state.bitsandbytes__nf4"],
    ),
    "8-bit codes of bitsandbytes, with scales in SCB": ("weight", "I8", ["SCB", "weight_format"]),
    "packed codes of GPTQ": ("qweight", "I32", ["qzeros", "scales", "g_idx"]),
    "packed codes of AWQ or GPTQ": ("qweight", "I32", ["qzeros", "scales"]),
    "packed codes of compressed-tensors": ("weight_packed", "I32", ["weight_scale"]),
    "packed codes of MLX": ("weight", "U32", ["scales", "biases"]),
    "packed codes of HQQ": ("W_q", "U8", ["meta"]),
    "blocks of 4-bit floats (MXFP4), with scales beside them": ("blocks", "U8", ["scales"]),
    "pairs of 4-bit floats (NVFP4), with scales of blocks": (
        *("weight", "U8"),
        ["weight_scale", "weight_scale_2"],
    ),
    "": ("weight", "I64", []),
}


@pytest.mark.parametrize("what", FORMS)
def test_forms_without_rows_are_named(tmp_path, what):
    last, dtype, beside = FORMS[what]
    name = f"lm_head.{last}"
    assert form(name, dtype, {name, *(f"lm_head.{each}" for each in beside)}) == what
    size = {"I32": 4, "U32": 4, "I64": 8}.get(dtype, 1)
    tensors = {name: (dtype, [4, 2], bytes(8 * size))}
    tensors |= {f"lm_head.{each}": ("F32", [1], bytes(4)) for each in beside}
    path = write(tmp_path / "a.safetensors", tensors)
    with pytest.raises(BadInput, match="rows of BF16" if what else "dtype I64"):
        Checkpoint(path).matrix(name)
    # Beside it, one that can be read is read.
    write(path, tensors | {"model.embed_tokens.weight": matrix(CODES, FLOAT8_E5M2)})
    found = Checkpoint(path)
    assert [each.name for each in scan(found)] == ["model.embed_tokens.weight"]
    told = f"not rows of floats{what and ': '}{what}"
    assert any(f": {name} can't" in note and note.endswith(told) for note in found.notes)


def test_a_name_that_is_packed_is_told_where_it_is_asked_for(tmp_path):
    tensors = {"lm_head.weight_packed": ("I32", [4, 2], bytes(32))}
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors))
    with pytest.raises(BadInput, match=r"'lm_head.weight', but packed codes of compressed-tensors"):
        found.matrix(HEAD)


def test_scaled_codes_are_shaped_as_an_array():
    blocks = Blocks.of((ROWS, DIMS), (1, 1))
    found = ScaledCodes(CODES, FLOAT8_E4M3FN, np.ones((1, 1), np.float32), blocks)
    assert (found.size, found.ndim, found.itemsize, found.nbytes) == (12_000, 2, 4, 48_000)

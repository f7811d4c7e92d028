"""Finding a checkpoint's matrices: where they are, what they are called, whether they are tied."""

import json

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.layouts import INDEX
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE
from drift.sim.errors import BadInput
from tests.support.builders import matrix, write, write_sharded

EMBEDDING, UNEMBEDDING = "model.embed_tokens.weight", "lm_head.weight"
CODES = np.arange(12, dtype=np.uint16).reshape(4, 3)
ONE, OTHER = matrix(CODES, BFLOAT16), matrix(CODES + np.uint16(1), BFLOAT16)


@pytest.mark.parametrize("padding", range(5))
@pytest.mark.parametrize("name", FORMATS_BY_DTYPE)
def test_a_matrix_lies_in_its_file_at_any_byte(tmp_path, name, padding):
    target = FORMATS_BY_DTYPE[name]
    codes = np.random.default_rng(0).integers(0, 2**target.width, (7, 5), target.storage)
    tensors = {"before": ("U8", [3], b"abc"), "x": matrix(codes, target), "y": ONE}
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors, padding=padding)).matrix("x")
    np.testing.assert_array_equal(found.codes, codes)
    assert found.codes.dtype == target.storage
    assert not found.codes.flags.writeable
    assert not found.codes.flags.owndata
    assert found.format is target
    assert found.label == "a.safetensors, x"
    assert found.token_ids.tolist() == list(range(7))


def test_a_pair_of_one_family_is_preferred_to_what_comes_first(tmp_path):
    tensors = {"wte.weight": ONE, "embed_out.weight": ONE, "gpt_neox.embed_in.weight": ONE}
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors))
    assert (found.embedding, found.unembedding) == ("gpt_neox.embed_in.weight", "embed_out.weight")
    found = Checkpoint(
        write(tmp_path / "a.safetensors", {"wte.weight": ONE, "output.weight": OTHER})
    )
    assert (found.embedding, found.unembedding) == ("wte.weight", "output.weight")


NEARLY = CODES.copy()
NEARLY[3, 2] ^= 0x8000
NANS = matrix(CODES | 0x7FC0, BFLOAT16)
PAIRS = {
    "no unembedding": ({EMBEDDING: ONE}, True),
    "the same bits": ({EMBEDDING: ONE, UNEMBEDDING: ONE}, True),
    "a sign apart": ({EMBEDDING: ONE, UNEMBEDDING: matrix(NEARLY, BFLOAT16)}, False),
    "zeros of either sign": (
        {EMBEDDING: matrix(CODES * 0, BFLOAT16), UNEMBEDDING: matrix(CODES * 0 + 0x8000, BFLOAT16)},
        False,
    ),
    "another shape": ({EMBEDDING: ONE, UNEMBEDDING: matrix(CODES[:3], BFLOAT16)}, False),
    "another dtype": ({EMBEDDING: ONE, UNEMBEDDING: ("F16", *ONE[1:])}, False),
    "the same NaNs": (
        dict.fromkeys([EMBEDDING, UNEMBEDDING], matrix(CODES | 0x7FC0, BFLOAT16)),
        True,
    ),
    "no embedding": ({UNEMBEDDING: ONE}, None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_tied_means_one_matrix_bit_for_bit(tmp_path, name):
    tensors, tied = PAIRS[name]
    found = Checkpoint(write(tmp_path / "a.safetensors", tensors))
    assert found.tied is tied
    assert found.notes == []
    assert found.default() == (UNEMBEDDING if UNEMBEDDING in tensors else EMBEDDING)


CONFIGS = {
    '{"tie_word_embeddings": false}': (None, "says that embedding and unembedding are not tied"),
    '{"text_config": {"tie_word_embeddings": false}}': (None, "yet no unembedding is there"),
    '{"tie_word_embeddings": true, "text_config": {"tie_word_embeddings": false}}': (True, None),
    '{"tie_word_embeddings": true}': (True, None),
    "{}": (True, None),
    "[]": (True, None),
    '{"tie_word_embeddings": null}': (True, None),
    "{": (True, "config.json is not JSON"),
    '{"a": ' + "[" * 100_000: (True, "nested too deeply; it was passed over"),
}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda text: text[:60])
def test_a_config_may_say_that_nothing_is_tied(tmp_path, config):
    (tmp_path / "config.json").write_text(config)
    found = Checkpoint(write(tmp_path / "a.safetensors", {EMBEDDING: ONE}))
    tied, note = CONFIGS[config]
    assert found.tied is tied
    assert len(found.notes) == (note is not None)
    assert all(note in line for line in found.notes)


def test_a_config_does_not_untie_what_is_the_same(tmp_path):
    (tmp_path / "config.json").write_text('{"tie_word_embeddings": false}')
    assert Checkpoint(write(tmp_path / "a.safetensors", {EMBEDDING: ONE, UNEMBEDDING: ONE})).tied


def test_one_shard_of_several_says_nothing_of_the_others(tmp_path):
    found = Checkpoint(write(tmp_path / "model-00001-of-00002.safetensors", {EMBEDDING: ONE}))
    assert found.tied is None
    assert "one shard of several" in found.notes[0]
    assert Checkpoint(write(tmp_path / "model-00001-of-00001.safetensors", {EMBEDDING: ONE})).tied


def test_an_index_is_followed_and_other_files_are_not_looked_at(tmp_path):
    write_sharded(tmp_path, [{EMBEDDING: OTHER}, {"h": ONE}, {UNEMBEDDING: ONE}])
    (tmp_path / "model.safetensors").write_text("a copy that is damaged")
    (tmp_path / "model-00002-of-00003.safetensors").unlink()  # nobody asks for it
    for path in (tmp_path, tmp_path / INDEX):
        found = Checkpoint(path)
        assert found.tied is False
        assert found.matrix().label == f"{tmp_path.name}, lm_head.weight"
        np.testing.assert_array_equal(found.matrix(EMBEDDING).codes, CODES + 1)
    with pytest.raises(BadInput, match=r"model-00002-of-00003.safetensors: there is no such file"):
        found.matrix("h")


def test_a_shard_that_lacks_what_the_index_promises(tmp_path):
    write_sharded(tmp_path, [{EMBEDDING: ONE}, {UNEMBEDDING: ONE}])
    write(tmp_path / "model-00002-of-00002.safetensors", {"h": ONE})
    found = Checkpoint(tmp_path)
    with pytest.raises(BadInput, match=r"00002.safetensors lacks tensor 'lm_head.weight', which"):
        found.matrix()
    assert len(found.matrix(EMBEDDING).codes) == 4


INDEXES = {
    "[]": "is no index of shards: it has no weight_map",
    "{}": "is no index of shards: it has no weight_map",
    '{"weight_map": [1]}': "is no index of shards",
    "{": "is not JSON",
    '{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}': "'a' stands there twice",
    **{
        json.dumps(
            {"weight_map": {"lm_head.weight": file}}
        ): "file in the same directory is accepted"
        for file in (
            *("../x.safetensors", "/etc/x.safetensors", "a/x.safetensors", "..", "", 1, None),
            *("x.bin", "a\x00.safetensors", "\x1b[2J.safetensors", "./a/x.safetensors"),
            *("./../x.safetensors", ".\\x.safetensors", "./", ".safetensors"),
        )
    },
}


@pytest.mark.parametrize("text", INDEXES)
def test_an_index_that_cannot_be_followed_gets_one_line(tmp_path, text):
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(BadInput) as error:
        Checkpoint(tmp_path)
    assert INDEXES[text] in str(error.value)
    assert str(error.value).isprintable()


def test_a_directory_without_an_index_must_leave_no_doubt(tmp_path):
    write(tmp_path / "consolidated.safetensors", {EMBEDDING: ONE})
    assert Checkpoint(tmp_path).tied
    write(tmp_path / "other.safetensors", {EMBEDDING: OTHER})
    with pytest.raises(
        BadInput, match=r"holds consolidated.safetensors, other.safetensors, and no"
    ):
        Checkpoint(tmp_path)
    write(tmp_path / "model.safetensors", {EMBEDDING: OTHER})
    np.testing.assert_array_equal(Checkpoint(tmp_path).matrix().codes, CODES + 1)


@pytest.mark.parametrize("ending", ["bin", "pt", "pth", "ckpt", "pkl", "gguf", "npz", "safetensor"])
def test_what_is_not_safetensors_is_never_opened(tmp_path, ending):
    path = tmp_path / f"pytorch_model.{ending}"
    path.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(BadInput, match=r"is a pickle, as torch\.save once wrote; convert"):
        Checkpoint(path)
    if ending != "safetensor":
        with pytest.raises(BadInput, match=r"holds no safetensors file, but .*a pickle"):
            Checkpoint(tmp_path)
    path.write_bytes(b"nothing that is known")
    with pytest.raises(BadInput, match=r"is no safetensors file; a .safetensors file, model"):
        Checkpoint(path)
    with pytest.raises(BadInput, match=r"holds no safetensors file(, but|; a .safetens)"):
        Checkpoint(tmp_path)


def test_what_is_not_there_or_cannot_be_read(tmp_path):
    for path, message in (
        (tmp_path / "gone", "there is no such file"),
        (tmp_path, "holds no safetensors file; a .safetensors file"),
        (tmp_path / ("n" * 300), "can't be read: File name too long"),
    ):
        with pytest.raises(BadInput, match=message):
            Checkpoint(path)


WRONG = {
    "integers": (
        ("I64", [2, 1], bytes(16)),
        "has dtype I64; one of BF16, F16, F32, F8_E4M3, F8_E5M2",
    ),
    "unknown": (("\x1b[1m", [2, 1], b"a"), r"has dtype \x1b[1m; one of"),
    "a vector": (("F32", [4], bytes(16)), "has shape [4]; a matrix has two dimensions"),
    "a scalar": (("F32", [], bytes(4)), "has shape []; a matrix has two dimensions"),
    "a stack": (("F32", [1, 2, 2], bytes(16)), "has shape [1, 2, 2]; a matrix"),
    "no rows": (("F32", [0, 4], b""), "is empty: its shape is [0, 4]"),
    "no dims": (("F32", [4, 0], b""), "is empty: its shape is [4, 0]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_matrix_of_a_known_format_gets_one_line(tmp_path, name):
    tensor, message = WRONG[name]
    found = Checkpoint(write(tmp_path / "a.safetensors", {EMBEDDING: tensor, "rest": ONE}))
    with pytest.raises(BadInput) as error:
        found.matrix()
    assert message in str(error.value)
    assert f"a.safetensors: tensor '{EMBEDDING}'" in str(error.value)


@pytest.mark.slow
def test_a_name_that_is_not_there_gets_those_that_are(tmp_path):
    few = Checkpoint(write(tmp_path / "few.safetensors", {"a\x1b": ONE, "b": ONE}))
    with pytest.raises(BadInput, match=r"holds no tensor 'c'; it holds a\\x1b, b$"):
        few.matrix("c")
    with pytest.raises(BadInput, match=r"no embedding or unembedding under a known name; it holds"):
        few.matrix()
    layers = {f"model.layers.{k}.mlp.weight": ("U8", [0], b"") for k in range(5000)}
    path = write(tmp_path / "many.safetensors", {**layers, EMBEDDING: ONE})
    with pytest.raises(BadInput) as error:
        Checkpoint(path).matrix("embed_tokens.weight")
    assert f"it holds 5,001, among them {EMBEDDING}" in str(error.value)
    assert len(str(error.value)) < 400

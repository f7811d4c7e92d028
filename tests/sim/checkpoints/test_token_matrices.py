"""Which matrices of a checkpoint have a row for each token, and what is known of them as a pair."""

import json

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from drift.sim.structures.scan import scan
from tests.support.builders import matrix, write, write_sharded

ROWS, DIMS = 40, 6


def rows(count=ROWS, dims=DIMS, first=0x3F80):
    """A matrix of float rows, no two of them equal."""
    codes = first + np.arange(count * dims, dtype=np.uint16).reshape(count, dims)
    return matrix(codes.astype(np.uint16), BFLOAT16)


ONE, OTHER = rows(), rows(first=0x4000)
SMALL = {
    "h.0.mlp.weight": rows(16, DIMS),
    "h.0.mlp.down.weight": rows(DIMS, 16),
    "wpe.weight": rows(12, DIMS),
    "norm.weight": ("BF16", [DIMS], bytes(2 * DIMS)),
    "h.0.mlp.bias": ("BF16", [16], bytes(32)),
}
"""What any model has beside its matrices of tokens."""

FAMILIES = """
model.embed_tokens lm_head
embed_tokens lm_head
wte lm_head
transformer.wte lm_head
transformer.wte transformer.lm_head
transformer.tokens_embed lm_head
transformer.embd.wte lm_head.linear
model.transformer.wte model.transformer.ff_out
gpt_neox.embed_in embed_out
model.decoder.embed_tokens lm_head
transformer.word_embeddings lm_head
word_embeddings lm_head
shared lm_head
model.shared lm_head
decoder.embed_tokens decoder.output_projection
embeddings.word_embeddings cls.predictions.decoder
bert.embeddings.word_embeddings cls.predictions.decoder
roberta.embeddings.word_embeddings lm_head.decoder
electra.embeddings.word_embeddings generator_lm_head
distilbert.embeddings.word_embeddings vocab_projector
transformer.word_embedding lm_loss
transformer.embeddings pred_layer.proj
model.embeddings.tok_embeddings decoder
model.decoder.embed_tokens proj_out
decoder.token_embedding proj_out
backbone.embeddings lm_head
backbone.embedding lm_head
emb head
rwkv.embeddings head
tok_embeddings output
model.tok_embeddings output
token_embd output
transformer.embedding.word_embeddings transformer.output_layer
embedding.word_embeddings output_layer
model.language_model.embed_tokens lm_head
model.language_model.embed_tokens model.language_model.lm_head
language_model.model.embed_tokens language_model.lm_head
language_model.model.shared language_model.lm_head
text_model.embeddings.token_embedding lm_head
token_embedding_table lm_head
text_emb lm_head
transformer.w lm_head
Embedding LMHead
embedding_layer unembed
embedding unembedding
thinker.model.embed_tokens thinker.lm_head
0.auto_model.embeddings.word_embeddings lm_head
module.model.embed_tokens module.lm_head
_orig_mod.transformer.wte _orig_mod.lm_head
model._orig_mod.embed_tokens lm_head._orig_mod
_fsdp_wrapped_module.model.embed_tokens _fsdp_wrapped_module.lm_head
module._forward_module.gpt_neox.embed_in module._forward_module.embed_out
base_model.model.model.embed_tokens base_model.model.lm_head
base_model.model.model.embed_tokens.modules_to_save base_model.model.lm_head.base_layer
module._orig_mod.emb module._orig_mod.head
module.shared module.lm_head
"""


def put(path, tensors, config=None):
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    write(path / "model.safetensors", tensors)
    return Checkpoint(path)


@pytest.mark.parametrize("pair", FAMILIES.strip().splitlines())
def test_every_family_is_found_by_its_names_under_any_wrapper(tmp_path, pair):
    embedding, unembedding = (f"{name}.weight" for name in pair.split())
    layers = {f"{embedding.rsplit('.', 2)[0]}.layers.0.output.dense.weight": rows(16, DIMS)}
    found = put(tmp_path, {**SMALL, **layers, unembedding: ONE, embedding: OTHER})
    assert found.matrices == [embedding, unembedding]
    assert (found.embedding, found.unembedding, found.tied) == (embedding, unembedding, False)
    assert (found.default(), found.notes) == (unembedding, [])
    for name in (embedding, unembedding):
        alone = put(tmp_path, {**SMALL, **layers, name: ONE})
        assert alone.matrices == [name]
        assert alone.tied is (True if name == embedding else None)


BERT = {
    "embeddings.position_embeddings.weight": rows(20, DIMS),
    "embeddings.token_type_embeddings.weight": rows(2, DIMS),
    "embeddings.LayerNorm.weight": SMALL["norm.weight"],
    "cls.predictions.transform.dense.weight": rows(DIMS, DIMS),
    "lm_head.dense.weight": rows(DIMS, DIMS),
    "lm_head.layer_norm.weight": SMALL["norm.weight"],
    "lm_head.bias": ("F32", [ROWS], bytes(4 * ROWS)),
    "head.dense.weight": rows(DIMS, DIMS),
    "embeddings.position_ids": ("I64", [1, 20], bytes(160)),
    "pooler.dense.weight": rows(DIMS, DIMS),
    "final_logits_bias": ("F32", [1, ROWS], bytes(4 * ROWS)),
    "base_model.model.lm_head.lora_A.weight": rows(4, DIMS),
    "base_model.model.lm_head.lora_B.weight": rows(ROWS, 4),
    "model.embed_tokens.lora_embedding_B": rows(DIMS, 4),
    "model.embed_tokens.token_adapter.trainable_tokens_delta": rows(5, DIMS),
}


def test_what_stands_beside_embeddings_and_heads_is_none(tmp_path):
    name = "embeddings.word_embeddings.weight"
    config = {"vocab_size": ROWS}
    found = put(tmp_path, {**SMALL, **BERT, name: ONE}, config)
    assert (found.matrices, found.notes) == ([name], [])
    with pytest.raises(BadInput, match="has no embedding or unembedding under a known name"):
        put(tmp_path, {**SMALL, **BERT}, config).default()


def test_every_matrix_of_an_encoder_and_a_decoder_is_scanned(tmp_path):
    names = ["shared", "lm_head", "encoder.embed_tokens", "decoder.embed_tokens"]
    names = [f"{name}.weight" for name in names]
    tensors = dict(zip(names, [ONE, OTHER, ONE, rows(first=0x4100)], strict=True))
    found = put(tmp_path, {**SMALL, **tensors})
    assert (found.embedding, found.default()) == tuple(names[:2])
    assert [each.name for each in scan(found)] == names
    assert found.tied is False
    tensors[names[1]] = ONE
    assert put(tmp_path, tensors).tied is True
    assert put(tmp_path, {name: ONE for name in names if name != names[1]}).tied is True
    two = put(tmp_path, {names[2]: ONE, names[3]: OTHER})
    assert (two.tied, two.candidates) == (None, [names[2], names[3]])


PACKED = {
    "packed": {
        "lm_head.weight_packed": ("I32", [ROWS, 1], bytes(4 * ROWS)),
        "lm_head.weight_scale": rows(ROWS, 1),
        "lm_head.weight_shape": ("I64", [2], bytes(16)),
    },
    "of four bits": {
        "lm_head.qweight": ("I32", [1, ROWS], bytes(4 * ROWS)),
        "lm_head.qzeros": ("I32", [1, 5], bytes(20)),
        "lm_head.scales": rows(1, ROWS),
        "lm_head.g_idx": ("I32", [DIMS], bytes(4 * DIMS)),
    },
    "of blocks": {
        "lm_head.weight": ("U8", [120, 1], bytes(120)),
        "lm_head.weight.absmax": ("F32", [4], bytes(16)),
        "lm_head.weight.quant_map": ("F32", [16], bytes(64)),
    },
    "of words": {
        "lm_head.weight": ("U32", [ROWS, 1], bytes(4 * ROWS)),
        "lm_head.scales": rows(ROWS, 2),
        "lm_head.biases": rows(ROWS, 2),
    },
    "of bytes": {
        "lm_head.weight": ("I8", [ROWS, DIMS], bytes(ROWS * DIMS)),
        "lm_head.weight_scale": rows(ROWS, 1),
    },
    "of a tensor's parts": {
        "lm_head.weight._data": ("I8", [ROWS, DIMS], bytes(ROWS * DIMS)),
        "lm_head.weight._scale": rows(ROWS, 1),
    },
    "of lattices": {
        "lm_head.SU": ("F16", [DIMS], bytes(2 * DIMS)),
        "lm_head.weight_codes": ("I16", [ROWS, 1], bytes(2 * ROWS)),
    },
    "of a form that nobody knows": {"lm_head.trellis": ("I16", [4, 4, 2], bytes(64))},
    "of a parametrization": {"lm_head.parametrizations.weight.original0": ("F32", [2], bytes(8))},
    "of doubles": {"lm_head.weight": ("F64", [2, 2], bytes(32))},
}


@pytest.mark.parametrize("config", [None, {"tie_word_embeddings": True, "vocab_size": ROWS}])
@pytest.mark.parametrize("form", PACKED)
def test_a_head_that_cannot_be_read_is_named_and_hides_nothing(tmp_path, form, config):
    head = max(PACKED[form], key=lambda name: "weight" in name)
    dtype, shape, _ = PACKED[form][head]
    embedding = "model.embed_tokens.weight"
    found = put(tmp_path, {**SMALL, embedding: ONE, **PACKED[form]}, config)
    assert (found.tied, found.candidates) == (None, [embedding, head])
    assert [each.name for each in scan(found)] == [embedding] == [found.default()]
    (note,) = found.notes
    said = f"it holds {dtype} of shape {shape}, not rows of floats"
    assert note.startswith(f"{tmp_path}: {head} can't be read: {said}")
    alone = put(tmp_path, PACKED[form], config)
    with pytest.raises(BadInput, match=rf"tensor '{head}' (has|holds) "):
        scan(alone)
    assert alone.tied is None


@pytest.mark.parametrize("head", ["head.qweight", "output.weight", "decoder.weight._data"])
def test_a_head_of_a_plain_name_is_named_too(tmp_path, head):
    tensors = {"emb.weight": ONE, head: ("I32", [1, ROWS], bytes(4 * ROWS))}
    for config in (None, {"vocab_size": ROWS}):
        found = put(tmp_path, {**SMALL, **tensors}, config)
        assert (found.tied, found.candidates) == (None, ["emb.weight", head])


def test_a_head_with_a_column_for_each_token_is_named(tmp_path):
    found = put(tmp_path, {"embed.W_E": ONE, "unembed.W_U": rows(DIMS, ROWS)})
    assert (found.tied, found.matrices) == (None, ["embed.W_E"])
    note = f"it holds a column for each token: its shape is [{DIMS}, {ROWS}]"
    assert found.notes == [f"{tmp_path}: unembed.W_U can't be read: {note}"]


def test_an_index_alone_names_a_packed_head(tmp_path):
    write_sharded(tmp_path, [{"model.embed_tokens.weight": ONE}, PACKED["packed"]])
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    found = Checkpoint(tmp_path)
    assert found.tied is None
    (note,) = found.notes
    assert note.endswith("weight_packed can't be read: it holds packed codes, not rows of floats")


CONFIGS = [
    {"vocab_size": ROWS},
    {"text_config": {"vocab_size": ROWS - 3}},
    {"thinker_config": {"text_config": {"vocab_size": ROWS}}, "vocab_size": 7},
    {"n_vocab": ROWS},
    {"decoder": {"decoder_vocab_size": ROWS}},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_rows_that_are_the_vocabulary_of_a_config_tell_a_matrix(tmp_path, config):
    names = ["net.table.weight", "net.last.weight"]
    found = put(tmp_path, {**SMALL, names[0]: ONE, "other.weight": rows(30, 5)}, config)
    assert (found.matrices, found.tied, found.default()) == ([names[0]], True, names[0])
    said = f"{tmp_path}: {names[0]} was found by its shape: its rows are the vocabulary"
    assert found.notes == [said]
    found = put(tmp_path, {**SMALL, **dict(zip(names, [ONE, OTHER], strict=True))}, config)
    assert (found.matrices, found.tied) == (names, False)
    with pytest.raises(BadInput, match=r"several matrices of tokens: net\.table\.weight, net\.l"):
        found.default()
    found = put(tmp_path, {**SMALL, **dict.fromkeys(names, ONE)}, config)
    assert (found.tied, found.default()) == (True, names[0])


def test_a_number_of_rows_that_layers_have_tells_nothing(tmp_path):
    tensors = {**SMALL, "net.0.w.weight": rows(ROWS, 3), "net.table.weight": ONE}
    found = put(tmp_path, tensors, {"vocab_size": ROWS})
    assert (found.matrices, found.tied) == ([], None)


@pytest.mark.parametrize("twin", ["net.last.weight", "net.score_out.weight"])
def test_the_twin_of_a_known_matrix_is_found(tmp_path, twin):
    found = put(tmp_path, {**SMALL, "transformer.wte.weight": ONE, twin: OTHER})
    assert found.matrices == ["transformer.wte.weight", twin]
    assert (found.unembedding, found.tied) == (twin, False)
    found = put(tmp_path, {**SMALL, "lm_head.weight": ONE, "net.first.weight": ONE})
    assert (found.embedding, found.unembedding) == ("net.first.weight", "lm_head.weight")
    assert found.tied is True


def test_the_tallest_matrix_by_far_is_the_vocabularys(tmp_path):
    found = put(tmp_path, {**SMALL, "net.table.weight": ONE})
    assert found.matrices == ["net.table.weight"]
    found = put(tmp_path, {**SMALL, "net.table.weight": ONE, "net.mlp.weight": rows(21, 3)})
    assert found.matrices == []
    assert put(tmp_path, {"a": ONE, "b": OTHER}).matrices == []


def test_a_plain_name_needs_the_shape_of_the_matrix_that_is_known(tmp_path):
    tensors = {"transformer.wte.weight": ONE, "head.weight": rows(3), "output.weight": rows(DIMS)}
    assert put(tmp_path, {**SMALL, **tensors}).matrices == ["transformer.wte.weight"]
    tensors = {"encoder.embedding.weight": rows(7), "emb.weight": ONE}
    assert put(tmp_path, tensors, {"vocab_size": ROWS}).matrices == ["emb.weight"]


def test_copies_under_wrappers_are_matrices_of_their_own(tmp_path):
    names = ["lm_head.modules_to_save", "lm_head.original_module", "module.lm_head"]
    names = [f"{name}.weight" for name in names]
    found = put(tmp_path, dict(zip(names, [ONE, OTHER, rows(first=0x4100)], strict=True)))
    assert sorted(found.matrices) == sorted(names)
    assert found.default() == names[0]


def test_several_heads_and_those_in_layers_come_after_the_models_own(tmp_path):
    names = ["model.embed_tokens", "lm_head", "model.layers.61.embed_tokens"]
    names = [f"{name}.weight" for name in [*names, "model.layers.61.shared_head.head"]]
    found = put(tmp_path, dict.fromkeys(reversed(names), ONE))
    assert found.matrices == names
    assert found.tied is True


def test_the_likeliest_matrices_are_named_first(tmp_path):
    layers = {
        f"encoder.layer.{k}.intermediate.dense.weight": ("F32", [16, 6], bytes(384))
        for k in range(30)
    }
    tensors = {**layers, "encoder.my_emb_b.weight": rows(31), "top.weight": rows(30)}
    with pytest.raises(BadInput) as error:
        put(tmp_path, {**tensors, "x.weight": rows(32)}).default()
    assert "of the 33 tensors these are the likeliest: encoder.my_emb_b.weight [31, 6]" in str(
        error.value
    )
    with pytest.raises(BadInput, match=r"likeliest: x\.weight \[32, 6\], h\.0\.a \[32, 6\], en"):
        put(
            tmp_path,
            {**tensors, "x.weight": rows(32), "h.0.a": rows(32)},
            {"vocab_size": 32},
        ).default()

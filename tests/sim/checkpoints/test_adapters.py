"""Adapters beside their base: what they hold of its matrices of tokens is compared, or named."""

import json

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from tests.support.builders import matrix, write
from tests.support.run_cli import drift

RNG = np.random.default_rng(21)
HEAD, EMBEDDING, TRAINED = (
    matrix(RNG.integers(0x3C00, 0x3D00, (40, 8)).astype(np.uint16), BFLOAT16) for _ in range(3)
)
SMALL = ("BF16", [2, 8], bytes(32))
LAYER = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
LORA = {LAYER + "A.weight": SMALL, LAYER + "B.weight": SMALL}
OUTER = "base_model.model."


def adapter(path, tensors, base="Org/Base"):
    """A directory of an adapter of `base`, as the common library writes it."""
    path.mkdir()
    write(path / "adapter_model.safetensors", LORA | tensors)
    if base is not None:
        document = json.dumps({"base_model_name_or_path": base, "peft_type": "LORA"})
        (path / "adapter_config.json").write_text(document)
    return path


@pytest.fixture
def base(tmp_path):
    (tmp_path / "base").mkdir()
    tensors = {"model.embed_tokens.weight": EMBEDDING, "lm_head.weight": HEAD}
    write(tmp_path / "base/model.safetensors", tensors)
    return tmp_path / "base"


PAIRS = {
    "both are saved": (
        {OUTER + "lm_head.weight": TRAINED, OUTER + "model.embed_tokens.weight": EMBEDDING},
        *("lm_head.weight", OUTER + "lm_head.weight", False),
    ),
    "the embedding is saved": (
        {OUTER + "model.embed_tokens.weight": EMBEDDING},
        *("model.embed_tokens.weight", OUTER + "model.embed_tokens.weight", True),
    ),
    "the head is saved": (
        {OUTER + "lm_head.modules_to_save.weight": HEAD},
        *("lm_head.weight", OUTER + "lm_head.modules_to_save.weight", True),
    ),
    "the base's head beside a change of it": (
        {OUTER + "lm_head.base_layer.weight": HEAD, OUTER + "lm_head.lora_A.weight": SMALL},
        *("lm_head.weight", OUTER + "lm_head.base_layer.weight", True),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("turned", [False, True])
def test_matrices_of_one_role_are_compared(tmp_path, base, capsys, name, turned):
    tensors, mine, theirs, same = PAIRS[name]
    sides, names = [str(base), str(adapter(tmp_path / "adapter", tensors))], [mine, theirs]
    if turned:
        sides, names = sides[::-1], names[::-1]
    status, out, err = drift(capsys, "compare", *sides, "--json")
    found = json.loads(out)
    assert (status, found["tensors"], found["identical"]) == (0, names, same)
    assert ("is shown without the change that an adapter makes of it" in err) == ("change" in name)


def test_what_an_adapter_leaves_out_is_not_tied(tmp_path):
    found = Checkpoint(adapter(tmp_path / "a", {OUTER + "model.embed_tokens.weight": EMBEDDING}))
    assert (found.adapted, found.tied) == ("Org/Base", None)
    assert Checkpoint(adapter(tmp_path / "b", {}, base=None)).adapted == "another model"


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({}, "a is an adapter of Org/Base, and holds no matrix of tokens: it leaves its base's as"),
        ({OUTER + "model.embed_tokens.lora_embedding_A": SMALL}, r"alone \(.*lora_embedding_A\);"),
        (
            {OUTER + "model.embed_tokens.token_adapter.trainable_tokens_delta": SMALL},
            r"holds changes of matrices of tokens alone \(.*_delta\); merge it into its base",
        ),
        ({OUTER + "lm_head.lora_A.weight": SMALL}, r"alone \(.*lm_head\.lora_A\.weight\)"),
    ],
)
def test_an_adapter_without_rows_is_named(tmp_path, tensors, said):
    found = Checkpoint(adapter(tmp_path / "a", tensors))
    with pytest.raises(BadInput, match=said):
        found.default()
    assert found.matrices == []


def test_a_model_is_no_adapter(base):
    assert Checkpoint(base).adapted is None
    assert Checkpoint(base).pair_with(Checkpoint(base)) == ("lm_head.weight",) * 2

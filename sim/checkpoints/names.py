"""Names of matrices that have a row for each token, as families of models give them.

role       what a matrix is for: tokens are read by an embedding, and scored by an unembedding
plain      of a name: it has another meaning elsewhere, so that its shape must fit too
form       how a matrix is stored: as rows of floats, or packed, in tensors of other names
companion  a tensor that a form has beside its codes, or an adapter beside a matrix

Wrappers put their names before and between the others; the last parts of a name tell its role.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["embedding", "unembedding"]

_WRAPPERS = {
    *("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"),
    *("_forward_module", "base_model", "base_layer", "modules_to_save", "original_module"),
}
_PATTERNS: tuple[tuple[Role, bool, str], ...] = (
    ("embedding", True, r"shared"),
    ("embedding", False, r"embed_tokens|embed_in"),
    ("embedding", False, r"wte|(word|tok)_embeddings|token_embd"),
    (
        "embedding",
        False,
        r"embed_(text_)?tokens(_per_layer)?|in_out_embed|embedding_layer|W_E"
        r"|(words?|tok|tokens?|text|vocab|inputs?)_?(emb|embd|embeds?|embeddings?)"
        r"(_table|_layers?)?",
    ),
    ("embedding", True, r"emb|embeds?|embedder|embeddings?|(.*\.)?transformer\.w"),
    ("unembedding", False, r"lm_heads?(\.linear|\.decoder)?|embed_out|output_layer"),
    (
        "unembedding",
        False,
        r"output_(projection|embeddings?)|predictions\.decoder|pred_layer\.proj",
    ),
    ("unembedding", False, r"vocab_(projector|head)|lm_loss|generator_lm_head|unembed(ding)?"),
    ("unembedding", False, r"(to_)?logits|W_U|shared_head\.head"),
    ("unembedding", True, r"head|output|decoder|proj_out|ff_out"),
)
"""Role, whether they are plain, and the last parts of names; the most usual ones come first."""
_DEEPEST = 3
"""Most parts of a name that ends in a plain one."""
_COMPANION = re.compile(
    r"scale|zero|shape|absmax|bias|quant_?(map|state)|nested|g_idx|qtype|lora|adapter|delta|dora"
)
_PACKED = re.compile(r"\w*weight\w*|W_q|\w*blocks|codes|\w*packed\w*|\w*quantized\w*")
_ROWS = {(), ("weight",), ("embedding",)}
"""Parts of a name after the one that tells the role, of a matrix of rows."""


@dataclass(frozen=True)
class Named:
    """A tensor whose name tells its role."""

    name: str
    """its name in the file"""
    role: Role
    """the role that its name tells"""
    is_plain: bool
    """True where its shape must fit too"""
    is_packed: bool
    """True where its name says that it holds no rows of floats"""
    order: tuple[int, ...]
    """places in layers, and of its name among the usual ones: the smallest is the model's own"""


def named(names: Iterable[str]) -> list[Named]:
    """Return the tensors whose names tell a role: the usual ones first, one for each matrix."""
    found: dict[tuple[str, ...], Named] = {}
    for name in names:
        told = _told(name)
        if told is not None:
            base, one = told
            first = found.setdefault(base, one)
            if first.is_packed and not one.is_packed:
                found[base] = one
    return sorted(found.values(), key=lambda each: each.order)


def is_companion(name: str) -> bool:
    """Return whether a tensor stands beside a matrix: scales, zero points, adapters."""
    return _COMPANION.search(_parts(name)[-1]) is not None or "lora" in name


def in_layer(name: str) -> bool:
    """Return whether a name has a number, as those of layers have."""
    return any(part.isdecimal() for part in _parts(name))


def _told(name: str) -> tuple[tuple[str, ...], Named] | None:
    """Return the parts of a name that tell its role, and what they tell."""
    parts = [part for part in _parts(name) if part not in _WRAPPERS]
    for length in range(len(parts), max(0, len(parts) - 3), -1):
        base, rest = tuple(parts[:length]), tuple(parts[length:])
        numbers = sum(part.isdecimal() for part in base)
        path = ".".join(base).rstrip(".0123456789")
        for place, (role, is_plain, pattern) in enumerate(_PATTERNS):
            if not re.fullmatch(rf"(.*\.)?({pattern})", path):
                continue
            if is_plain and (length > _DEEPEST or numbers):
                continue
            is_packed = rest not in _ROWS
            if is_packed and (_COMPANION.search(".".join(rest)) or not _PACKED.fullmatch(rest[0])):
                return None
            order = (numbers, place, length)
            return base, Named(name, role, is_plain, is_packed, order)
    return None


def _parts(name: str) -> list[str]:
    return name.replace("/", ".").split(".")

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
from functools import lru_cache
from typing import Literal

Role = Literal["embedding", "unembedding"]

_WRAPPERS = {
    *("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"),
    *("_forward_module", "base_model", "base_layer", "modules_to_save", "original_module"),
    *("_module", "default", "wrapped_module"),
}
_PATTERNS: tuple[tuple[Role, bool, str], ...] = (
    ("embedding", True, r"shared"),
    ("embedding", False, r"embed_tokens|embed_in"),
    ("embedding", False, r"wte|(word|tok)_embeddings|token_embd"),
    (
        "embedding",
        False,
        r"embed_(text_)?tokens(_per_layer)?|in_out_embed|embedding_layer|w_e"
        r"|(words?|tok|tokens?|text|vocab|inputs?)_?(emb|embd|embeds?|embeddings?)"
        r"(_table|_layers?)?",
    ),
    ("embedding", True, r"emb|embeds?|embedder|embeddings?|transformer\.w"),
    ("unembedding", False, r"lm_?heads?(\.linear|\.decoder)?|embed_out|output_layer"),
    (
        "unembedding",
        False,
        r"output_(projection|embeddings?)|predictions\.decoder|pred_layer\.proj",
    ),
    ("unembedding", False, r"vocab_(projector|head)|lm_loss|generator_lm_head|unembed(ding)?"),
    ("unembedding", False, r"(to_)?logits|w_u|shared_head\.head"),
    ("unembedding", True, r"head|output|decoder|proj_out|ff_out"),
)
"""Role, whether they are plain, and the last parts of names; the most usual ones come first."""
_HINT = re.compile(
    r"emb|shared|wte|transformer\.w|w_[eu]|head|out|decoder|pred_layer|vocab|loss|logits", re.I
)
"""Something that every pattern has: of a million names, a few are looked at."""
_LONGEST = 2
"""Most parts that a pattern has."""
_DEEPEST = 3
"""Most parts of a name that ends in a plain one."""
_LONGEST_FORM = 4
"""Most parts of a name after those that tell the role, and one."""
_COMPANION = re.compile(
    r"scale|zero|shape|absmax|bias|quant_?(map|state)|nested|g_idx|qtype|lora|adapter|delta|dora|norm"
)
_PART = re.compile(r".*\.(weight|bias)")
"""Form of a tensor of a module within the one that tells the role: it is no part of the matrix."""
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
    for name in filter(_HINT.search, names):
        told = _told(name)
        if told is not None:
            base, one = told
            found[base] = min(found.get(base, one), one, key=lambda each: each.order)
    return sorted(found.values(), key=lambda each: each.order)


def is_companion(name: str) -> bool:
    """Return whether a tensor stands beside a matrix: scales, zero points, adapters."""
    return _COMPANION.search(_parts(name)[-1]) is not None or "lora" in name


def in_layer(name: str) -> bool:
    """Return whether a name has a number, as those of layers have."""
    return any(part.isdecimal() for part in _parts(name))


def _told(name: str) -> tuple[tuple[str, ...], Named] | None:
    """Return the parts of a name before those of its form, and what they tell."""
    every = _parts(name)
    own = [place for place, part in enumerate(every) if part not in _WRAPPERS]
    for length in range(len(own), max(0, len(own) - _LONGEST_FORM), -1):
        base = [every[place] for place in own[:length]]
        place = _pattern(".".join(_without_numbers(base)[-_LONGEST:]).lower())
        if place is None:
            continue
        role, is_plain, _ = _PATTERNS[place]
        numbers = sum(part.isdecimal() for part in base)
        if is_plain and (length > _DEEPEST or numbers):
            continue
        form = tuple(every[place] for place in own[length:])
        is_packed, text = form not in _ROWS, ".".join(form)
        if is_packed and (_COMPANION.search(text) or _PART.fullmatch(text)):
            return None
        is_usual = not is_packed or _PACKED.fullmatch(form[0]) is not None
        if is_plain and not is_usual:
            return None
        # A wrapper may hold two matrices of one name: what it wraps, and what is trained instead.
        matrix = tuple(every[: own[length]] if form else every)
        order = (numbers, place, length, is_packed, not is_usual)
        return matrix, Named(name, role, is_plain, is_packed, order)
    return None


@lru_cache(1 << 14)  # layers have few different names
def _pattern(end: str) -> int | None:
    """Return the place of the first pattern that the last parts of a name match."""
    return next(
        (
            place
            for place, (_, _, pattern) in enumerate(_PATTERNS)
            if re.fullmatch(rf"(.*\.)?({pattern})", end)
        ),
        None,
    )


def _without_numbers(parts: list[str]) -> list[str]:
    """Return the parts of a name without numbers at its end."""
    last = next((k for k in range(len(parts), 0, -1) if not parts[k - 1].isdecimal()), 0)
    return parts[:last]


def _parts(name: str) -> list[str]:
    return name.replace("/", ".").split(".")

"""The matrices of a checkpoint that have a row for each token, by name and by what they are.

readable   a matrix of floats in a format that is known; others are named for what they hold
telling    of a number of rows: no matrix in a layer has as many, so that it is the vocabulary's
by shape   of a matrix whose name tells nothing: its rows are the vocabulary. They are as many as
           config.json says, or as those of the matrix that is known, its twin; or it is taller by
           far than all others
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from drift.sim.checkpoints.names import Named, Role, in_layer, is_companion, named
from drift.sim.checkpoints.quantised import form
from drift.sim.checkpoints.safetensors import Tensor, format_shape
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE, Weights
from drift.sim.errors import BadInput, printable, printable_name

_PADDED, _PADDED_SHARE = 1024, 8
"""Most rows that a vocabulary is padded by, and which part of it they are at most."""
_TALLER = 2
"""Times that the tallest matrix is taller than all others, where nothing else tells it."""
_NO_TOKENS = re.compile(r"pos|wpe|type|norm|patch|time|conv|rel_|expert")
_LIKELY = re.compile(r"emb|wte|head|shared|vocab|tok|word|logit|out|decoder")
_READS, _SCORES = re.compile(r"emb|wte|tok|vocab|word|shared"), re.compile(r"head|out|logit|unemb")
_RANKED = 5
"""Most matrices that a message names, the likeliest first."""


@dataclass(frozen=True)
class TokenMatrix:
    """A matrix that has, or may have, a row for each token."""

    name: str
    """the name of its tensor"""
    role: Role | None
    """what it is for; None where its shape alone tells it"""
    by_shape: bool = False
    """True where its shape told it, not its name"""
    instead: str = ""
    """what it holds that are no rows of tokens; empty where it is readable"""


def find(weights: Weights, vocabularies: Collection[int]) -> list[TokenMatrix]:
    """Return the matrices with a row for each token: the embedding, the unembedding, others.

    `vocabularies` are the numbers of tokens that config.json names. Shards that can't be read
    are passed over, unless a name tells that a matrix is there.
    """
    told = named(weights.names)
    shapes: dict[str, Tensor] = {}
    for one in told:
        try:
            shapes[one.name] = weights.tensor(one.name)
        except BadInput:  # of a missing shard: told where the matrix is read
            continue
    told = [one for one in told if _fits(one, told, shapes, vocabularies)]
    names = set(weights.names)
    found = [
        TokenMatrix(one.name, one.role, instead=_instead(one, told, shapes, names)) for one in told
    ]
    found += _by_shape(weights, found, vocabularies)
    first = {role: next((each for each in found if each.role == role), None) for role in _ROLES}
    usual = [each for each in first.values() if each is not None]
    return usual + [each for each in found if each not in usual]


_ROLES: tuple[Role, Role] = ("embedding", "unembedding")


def likeliest(weights: Weights, vocabularies: Collection[int]) -> str:
    """Return what a message says of the matrices there, the likeliest first."""
    every = [each for each in weights.tensors() if len(each.shape) == 2]
    if len(weights.names) <= _RANKED or not every:
        return weights.listed()

    def rank(tensor: Tensor) -> tuple[bool, bool, bool, bool, bool, int]:
        rows = tensor.shape[0]
        return (
            not _is_readable(tensor),
            not _is_vocabulary(rows, vocabularies),
            is_companion(tensor.name) or bool(_NO_TOKENS.search(tensor.name)),
            in_layer(tensor.name),
            not _LIKELY.search(tensor.name),
            -rows,
        )

    ranked = sorted(every, key=rank)[:_RANKED]
    shown = (f"{printable_name(each.name)} {format_shape(each.shape)}" for each in ranked)
    return f"of the {len(weights.names):,} tensors these are the likeliest: {', '.join(shown)}"


def _is_readable(tensor: Tensor) -> bool:
    return tensor.dtype in FORMATS_BY_DTYPE and len(tensor.shape) == 2 and 0 not in tensor.shape


def _is_vocabulary(rows: int, vocabularies: Collection[int]) -> bool:
    return any(0 <= rows - n <= min(_PADDED, n // _PADDED_SHARE) for n in vocabularies)


def _instead(
    one: Named, told: list[Named], shapes: dict[str, Tensor], names: Collection[str]
) -> str:
    """Return what a tensor holds that are no rows of tokens; empty where it is readable."""
    tensor = shapes.get(one.name)
    if tensor is None:
        return "packed codes, not rows of floats" if one.is_packed else ""
    if one.is_packed or not _is_readable(tensor):
        what = form(one.name, tensor.dtype, names)
        return (
            f"{printable(tensor.dtype)} of shape {format_shape(tensor.shape)}, not rows of floats"
            f"{what and f': {what}'}"
        )
    others = {shapes[each.name].shape for each in told if each.name in shapes and each != one}
    if one.role == "unembedding" and tensor.shape not in others and tensor.shape[::-1] in others:
        return f"a column for each token: its shape is {format_shape(tensor.shape)}"
    return ""


def _fits(
    one: Named, told: list[Named], shapes: dict[str, Tensor], vocabularies: Collection[int]
) -> bool:
    """Return whether a name is not plain, or its shape is that of a matrix of tokens.

    Codes of other forms have shapes of their own, which tell nothing.
    """
    tensor = shapes.get(one.name)
    if not one.is_plain or tensor is None:
        return True
    if one.is_packed or tensor.dtype not in FORMATS_BY_DTYPE:
        return True
    if len(tensor.shape) != 2:
        return False
    sure = [
        shapes[each.name].shape[0]
        for each in told
        if not each.is_plain and each.name in shapes and _is_readable(shapes[each.name])
    ]
    rows = tensor.shape[0]
    if sure:
        return rows in sure or _is_vocabulary(rows, vocabularies)
    return not vocabularies or _is_vocabulary(rows, vocabularies)


def _by_shape(
    weights: Weights, found: list[TokenMatrix], vocabularies: Collection[int]
) -> list[TokenMatrix]:
    """Return matrices whose names tell nothing, but whose rows are the vocabulary."""
    readable = [each for each in found if not each.instead]
    roles = {each.role for each in found}
    if not vocabularies and len(roles) == len(_ROLES):
        return []
    every = [each for each in weights.tensors() if _is_readable(each)]
    layered = {each.shape[0] for each in every if in_layer(each.name)}
    names = {each.name for each in found}
    free = [
        each
        for each in every
        if each.name not in names
        and each.shape[1] > 1
        and each.shape[0] not in layered
        and not (in_layer(each.name) or is_companion(each.name) or _NO_TOKENS.search(each.name))
    ]
    chosen = [each for each in free if _is_vocabulary(each.shape[0], vocabularies)]
    if not chosen and readable and len(roles) < len(_ROLES):
        known = {each.shape for each in every if each.name in names}
        chosen = [each for each in free if each.shape in known]
    if not chosen and not found:
        chosen = _tallest(free, every)
    return _with_roles([TokenMatrix(each.name, None, by_shape=True) for each in chosen], roles)


def _tallest(free: list[Tensor], every: list[Tensor]) -> list[Tensor]:
    """Return the matrix, or the two, that are taller by far than all others; else none."""
    rows = max((each.shape[0] for each in free), default=0)
    tall = [each for each in free if each.shape[0] == rows]
    rest = [max(each.shape) for each in every if each.shape[0] != rows]
    wide = max((each.shape[1] for each in tall), default=0)
    telling = rest and rows >= _TALLER * max(*rest, wide)
    return tall if telling and len(tall) <= len(_ROLES) else []


def _with_roles(found: list[TokenMatrix], known: Collection[Role | None]) -> list[TokenMatrix]:
    """Return matrices with the roles that words in their names tell, or that are left."""
    given: list[TokenMatrix] = []
    for each in found:
        last = each.name.removesuffix(".weight").split(".")[-1]
        role: Role | None = None
        if _SCORES.search(last):
            role = "unembedding"
        elif _READS.search(last):
            role = "embedding"
        given.append(replace(each, role=role))
    told = {*known, *(each.role for each in given)} - {None}
    left: list[Role] = [role for role in _ROLES if role not in told]
    unknown = [each for each in given if each.role is None]
    if len(unknown) == 1 and left:
        return [replace(each, role=each.role or left[0]) for each in given]
    return given

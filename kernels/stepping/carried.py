"""Many steps of what can still differ, and all that a record needs of it, on a device.

state    codes of the state format, with those of compensations where sums are compensated
row      the state of one token or more, in the open dimensions; the first row is the first token's
open     a dimension in which rows may differ; in a settled one all tokens hold one state
sample   the state of the first token in every dimension, which in the settled ones is everyone's
summary  what a record needs of it, in numbers: kernels.stepping.summary

Rows beyond the last are the first row again, and count for no token; open dimensions beyond the
last hold 0 and are not displaced. So nothing asks where either ends. Where several devices share
the dimensions, `axis` is their name: each has all rows, and they add up fingerprints.
"""

from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.exact_sum_jax import part_sums, parts_of
from drift.kernels.formats import Arithmetic
from drift.kernels.rounding import merge_zeros, quantise, widen
from drift.kernels.row_groups_jax import labels, leaders
from drift.kernels.row_hash_jax import fingerprint
from drift.kernels.stepping.block import Moved, Path, fused_first, last_step, no_move
from drift.kernels.stepping.step import Held, Steps, Tokens
from drift.kernels.stepping.summary import ALIKE, BESIDE, KEPT, SAMPLE, STALLED, STILL

_TILE = 1 << 26
"""Values that are worked on at a time: what they take as float32 is far from a device's memory."""
CACHED_ROWS = 8
"""Rows that are worked on at a time where they are to stay in cache; there are whole eights."""


class CarriedCodes(NamedTuple):
    """The part of a cloud that is carried, on one device."""

    codes: Moved
    """states (rows, open dims)"""
    sample: Moved
    """the state of the first token (1, dims)"""


class Carriers(NamedTuple):
    """The tokens that rows stand for, and which dimensions are open."""

    tokens: Tokens
    """each (rows,): number and strength, which are only read where tokens differ in them, and
    int32 counts in the place of presence: how many present tokens a row stands for"""
    open: jax.Array
    """int32 (open dims,): which of the sample's dimensions each is; their number for none"""


class StepsResult(NamedTuple):
    """The cloud after some steps, and the answer to what was asked of it."""

    carried: CarriedCodes
    """where it is now"""
    told: jax.Array
    """of `move` an int32 (1,), 1 where the last step left all where it was; of `observe` the
    summary"""


class Summed(NamedTuple):
    """The grid on which values are summed: kernels.exact_sum."""

    scale: jax.Array
    """float32, a power of two"""
    part_bits: int
    """bits of the parts: kernels.exact_sum_jax"""


def move(
    carried: CarriedCodes,
    carriers: Carriers,
    steps: Steps,
    arithmetic: Arithmetic,
    path: Path,
    axis: str | None = None,
) -> StepsResult:
    """Take `steps.taken` steps."""
    after, flags = [], []
    for codes, tokens, some in _both(carried, carriers, steps, arithmetic, axis):
        moved, sums = _step_tiles(codes, tokens, some, arithmetic, path)
        after.append(moved)
        flags.append(jnp.all(sums[0] == len(values_of(codes))))
    still = jnp.all(jnp.stack(flags)).astype(jnp.int32).reshape(1)
    if axis is not None:
        still = lax.pmin(still, axis)
    return StepsResult(_carried(carried, after), still)


def observe(
    carried: CarriedCodes,
    carriers: Carriers,
    steps: Steps,
    weights: jax.Array,
    scale: jax.Array,
    arithmetic: Arithmetic,
    path: Path,
    axis: str | None = None,
    part_bits: int = 8,
) -> StepsResult:
    """Take `steps.taken` steps and observe after the last.

    weights   uint32 (2, dims), see kernels.row_hash_jax
    scale     float32, a power of two, see kernels.exact_sum
    part_bits bits of the parts in which values are summed: kernels.exact_sum_jax
    """
    after: list[Moved] = []
    told = []
    for codes, tokens, some in _both(carried, carriers, steps, arithmetic, axis):
        summed = None if after else Summed(scale, part_bits)
        moved, sums = _step_tiles(codes, tokens, some, arithmetic, path, summed)
        after.append(moved)
        told.append(sums)
    still, stalled, kept, *parts = told[0]
    own = _columns(weights, carriers.open, 0)
    marks, alike = _compared(after[0], own, arithmetic, path, axis)
    flags = _flags({ALIKE: alike, STILL: still == len(values_of(carried.codes))})
    numbers = [marks, flags, stalled, kept, *parts]
    if len(told) > 1:
        still, stalled, kept = told[1]
        flags = _flags({STILL: still == 1, KEPT: kept == 1, STALLED: stalled == 1})
        code = lax.bitcast_convert_type(values_of(after[1])[0].astype(jnp.uint32), jnp.int32)
        numbers += [flags, code]
    else:
        numbers.append(jnp.zeros(SAMPLE * values_of(carried.sample).shape[1], jnp.int32))
    return StepsResult(_carried(carried, after), jnp.concatenate(numbers))


def values_of(states: Moved) -> jax.Array:
    """Return the codes, or the values, of states, without compensations."""
    return states.values if isinstance(states, Held) else states


def _flags(told: dict[int, jax.Array]) -> jax.Array:
    """Return int32 numbers with the bits for which what is `told`, bool (dims,), is true."""
    found = jnp.int32(0)
    for bit, each in told.items():
        found = found + jnp.where(each, jnp.int32(bit), jnp.int32(0))
    return found


def _both(
    carried: CarriedCodes,
    carriers: Carriers,
    steps: Steps,
    arithmetic: Arithmetic,
    axis: str | None,
) -> list[tuple[Moved, Tokens, Steps]]:
    """Return rows, tokens and steps of what is carried, and those of the sample.

    Where tokens differ in their steps nothing settles, and no sample is wanted.
    """
    if axis is not None and not arithmetic.shared:  # then all dimensions stand in their order
        share = values_of(carried.sample).shape[1]
        steps = steps._replace(first_dim=lax.axis_index(axis).astype(jnp.uint32) * share)
    displacements = _columns(steps.displacements, carriers.open, no_move(arithmetic))
    found = [(carried.codes, carriers.tokens, steps._replace(displacements=displacements))]
    if arithmetic.shared:
        first = carriers.tokens._replace(present=jnp.ones_like(carriers.tokens.present))
        found.append((carried.sample, Tokens(*(column[:1] for column in first)), steps))
    return found


def _carried(before: CarriedCodes, after: list[Moved]) -> CarriedCodes:
    return CarriedCodes(after[0], after[1] if len(after) > 1 else before.sample)


def _columns(matrix: jax.Array, open_: jax.Array, other: float) -> jax.Array:
    """Return the open columns of a matrix, and `other` where there is none."""
    return matrix.at[:, open_].get(mode="fill", fill_value=other)


def tiles_of(rows: int, dims: int, path: Path) -> int:
    """Return the number of equal tiles in which so many rows are worked on along a path."""
    if path == "cache":
        return max(1, rows // CACHED_ROWS)
    tiles = max(1, -(-rows * dims // _TILE))
    while rows % tiles:
        tiles += 1
    return tiles


def _step_tiles(
    codes: Moved,
    tokens: Tokens,
    steps: Steps,
    arithmetic: Arithmetic,
    path: Path,
    summed: Summed | None = None,
) -> tuple[Moved, tuple[jax.Array, ...]]:
    """Step states (rows, dims); return them, and sums over rows, int32 (dims,) each.

    These are of rows that the last step left where it displaces, of tokens stalled and tokens kept,
    and where the view is `summed` the parts of its exact sum.
    """
    rows, dims = values_of(codes).shape
    if not isinstance(codes, Held):
        codes = fused_first(codes, tokens, steps, arithmetic, path)
    tiles = tiles_of(rows, dims, path)
    size = rows // tiles
    sums = BESIDE + (0 if summed is None else parts_of(summed.part_bits))
    zeros = (jnp.zeros(dims, jnp.int32),) * sums

    def tile(k: jax.Array | int, so_far: tuple) -> tuple:
        codes, sums = so_far
        # One tile is written back before the next is read: the codes are never there twice.
        here, mine = jax.tree.map(
            lambda each: lax.dynamic_slice_in_dim(each, k * size, size), (codes, tokens)
        )
        after, stays, moving = last_step(here, mine, steps, arithmetic, path)
        more = _sums(after, stays, moving, mine.present, arithmetic, summed)

        def put(into: jax.Array, values: jax.Array) -> jax.Array:
            moved = quantise(values, arithmetic.state, "nearest").astype(arithmetic.state.storage)
            return lax.dynamic_update_slice_in_dim(into, moved, k * size, 0)

        codes = jax.tree.map(put, codes, after)
        return codes, tuple(a + b for a, b in zip(sums, more, strict=True))

    if tiles == 1:
        return tile(0, (codes, zeros))
    return lax.fori_loop(0, tiles, tile, (codes, zeros))


def _sums(
    after: Moved,
    stays: Moved,
    moving: jax.Array,
    counts: jax.Array,
    arithmetic: Arithmetic,
    summed: Summed | None,
) -> list[jax.Array]:
    """Return the sums over a tile's rows that `_step_tiles` returns of all."""

    def tokens(told: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(told, counts[:, None], 0), axis=0, dtype=jnp.int32)

    stayed, rests = values_of(stays), reduce(jnp.logical_and, jax.tree.leaves(stays))
    still = jnp.sum(rests | ~moving, axis=0, dtype=jnp.int32)
    found = [still, tokens(stayed & moving), tokens(stayed)]
    if summed is None:
        return found
    values = values_of(after)
    if arithmetic.view != arithmetic.state:
        values = widen(quantise(values, arithmetic.view, "nearest"), arithmetic.view)
    return [*found, *part_sums(values, counts, *summed)]


def _compared(
    codes: Moved, weights: jax.Array, arithmetic: Arithmetic, path: Path, axis: str | None
) -> tuple[jax.Array, jax.Array]:
    """Return the labels of rows, int32 (rows,), and bool (dims,) where all hold one state."""
    rows, dims = values_of(codes).shape
    tiles = tiles_of(rows, dims, path)
    in_tiles = jax.tree.map(lambda each: each.reshape(tiles, rows // tiles, dims), codes)

    def cells(some: Moved) -> jax.Array:
        state, view, values = arithmetic.state, arithmetic.view, values_of(some)
        seen = values if state == view else quantise(widen(values, state), view, "nearest")
        return merge_zeros(seen, view)

    def unlike(one: Moved, other: Moved) -> jax.Array:
        each = jax.tree.leaves(jax.tree.map(jnp.not_equal, one, other))
        return reduce(jnp.logical_or, each)

    def over_tiles(one: object, each: object) -> jax.Array:
        return lax.map(one, each)

    prints = over_tiles(lambda tile: fingerprint(cells(tile), weights), in_tiles)
    prints = prints.reshape(rows, 2)
    if axis is not None:
        prints = lax.psum(prints, axis)
    leader = leaders(prints)

    def compare(tile: tuple[Moved, jax.Array]) -> tuple[jax.Array, ...]:
        mine, whose = tile
        theirs = jax.tree.map(lambda each: each[whose], codes)
        differ = cells(mine) != cells(theirs), unlike(mine, theirs)
        counted = tuple(jnp.any(each, axis=1).astype(jnp.int32) for each in differ)
        first = jax.tree.map(lambda each: each[:1], codes)
        return *counted, ~jnp.any(unlike(mine, first), axis=0)

    other_cell, other_state, alike = over_tiles(compare, (in_tiles, leader.reshape(tiles, -1)))
    differs = jnp.stack([other_cell.reshape(rows), other_state.reshape(rows)])
    if axis is not None:
        differs = lax.psum(differs, axis)
    return labels(leader, differs[0] == 0, differs[1] == 0), jnp.all(alike, axis=0)

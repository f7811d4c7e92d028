"""The lineage of black holes from one matrix to another, over the tokens that both have.

hole        a cell of two or more of the compared tokens whose rows are finite: -0 and
            +0 share a cell, and a row that is not finite is in none
related     a hole of A and a hole of B that share a token

Every hole of A is one of these, and only one:

dissolved   related to none
split       related to several
absorbed    related to one, which is related to several others of A: its share of a merger
paired      related to one, which is related to it alone

Every hole of B is one of these, and only one:

born        related to none
merged      related to several
parted      related to one, which is related to several of B: its share of a split
paired      as above

A pair is kept (the same tokens), grown (B's has all of A's and more), shrunk (A's
has all of B's and more) or exchanged (some left, others came). So A's holes are
dissolved + split + absorbed + pairs, and B's are born + merged + parted + pairs.
A merged hole may hold a part of a split one too.

event       holes of A and of B that are related, directly or through others, or one hole
            that is related to none; every hole is in one event
what        the word above for an event's pair or its only hole; split where one hole of
            A is related to several, merged where one of B is, or split and merged
changed     the tokens of all its holes but the most that were together and still are;
            none where a hole was kept
"""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from drift.sim.counting.coalesce import representatives
from drift.sim.matrix import Matrix
from drift.sim.structures.components import connected


@dataclass(frozen=True)
class Holes:
    """The black holes among compared rows, the fullest first, then by first token."""

    of: np.ndarray
    """hole of each compared row, or -1, int64 (compared rows,)"""
    tokens: np.ndarray
    """number of tokens in each hole, int64 (holes,)"""
    first: np.ndarray
    """first compared row in each hole, int64 (holes,)"""

    @classmethod
    def among(cls, matrix: Matrix, rows: np.ndarray, finite: np.ndarray) -> "Holes":
        """Return the holes among `rows` of a matrix, int64, rising; only finite rows are in any."""
        shared = np.full(len(rows), -1)
        first = representatives(rows[finite], matrix.codes, matrix.format)
        shared[finite] = np.searchsorted(rows, first)
        return cls.of_representatives(shared)

    @classmethod
    def of_representatives(cls, representatives: np.ndarray) -> "Holes":
        """Return the holes of compared rows, given the first row of the cell of each.

        `representatives` are int64 (compared rows,), -1 for rows that are in no cell.
        """
        there = representatives >= 0
        population = np.bincount(representatives[there], minlength=len(representatives))
        first = np.flatnonzero(population > 1)
        first = first[np.argsort(-population[first], kind="stable")]
        number = np.full(len(representatives), -1)
        number[first] = np.arange(len(first))
        return cls(np.where(there, number[representatives], -1), population[first], first)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _grouped(self) -> tuple[np.ndarray, np.ndarray]:
        """Compared rows hole by hole, rising in each, and where each hole begins."""
        rows = np.flatnonzero(self.of >= 0)
        rows = rows[np.argsort(self.of[rows], kind="stable")]
        return rows, np.concatenate([[0], np.cumsum(self.tokens)]).astype(np.int64)

    def rows(self, hole: int) -> np.ndarray:
        """Return the compared rows in a hole, int64, rising."""
        rows, begins = self._grouped
        return rows[begins[hole] : begins[hole + 1]]


@dataclass(frozen=True)
class Lineage:
    """The lineage of holes from A to B, which have the same compared rows."""

    token_ids: np.ndarray
    """ids of the compared rows, int64 (compared rows,)"""
    a: Holes
    """holes of A"""
    b: Holes
    """holes of B"""

    @cached_property
    def related(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Related holes of A and of B, and the tokens that they share, int64 (pairs,) each."""
        both = (self.a.of >= 0) & (self.b.of >= 0)
        pairs = self.a.of[both] * max(1, len(self.b)) + self.b.of[both]
        pairs, shared = np.unique(pairs, return_counts=True)
        return *np.divmod(pairs, max(1, len(self.b))), shared

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of holes that each word of the module's head applies to."""
        of_a, of_b, shared = self.related
        several_a = np.bincount(of_a, minlength=len(self.a))
        several_b = np.bincount(of_b, minlength=len(self.b))
        alone_a, alone_b = several_a[of_a] == 1, several_b[of_b] == 1
        pair = alone_a & alone_b
        left = self.a.tokens[of_a][pair] > shared[pair]
        came = self.b.tokens[of_b][pair] > shared[pair]
        found = {
            "kept": ~left & ~came,
            "grown": ~left & came,
            "shrunk": left & ~came,
            "exchanged": left & came,
            "split": several_a > 1,
            "merged": several_b > 1,
            "absorbed": alone_a & ~alone_b,
            "parted": alone_b & ~alone_a,
            "dissolved": several_a == 0,
            "born": several_b == 0,
        }
        return {word: int(np.count_nonzero(holes)) for word, holes in found.items()}

    def as_json(self) -> dict[str, Any]:
        """Return the numbers of holes kept, and only in A or B, with the counts, as JSON values."""
        kept = self.counts["kept"]
        holes = {"both": kept, "only_a": len(self.a) - kept, "only_b": len(self.b) - kept}
        return {"black_holes": holes, "lineage": self.counts}


@dataclass(frozen=True)
class Side:
    """The holes of an event in one matrix, the largest first."""

    tokens: list[int]
    """number of tokens in each hole"""
    token_ids: list[int]
    """first token id of each hole"""
    all_token_ids: list[list[int]] = field(default_factory=list, compare=False)
    """all token ids of each hole, rising, where they are known"""


@dataclass(frozen=True)
class LineageEvent:
    """One event of a lineage."""

    what: str
    """word for the event"""
    before: Side
    """its holes in A"""
    after: Side
    """its holes in B"""
    changed: int
    """number of tokens that changed"""

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def lineage_events(lineage: Lineage) -> list[LineageEvent]:
    """Return all events but kept holes, the most changed first, then by first token id."""
    a, b, (of_a, of_b, shared) = lineage.a, lineage.b, lineage.related
    tokens = np.concatenate([a.tokens, b.tokens])  # A's holes, then B's
    if not len(tokens):
        return []
    event = connected(len(tokens), np.stack([of_a, len(a) + of_b], axis=1))
    order, ends = np.argsort(event, kind="stable"), np.cumsum(np.bincount(event))
    twice, together, every = np.zeros((3, len(ends)), np.int64)
    np.add.at(twice, event[of_a], shared)
    np.maximum.at(together, event[of_a], shared)
    np.add.at(every, event, tokens)
    changed = every - twice - together
    found = []
    for k in np.flatnonzero(changed):
        group = order[ends[k - 1] if k else 0 : ends[k]]
        before = _side(a, group[group < len(a)], lineage.token_ids)
        after = _side(b, group[group >= len(a)] - len(a), lineage.token_ids)
        what = _what(before.tokens, after.tokens, int(together[k]))
        found.append(LineageEvent(what, before, after, int(changed[k])))
    return sorted(
        found,
        key=lambda each: (-each.changed, min(each.before.token_ids + each.after.token_ids)),
    )


def _side(holes: Holes, some: np.ndarray, token_ids: np.ndarray) -> Side:
    members = [token_ids[holes.rows(hole)].tolist() for hole in some.tolist()]
    return Side(holes.tokens[some].tolist(), token_ids[holes.first[some]].tolist(), members)


def _what(before: list[int], after: list[int], together: int) -> str:
    match len(before), len(after):
        case 1, 0:
            return "dissolved"
        case 0, 1:
            return "born"
        case 1, 1:
            left, came = before[0] > together, after[0] > together
            return "exchanged" if left and came else "shrunk" if left else "grown"
        case 1, _:
            return "split"
        case _, 1:
            return "merged"
        case _:
            return "split and merged"

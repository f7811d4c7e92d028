"""What became of black holes, told story by story, the largest change first.

story    holes of A and of B that are related, directly or through others, or one hole
         that is related to none; every hole is in one story
what     the word of sim.lineage for its pair or its only hole; split where one hole of
         A is related to several, merged where one of B is, or split and merged
changed  the tokens of all its holes but the most that were together and still are;
         none where a hole was kept
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drift.sim.graph import connected
from drift.sim.lineage import Holes, Lineage


@dataclass(frozen=True)
class Side:
    """A story's holes in one matrix, the fullest first."""

    tokens: list[int]
    token_ids: list[int]
    """of each hole the first one"""


@dataclass(frozen=True)
class Story:
    """What became of some holes."""

    what: str
    before: Side
    after: Side
    changed: int

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def stories(lineage: Lineage) -> list[Story]:
    """All but those of holes that were kept; the most changed first, then by first token id."""
    a, b, (of_a, of_b, shared) = lineage.a, lineage.b, lineage.related
    tokens = np.concatenate([a.tokens, b.tokens])  # A's holes, then B's
    if not len(tokens):
        return []
    story = connected(len(tokens), np.stack([of_a, len(a) + of_b], axis=1))
    groups = np.split(np.argsort(story, kind="stable"), np.cumsum(np.bincount(story))[:-1])
    twice, together, every = np.zeros((3, len(groups)), np.int64)
    np.add.at(twice, story[of_a], shared)
    np.maximum.at(together, story[of_a], shared)
    np.add.at(every, story, tokens)
    changed = every - twice - together
    found = []
    for k in np.flatnonzero(changed):
        before = _side(a, groups[k][groups[k] < len(a)], lineage.token_ids)
        after = _side(b, groups[k][groups[k] >= len(a)] - len(a), lineage.token_ids)
        what = _what(before.tokens, after.tokens, int(together[k]))
        found.append(Story(what, before, after, int(changed[k])))
    return sorted(
        found,
        key=lambda each: (-each.changed, min(each.before.token_ids + each.after.token_ids)),
    )


def _side(holes: Holes, some: np.ndarray, token_ids: np.ndarray) -> Side:
    return Side(holes.tokens[some].tolist(), token_ids[holes.first[some]].tolist())


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

"""What became of black holes, told story by story, the largest change first.

story    holes of A and of B that are related, directly or through others, or one hole
         that is related to none; every hole is in one story
what     the word of sim.lineage for its pair or its only hole; split where one hole of
         A is related to several, merged where one of B is, or split and merged
changed  the tokens of all its holes but the most that were together and still are;
         0 where a hole was kept
"""

from dataclasses import asdict, dataclass
from typing import Any

import networkx
import numpy as np

from sim.lineage import Holes, Lineage


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
    """Every story, those with the most changed tokens first, then by first token id."""
    a, b, (of_a, of_b, shared) = lineage.a, lineage.b, lineage.related
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(a) + len(b)))  # A's holes, then B's
    graph.add_edges_from(zip(of_a.tolist(), (len(a) + of_b).tolist(), strict=True))
    groups = [np.sort(list(nodes)) for nodes in networkx.connected_components(graph)]
    story_of = np.empty(len(graph), np.int64)
    for k, nodes in enumerate(groups):
        story_of[nodes] = k
    twice, together = np.zeros((2, len(groups)), np.int64)
    np.add.at(twice, story_of[of_a], shared)
    np.maximum.at(together, story_of[of_a], shared)
    found = []
    for k, nodes in enumerate(groups):
        before = _side(a, nodes[nodes < len(a)], lineage.token_ids)
        after = _side(b, nodes[nodes >= len(a)] - len(a), lineage.token_ids)
        changed = sum(before.tokens) + sum(after.tokens) - int(twice[k] + together[k])
        what = _what(before.tokens, after.tokens, int(together[k]))
        found.append(Story(what, before, after, changed))
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
            return [["kept", "grown"], ["shrunk", "exchanged"]][left][came]
        case 1, _:
            return "split"
        case _, 1:
            return "merged"
        case _:
            return "split and merged"

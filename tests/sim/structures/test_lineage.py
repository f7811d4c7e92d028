"""Lineages and stories of black holes against sets of tokens."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16
from drift.sim.matrix import Matrix
from drift.sim.structures.compare import compare
from drift.sim.structures.lineage import Holes, lineage_events

NAN, MINUS_ZERO = 0x7FC0, 0x8000
CELLS = st.sampled_from([0, MINUS_ZERO, 1, 2, 3, 4, 5, 6, 7, NAN])


def matrix(cells, ids=None):
    """Rows that are told apart by their first code alone."""
    codes = np.array([[cell, 9] for cell in cells], np.uint16).reshape(len(cells), 2)
    return Matrix(codes, BFLOAT16, "x", np.arange(len(cells)) if ids is None else ids)


def lineage(before, after):
    return compare(matrix(before), matrix(after)).lineage


def sets(cells):
    """The black holes as sets of tokens."""
    found = {}
    for token, cell in enumerate(cells):
        if cell != NAN:
            found.setdefault(0 if cell == MINUS_ZERO else cell, set()).add(token)
    return [tokens for tokens in found.values() if len(tokens) > 1]


def brute(before, after):
    """How many holes each word is true of, from what the words mean."""
    a, b = sets(before), sets(after)
    to = [[k for k, other in enumerate(b) if one & other] for one in a]
    of = [[k for k, one in enumerate(a) if one & other] for other in b]
    words = Counter(
        kept=0, grown=0, shrunk=0, exchanged=0, split=0, merged=0, absorbed=0, parted=0,
        dissolved=0, born=0,
    )  # fmt: skip
    for hole, others in zip(a, to, strict=True):
        if len(others) == 1 and len(of[others[0]]) == 1:
            other = b[others[0]]
            if hole == other:
                words["kept"] += 1
            elif hole < other:
                words["grown"] += 1
            elif hole > other:
                words["shrunk"] += 1
            else:
                words["exchanged"] += 1
        else:
            words[{0: "dissolved", 1: "absorbed"}.get(len(others), "split")] += 1
    for others in of:
        if not (len(others) == 1 and len(to[others[0]]) == 1):
            words[{0: "born", 1: "parted"}.get(len(others), "merged")] += 1
    return dict(words)


def gathered(before, after):
    """Stories as pairs of lists of sets of tokens: groups joined until none touch."""
    found = []
    for side, holes in enumerate((sets(before), sets(after))):
        for hole in holes:
            story = ([], [])
            story[side].append(hole)
            touching = [
                other for other in found if any(hole & each for part in other for each in part)
            ]
            for other in touching:
                found.remove(other)
                story[0].extend(other[0])
                story[1].extend(other[1])
            found.append(story)
    return found


pairs = st.integers(0, 24).flatmap(
    lambda tokens: st.tuples(*[st.lists(CELLS, min_size=tokens, max_size=tokens)] * 2)
)
near = st.lists(st.tuples(CELLS, CELLS, st.integers(0, 3)), max_size=24).map(
    lambda rows: ([a for a, *_ in rows], [a if n else b for a, b, n in rows])
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.one_of(pairs, near))
def test_counts_are_what_the_words_mean(pair):
    found = lineage(*pair)
    assert found.counts == brute(*pair)
    both = [hole for hole in sets(pair[0]) if hole in sets(pair[1])]
    assert found.as_json()["black_holes"] == {
        "both": len(both),
        "only_a": len(sets(pair[0])) - len(both),
        "only_b": len(sets(pair[1])) - len(both),
    }


@pytest.mark.slow
@settings(max_examples=200)
@given(st.one_of(pairs, near))
def test_every_hole_is_accounted_for_once(pair):
    found = lineage(*pair)
    n = found.counts
    paired = n["kept"] + n["grown"] + n["shrunk"] + n["exchanged"]
    assert (
        len(found.a) == len(sets(pair[0])) == n["dissolved"] + n["split"] + n["absorbed"] + paired
    )
    assert len(found.b) == len(sets(pair[1])) == n["born"] + n["merged"] + n["parted"] + paired
    told = lineage_events(found)
    for side, holes in (("before", found.a), ("after", found.b)):
        tokens = [n for story in told for n in getattr(story, side).tokens]
        ids = [n for story in told for n in getattr(story, side).token_ids]
        assert len(tokens) == len(ids) == len(holes) - n["kept"]
        assert len(set(ids)) == len(ids)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.one_of(pairs, near))
def test_stories_are_holes_that_touch(pair):
    expected = []
    for before, after in gathered(*pair):
        together = max((len(a & b) for a in before for b in after), default=0)
        changed = len(set().union(*before, *after)) - together
        sides = [
            [(len(hole), min(hole)) for hole in sorted(side, key=lambda h: (-len(h), min(h)))]
            for side in (before, after)
        ]
        if before != after:
            expected.append((changed, *sides))
    expected.sort(key=lambda story: (-story[0], min(first for _, first in story[1] + story[2])))
    found = [
        (
            story.changed,
            *(
                list(zip(side.tokens, side.token_ids, strict=True))
                for side in (story.before, story.after)
            ),
        )
        for story in lineage_events(lineage(*pair))
    ]
    assert found == expected


WORDS = {
    "kept": ([1, 1, 2], [5, 5, 6], [], 0),
    "grown": ([1, 1, 2], [5, 5, 5], ["grown"], 1),
    "shrunk": ([1, 1, 1, 1], [5, 5, 5, 6], ["shrunk"], 1),
    "exchanged": ([1, 1, 1, 2], [5, 5, 6, 5], ["exchanged"], 2),
    "split": ([1] * 5, [5, 5, 5, 6, 6], ["split"], 2),
    "merged": ([1, 1, 2, 2, 2], [5] * 5, ["merged"], 2),
    "split and merged": ([1, 1, 1, 2, 2], [5, 5, 6, 6, 6], ["split and merged"], 3),
    "dissolved": ([1, 1, 1], [5, 6, 7], ["dissolved"], 3),
    "born": ([1, 2, 3], [5, 5, 5], ["born"], 3),
    "no longer finite": ([1, 1, 1], [5, 5, NAN], ["shrunk"], 1),
    "never finite": ([NAN, NAN], [NAN, NAN], [], 0),
    "zeros": ([0, MINUS_ZERO, 0], [MINUS_ZERO, MINUS_ZERO, 0], [], 0),
}


@pytest.mark.parametrize("name", WORDS)
def test_each_word_has_its_example(name):
    before, after, words, changed = WORDS[name]
    found = lineage_events(lineage(before, after))
    assert [story.what for story in found] == words
    assert sum(story.changed for story in found) == changed


def test_holes_are_numbered_by_tokens_then_by_the_first_one():
    cells = [3, 4, 4, 3, 5, 5, 5, 6]
    holes = Holes.among(matrix(cells), np.arange(8), np.ones(8, bool))
    assert holes.tokens.tolist() == [3, 2, 2]
    assert holes.first.tolist() == [4, 0, 1]
    assert holes.of.tolist() == [1, 2, 2, 1, 0, 0, 0, -1]


def test_ids_are_those_of_the_tokens_that_both_have():
    ids = np.array([10, 11, 12, 20])
    a = matrix([1, 1, 2, 2], ids)
    b = matrix([7, 7, 7, 1], np.array([10, 11, 12, 30]))
    found = compare(a, b)
    (story,) = found.lineage_events
    assert (story.what, story.before.tokens, story.after.tokens) == ("grown", [2], [3])
    assert story.after.token_ids == [10]
    assert found.as_json()["lineage"]["dissolved"] == 0  # its other token is not compared


def test_a_crowd_of_holes_is_told_quickly():
    random = np.random.default_rng(0)
    before, after = random.integers(1, 9000, (2, 20_000))
    found = lineage(before, after)
    told = lineage_events(found)
    assert sum(len(story.before.tokens) for story in told) == len(found.a) - found.counts["kept"]

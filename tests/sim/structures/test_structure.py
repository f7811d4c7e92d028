"""Against a slow structure of sets, dictionaries and networkx; and against one planted."""

import itertools
import json
import math
from collections import defaultdict

import jax.numpy as jnp
import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drift
from drift import structure
from drift.kernels.formats import BFLOAT16, FLOAT8_E4M3FN, FLOAT16, FLOAT32, FORMATS
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.structures import structure as module
from drift.sim.structures.structure import structure_of
from tests.support import builders


def by_hand(codes, target, ids):
    """What `drift structure --json` must say of a small matrix, but for the norms."""
    coordinate = target.coordinate(codes)
    finite = np.all(np.abs(coordinate) <= target.largest_magnitude, axis=1)
    cells = defaultdict(list)
    for token, row, fine in zip(ids.tolist(), coordinate.tolist(), finite, strict=True):
        if fine:
            cells[tuple(row)].append(token)
    apart = {
        frozenset(pair): max(abs(a - b) for a, b in zip(*pair, strict=True))
        for pair in itertools.combinations(cells, 2)
    }
    graph = networkx.Graph(pair for pair, distance in apart.items() if distance == 1)
    graph.add_nodes_from(cells)

    def rank(nodes):
        return -len(nodes), -sum(len(cells[c]) for c in nodes), min(min(cells[c]) for c in nodes)

    groups = sorted(networkx.connected_components(graph), key=rank)
    holes = sorted((c for c in cells if len(cells[c]) > 1), key=lambda c: rank([c])[1:])
    alone = [c for group in groups if len(group) == 1 for c in group]
    groups = [group for group in groups if len(group) > 1]

    def row(nodes):
        black = sum(len(cells[c]) > 1 for c in nodes)
        part = graph.subgraph(nodes)
        return {
            "nodes": len(nodes),
            "tokens": sum(len(cells[c]) for c in nodes),
            "core": len(nodes) if black else 0,
            "black_holes": black,
            "edges": part.number_of_edges(),
            "density": pytest.approx(networkx.density(part), rel=1e-12),
            "clustering": pytest.approx(networkx.average_clustering(part), rel=1e-12, abs=1e-15),
        }

    isolated = {**row(alone), "core": sum(len(cells[c]) > 1 for c in alone)} if alone else None
    least = [
        [0 if a is b else min(apart[frozenset((p, q))] for p in a for q in b) for b in groups]
        for a in groups
    ]
    counted = sorted(apart.values())
    return {
        "cells": len(cells),
        "components": [row(group) for group in groups],
        "isolated": isolated,
        "holes": [cells[c] for c in holes],
        "hole_distance": [[apart.get(frozenset((a, b)), 0) for b in holes] for a in holes],
        "component_distance": least,
        "pairs": {d: counted.count(d) for d in counted},
    }


@st.composite
def matrices(draw):
    """Small clouds near zero, with -0, repeats, and now and then a NaN; ids with gaps."""
    target = draw(st.sampled_from([BFLOAT16, FLOAT16, FLOAT8_E4M3FN, FLOAT32]))
    rows, dims, spread = draw(st.integers(1, 30)), draw(st.integers(1, 4)), draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = target.code_at(rng.integers(-spread, spread + 1, (rows, dims)))
    codes[(codes == 0) & (rng.random(codes.shape) < 0.5)] = target.sign
    codes[rng.random(rows) < 0.05, -1] = target.largest_magnitude + 1
    ids = np.sort(rng.permutation(3 * rows)[:rows])
    return Matrix(codes, target, "small", ids)


@given(matrices())
def test_the_structure_is_the_one_found_by_hand(matrix):
    expected = by_hand(matrix.codes, matrix.format, matrix.token_ids)
    found = structure_of(matrix)
    assert found.cells == expected["cells"]
    assert [each.as_json() for each in found.components] == expected["components"]
    isolated = expected["isolated"]
    names = ("nodes", "tokens", "core", "black_holes")
    assert found.isolated.as_json() == {name: isolated[name] if isolated else 0 for name in names}
    assert [hole.token_ids.tolist() for hole in found.black_holes] == expected["holes"]
    assert found.black_hole_distance.tolist() == expected["hole_distance"]
    assert found.component_distance.tolist() == expected["component_distance"]
    assert found.pairs_at_distance == expected["pairs"]
    for hole in found.black_holes:
        row = matrix.codes[np.searchsorted(matrix.token_ids, hole.token_ids[0])]
        assert hole.norm == math.sqrt(sum(v * v for v in matrix.format.value(row)))


SMOKE = ({0: 40, 1: 1, 2: 7, 3: 1}, {0: 5, 1: 5, 3: 1, 4: 1})
"""Lines of cells: how many tokens sit at how many steps along one dimension."""


def test_planted_smoke_is_found_in_a_checkpoint_of_twenty_thousand(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.02, (20_000, 64)).astype(np.float32)
    codes = (values.view(np.uint32) >> 16).astype("u2")
    centre = BFLOAT16.coordinate(codes[0]) + 50
    tokens = iter(rng.permutation(20_000).tolist())
    holes = {}

    def put(coordinates, count):
        members = sorted(next(tokens) for _ in range(count))
        codes[members] = BFLOAT16.code_at(coordinates)
        if count > 1:
            holes[tuple(members)] = np.array(coordinates)

    for k, line in enumerate(SMOKE):
        for step, count in line.items():
            place = centre.copy()
            place[10] += 30 * k
            place[20 + k] += step
            put(place, count)
    lonely = centre.copy()
    lonely[40] += 5
    put(lonely, 300)
    codes[next(tokens), 3] = 0x7FC0  # a NaN
    shard = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write_sharded(tmp_path / "model", [shard])

    found = structure_of(Checkpoint(tmp_path / "model").matrix())
    assert found.tokens == 19_999
    rows = [each.as_json() for each in found.components]
    table = [[row[n] for n in ("nodes", "tokens", "core", "black_holes", "edges")] for row in rows]
    assert table == [[4, 49, 4, 2, 3], [2, 10, 2, 2, 1], [2, 2, 0, 0, 1]]
    assert [row["density"] for row in rows] == [0.5, 1, 1]
    assert [row["clustering"] for row in rows] == [0, 0, 0]
    order = sorted(holes, key=lambda members: (-len(members), members))
    assert [tuple(hole.token_ids.tolist()) for hole in found.black_holes] == order
    expected = [[np.abs(holes[a] - holes[b]).max() for b in order] for a in order]
    assert found.black_hole_distance.tolist() == expected
    assert found.component_distance.tolist() == [[0, 30, 30], [30, 0, 2], [30, 2, 0]]
    assert found.isolated.black_holes == 1
    assert found.pairs_at_distance == {1: 5}  # of so many cells no others are counted


def test_beyond_their_limits_distances_are_left_out(monkeypatch):
    codes = BFLOAT16.code_at(np.array([[0], [0], [1], [4], [4], [5], [9]]))
    line = Matrix.whole(codes, BFLOAT16, "a line")
    assert structure_of(line).pairs_at_distance == {1: 2, 3: 1, 4: 3, 5: 2, 8: 1, 9: 1}
    monkeypatch.setattr(module, "MOST_CELLS", 4)
    monkeypatch.setattr(module, "MOST_ROWS", 1)
    found = structure_of(line)
    assert found.pairs_at_distance == {1: 2}
    assert found.black_hole_distance is None
    assert found.component_distance is None


def test_too_many_adjacent_pairs_are_refused_in_words(monkeypatch):
    codes = np.arange(8, dtype=np.uint16)[:, None] % 2 + np.zeros(3, np.uint16)
    codes[:, 1:] = np.arange(8)[:, None] >> np.array([1, 2]) & 1
    monkeypatch.setattr(module.adjacent, "__kwdefaults__", None)
    monkeypatch.setattr(module.adjacent, "__defaults__", (lambda *_: None, 27))
    with pytest.raises(BadInput, match="tiny: more than 27 pairs of its 8 cells are adjacent"):
        structure_of(Matrix.whole(codes, BFLOAT16, "tiny"))


@pytest.mark.parametrize("name", FORMATS)
def test_codes_and_values_of_a_format_have_one_structure(name):
    target = FORMATS[name]
    coordinates = np.array([[0, 1], [0, 1], [1, 1], [1, -3], [1, -3], [1, -3]])
    codes = target.code_at(coordinates)
    codes[1, 0] = target.sign  # -0
    values = codes.view(target.dtype)
    found = structure(codes, format=name)
    assert (found.tokens, found.cells) == (6, 3)
    assert [hole.token_ids.tolist() for hole in found.black_holes] == [[3, 4, 5], [0, 1]]
    assert found.black_hole_distance.tolist() == [[0, 4], [4, 0]]
    assert found.pairs_at_distance == {1: 1, 4: 2}
    assert [component.as_json()["nodes"] for component in found.components] == [2]
    told = json.loads(json.dumps(found.as_json()))
    for same in (values, jnp.asarray(values), np.asfortranarray(codes)):
        given = None if same.dtype == values.dtype else name
        assert structure(same, given).as_json() == told
    assert repr(found) == "<Structure: 6 tokens in 3 cells, 2 black holes, 1 components>"


def test_rows_that_are_not_finite_are_in_no_cell():
    values = np.array([[1, np.nan], [1, 2], [1, 2], [np.inf, 2]], np.float16)
    found = structure(values)
    assert (found.tokens, found.cells, found.pairs_at_distance) == (2, 1, {})
    assert found.black_holes[0].token_ids.tolist() == [1, 2]
    nothing = structure(values[[0, 3]])
    assert (nothing.tokens, nothing.cells, nothing.black_holes) == (0, 0, [])
    assert nothing.as_json()["isolated"]["nodes"] == 0


BAD = {
    "float64": (np.zeros((2, 2)), None, "bits is float64; bfloat16 takes uint16 codes or bfloat16"),
    "signed": (np.zeros((2, 2), int), None, "bits is int64"),
    "too wide": (np.zeros((2, 2), np.uint16), "float8_e5m2", "bits is uint16; float8_e5m2 takes"),
    "another type": (np.zeros((2, 2), np.float16), "bfloat16", "bits is float16; bfloat16 takes"),
    "a vector": (np.zeros(3, np.uint16), None, r"bits has shape \(3,\); it must be \(tokens, dims"),
    "no tokens": (np.zeros((0, 3), np.uint16), None, r"bits has shape \(0, 3\)"),
    "a format": (
        np.zeros((2, 2), np.uint16),
        "bfloat12",
        "format is 'bfloat12'; it must be one of",
    ),
    "wide float4": (
        np.full((2, 2), 16, np.uint8),
        "float4_e2m1fn",
        "bits holds 16; codes of float4",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_matrix_of_a_format_is_refused_in_a_line(name):
    bits, target, message = BAD[name]
    with pytest.raises(BadInput, match=message) as caught:
        structure(bits, target)
    assert "\n" not in str(caught.value)


def test_in_python_cells_come_with_ids_and_texts(tmp_path):
    codes = np.array([[0x3C00], [0x4000], [0x3C00], [0x3C01]], np.uint16)
    file = builders.write(
        tmp_path / "a.safetensors", {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    )
    plain = structure(file)
    assert (plain.texts, plain.black_holes[0].texts) == (None, None)
    builders.tokenizer({"a": 0, "b": 1, "c": 3}).save(str(tmp_path / "tokenizer.json"))
    found = structure(file)
    assert found.black_holes[0].token_ids.tolist() == [0, 2]
    assert found.black_holes[0].texts == ["a", None]
    assert found.components[0].token_ids.tolist() == [0, 2, 3]
    assert found.texts.of(found.isolated.token_ids) == ["b"]
    assert found == plain
    assert found.black_holes == plain.black_holes
    moved = drift.simulate(drift.from_checkpoint(file, radius=1e-6, steps=1))
    assert structure(moved).black_holes[0].texts == ["a", None]
    assert structure(moved, snapshot=0).components[0].token_ids.tolist() == [0, 2, 3]
    assert structure(codes).texts is None

"""Powers of a step beside the steps themselves, class by class, where dimensions come to rest."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16, FORMATS
from drift.kernels.value_map import power
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.host import HostMap
from drift.kernels.value_map.power import PowerMap
from tests.kernels.value_map.test_host import all_values, by_value

C = np.array([1e-3, 0.0, -2e-5, 1e-6], np.float32)
"""Displacements of four dimensions, which come to rest after some ten steps and some thousands."""


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("strip", [1, 3, 32])
def test_powers_are_steps_and_tables_go_when_their_dimensions_rest(monkeypatch, name, strip):
    monkeypatch.setattr(power, "_STRIP", strip)
    target = FORMATS[name]
    scale = np.float32(1 if target == BFLOAT16 else 2**8)
    classes = all_values(target, min(target.largest / 4, 1.0))
    ends = classes.values.min(), classes.values.max()
    span = (int(ends[0]) - 200, int(ends[1]) + 200) if target == BFLOAT16 else (1, 253)

    def block(first, last):
        return np.tile(C * scale, (last + 1 - first, 1))

    with ThreadPoolExecutor(2) as pool:
        found = PowerMap(classes, C * scale, 0, target, "nearest", span, pool)
        steps = HostMap(classes, block, 0, target, "nearest", True, pool)
        kept = []
        for step in (1, 2, 30, 31, 700, 5000, 5001):
            (at, stalled), expected = found.to(step), steps.to(step)
            for each in ("bounds", "first_value", "values"):
                np.testing.assert_array_equal(getattr(at, each), getattr(expected[0], each))
            told = [by_value(each, len(classes.values)) for each in (stalled, expected[1])]
            np.testing.assert_array_equal(*told)
            kept.append(len(found._tables))
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == -(-len(C) // strip)
    assert kept[-1] == 0
    assert strip > 1 or 0 < kept[3] < 4, "some rest long before others"


def test_populations_of_some_classes_are_those_of_all():
    classes = ValueClasses(np.array([0, 2, 3]), np.array([0, 3, 4]), np.zeros(3))
    tokens = np.array([5, 1, 2, 7, 4, 9])
    whole = classes.of_class(tokens)
    assert whole.tolist() == [8, 7, 13]
    for start in range(3):
        for stop in range(start + 1, 4):
            part = classes.of_class(tokens, slice(start, stop))
            assert part.tolist() == whole[start:stop].tolist()

"""Distinct values followed through many steps, against NumPy and ml_dtypes."""

import jax
import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.kernels.value_map.iterate import BLOCK, TILES, WIDTH, iterate
from drift.sim.engines import fused_trial, reference

TABLED = {name: each for name, each in FORMATS.items() if each.width <= 16}


@pytest.mark.slow
@pytest.mark.parametrize("rounding", ["nearest", "toward-zero"])
@pytest.mark.parametrize("target", TABLED.values(), ids=list(TABLED))
@pytest.mark.parametrize("taken", [1, 2, BLOCK])
def test_pieces_go_where_the_reference_goes(target, rounding, taken):
    rng = np.random.default_rng(5)
    some = fused_trial.codes_of(target)
    some = some[np.abs(target.value(some)) <= target.largest / 4]
    start = rng.choice(some, (TILES, WIDTH))
    size = rng.choice([target.largest / 4, 1e-3, 1e-6], (TILES, 1)) / BLOCK
    steps = (rng.standard_normal((TILES, 1)) * size * np.ones(BLOCK)).astype(np.float32)
    steps = np.clip(steps, -target.largest / 4 / BLOCK, target.largest / 4 / BLOCK)
    done = iterate(target.rank_of(start), steps, np.int32(taken), target=target, rounding=rounding)
    before, after = start, start
    for t in range(taken):
        before = after
        after = reference.step(before, steps[:, t, None], target, rounding)
    np.testing.assert_array_equal(target.code_of_rank(np.asarray(done.before)), before)
    np.testing.assert_array_equal(target.code_of_rank(np.asarray(done.after)), after)


def test_nothing_of_a_drift_but_format_and_rounding_compiles_anything():
    target = FORMATS["float8_e5m2"]
    ranks = np.zeros((TILES, WIDTH), np.uint8)
    compiled = iterate._cache_size()
    for taken, size in ((1, 0.5), (7, 1e-9), (BLOCK, 0.0)):
        steps = np.full((TILES, BLOCK), size, np.float32)
        jax.block_until_ready(
            iterate(ranks, steps, np.int32(taken), target=target, rounding="nearest")
        )
    assert iterate._cache_size() <= compiled + 1

"""The values to which a drift takes every value that can be drawn, and their probabilities.

drawable value  a value of Q(centre + sigma * Z) (sim.clouds.drawn). Drawable values
                are numbered from the lowest, with 0 in the middle
boundary        the midpoint below drawable value k has the number k; below the first value and
                above the last one is nothing. An interval of drawable values has the mass of Z
                between two boundaries over sigma
transport       where the drawable values of a dimension are at a step. Without per-token
                randomness that is one monotone function of the value, so those that share a
                value then are an interval of them, a class of kernels.value_map
group           dimensions whose coordinates of u, and of the centre, are the same: they share one
                transport
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.stepping import host
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.first_step import FirstStep, bisect_classes
from drift.kernels.value_map.host import HostMap
from drift.sim.clouds.centre import centre_of
from drift.sim.devices import device
from drift.sim.devices.host_memory import free_memory
from drift.sim.engines.range_check import largest_reached
from drift.sim.errors import BadInput
from drift.sim.matrix import nearest
from drift.sim.motions.make import motion_of
from drift.sim.prediction.composed import WholeMap
from drift.sim.prediction.in_range import check_likely_in_range, largest_starts
from drift.sim.prediction.masses import (
    CentredDistribution,
    Distribution,
    TransportedClasses,
    ValueDistribution,
)
from drift.sim.prediction.starts import draw_limits, groups_of
from drift.sim.sampling.shapes import SHAPES
from drift.sim.sampling.thresholds import drawn_magnitudes
from drift.sim.spec.drift import Drift

_DECAYING_STRIP = 32
"""Groups moved at once where values decay: all their values, at first."""
_STRIP, _WIDE_STRIP = 128, 4096
"""Groups moved at once: where all their drawable values are, and where classes alone are."""
_MOST_KEPT = 1 << 22
"""Classes that are kept for whoever asks for the same steps again."""
_UNTIL_REST = 1536
"""Equal steps after which bfloat16 is usually at rest."""
_MOST_HERE = 3e9
"""Values that NumPy moves by a step in the time that loading JAX takes, or little more."""
_ROUNDS = 16
"""Rounds of a bisection, each of which walks all the way."""
_PER_DIM = 100
"""Bytes that a transport keeps of each dimension."""


class Transport:
    """The transport of `drift`, for clouds of its sigma and of any smaller one.

    Raises BadInput where the drift would leave the format's range, or what is known of its
    dimensions does not fit into memory.
    """

    def __init__(self, drift: Drift):
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        needed, free = _PER_DIM * drift.dims, free_memory()
        if needed > free:
            raise BadInput(
                f"{drift.dims} dims need {needed / 2**30:.3g} GiB of memory;"
                f" {free / 2**30:.3g} GiB are free"
            )
        self._drift, self.sigma = drift, drift.sigma
        self._motion = motion_of(drift)
        self.u = self._motion.u
        """float64 (dims,): the direction"""
        self.centre, shape = centre_of(drift), SHAPES[drift.shape]
        """float64 (dims,): that of the cloud; None where it has none"""
        self._dims, self.group = groups_of(self._motion, self.centre)
        self._repeats = np.bincount(self.group)
        """int64 (dims,): the group of each dimension; `_dims` has one dimension of each"""
        far = 0.0 if self.centre is None else float(np.abs(self.centre).max()) / shape.farthest
        self._magnitudes, self._midpoints = drawn_magnitudes(
            drift.sigma + far, drift.target, drift.smallest_drawn, drift.shape
        )
        most = min(int(self._magnitudes[-1]), drift.target.largest_magnitude)
        self._largest = largest_starts(self._motion, self._dims, most)
        check_likely_in_range(self._motion, self._largest[self.group])
        extent = drift.target.value(np.maximum(self._largest, 0))[self.group]
        self._bound = float(largest_reached(self._motion, extent, 1.0))
        self._kept: list[tuple[np.ndarray, list[TransportedClasses]]] = []
        self._kept_steps: tuple[int, ...] = ()

    def distribution(self, sigma: float) -> Distribution:
        """Return the distribution of the drawable values; `sigma` is at most the drift's."""
        shape = SHAPES[self._drift.shape]
        if self.centre is None:
            return ValueDistribution(sigma, self._midpoints, shape)
        return CentredDistribution(sigma, self._midpoints, self.centre[self._dims], shape)

    def initial(self) -> Iterator[tuple[np.ndarray, TransportedClasses]]:
        """Give the classes at step 0, strip after strip, and how many dimensions each stands for.

        Without a centre one dimension stands for all.
        """
        target = self._drift.target
        if self.centre is None:
            limits = self._ends(np.array([target.largest_magnitude]))
            classes = self._classes(limits)
            stalled = replace(classes, values=np.zeros(len(classes.values), bool))
            yield np.array([self._drift.dims]), self._transported(classes, stalled, target)
            return
        ranks = self._drawable()
        for start in range(0, len(self._dims), _STRIP):
            lowest, highest = self._limits(slice(start, start + _STRIP))

            def image(
                dim: np.ndarray,
                value: np.ndarray,
                ends: tuple[np.ndarray, np.ndarray] = (lowest, highest),
            ) -> np.ndarray:
                return np.clip(ranks[value], ends[0][dim], ends[1][dim])

            found = bisect_classes(image, len(ranks), len(lowest), math.inf)
            assert found is not None, "any number of classes will do"
            stalled = replace(found, values=np.zeros(len(found.values), bool))
            repeats = self._repeats[start : start + _STRIP]
            yield repeats, self._transported(found, stalled, target, start)

    def strips(
        self, steps: Sequence[int], pool: Executor
    ) -> Iterator[tuple[np.ndarray, list[TransportedClasses]]]:
        """Give the classes at each of `steps`, rising and after 0, of one strip of groups after
        the other; and before them how many dimensions each group has, int64 (groups,).

        They are kept where they are few, so that nothing is moved twice.
        """
        if self._kept and set(steps) <= set(self._kept_steps):
            which = [self._kept_steps.index(step) for step in steps]
            for repeats, strip in self._kept:
                yield repeats, [strip[k] for k in which]
            return
        kept, room = [], _MOST_KEPT
        for repeats, strip in self._moved(steps, pool):
            yield repeats, strip
            room -= sum(each.size for each in strip)
            if room >= 0:
                kept.append((repeats, strip))
        if room >= 0:
            self._kept, self._kept_steps = kept, tuple(steps)

    def keeps(self, steps: Sequence[int]) -> bool:
        """Return whether the classes at these steps, if after 0, are kept."""
        return {step for step in steps if step} <= set(self._kept_steps)

    def _moved(
        self, steps: Sequence[int], pool: Executor
    ) -> Iterator[tuple[np.ndarray, list[TransportedClasses]]]:
        """Move the classes, strip after strip: wide ones where few classes are moved."""
        start = 0
        while start < len(self._dims) and steps:
            decays = self._drift.arithmetic.decay != "none"
            stop = start + (_DECAYING_STRIP if decays else _WIDE_STRIP)
            there = (
                self._decayed(slice(start, stop), steps, pool)
                if decays
                else self._moved_here(slice(start, stop), steps, pool)
            )
            if there is None:
                stop = start + _STRIP
                there = self._moved_by_jax(slice(start, stop), steps, pool)
            yield self._repeats[start:stop], there
            start = stop

    def _decayed(
        self, strip: slice, steps: Sequence[int], pool: Executor
    ) -> list[TransportedClasses]:
        """Return the classes of a strip whose values decay, which NumPy moves step by step."""
        dims, limits = self._dims[strip], self._limits(strip)
        arithmetic, motion = self._drift.arithmetic, self._motion
        state, classes, origin = arithmetic.state, self._classes(limits), 0
        if state != arithmetic.view:
            values = arithmetic.view.value(arithmetic.view.code_of_rank(classes.values))
            classes = replace(classes, values=state.rank_of(state.code(values)))
        elif steps[0] > 1:
            displaced, factors = motion.displacements(1, 1, dims)[0], motion.factors(1, 1)
            first = FirstStep(self._drawable(), limits, displaced, arithmetic, factors)
            classes, origin = first.classes(np.inf) or classes, 1
        block, rounding = partial(motion.displacements, dims=dims), self._drift.rounding
        more = False, pool, motion.factors, arithmetic.decay
        moving = HostMap(classes, block, origin, state, rounding, *more)
        return [self._transported(*moving.to(step), state, strip.start) for step in steps]

    def _moved_here(
        self, strip: slice, steps: Sequence[int], pool: Executor
    ) -> list[TransportedClasses] | None:
        """Return the classes of a strip that NumPy moves; None where that takes long."""
        drift, arithmetic = self._drift, self._drift.arithmetic
        dims, limits = self._dims[strip], self._limits(strip)
        if not host.supports(arithmetic):
            return None
        equal = self._motion.equal
        ranks, group = self._drawable(), strip.start
        if arithmetic.state != arithmetic.view:
            most = _MOST_HERE / steps[-1] / _ROUNDS * len(dims) / len(self._dims)
            found = WholeMap(self._motion, dims, ranks, limits, steps, pool).classes(most)
            if found is None:
                return None
            return [self._transported(*each, drift.target, group) for each in found]
        first = FirstStep(ranks, limits, self._motion.displacements(1, 1, dims)[0], arithmetic)
        taken = min(steps[-1], _UNTIL_REST) if equal else steps[-1]
        classes = first.classes(_MOST_HERE / taken * len(dims) / len(self._dims))
        if classes is None:
            return None
        at_first, origin = [], 1
        if steps[0] == 1:  # what the first step stalls is a matter of single values
            whole = WholeMap(self._motion, dims, ranks, limits, [1], pool).classes(_MOST_HERE)
            if whole is None:
                classes, origin = self._classes(limits), 0
            else:
                at_first = [self._transported(*whole[0], drift.target, group)]
        block = partial(self._motion.displacements, dims=dims)
        moving = HostMap(classes, block, origin, arithmetic.state, drift.rounding, equal, pool)
        later = [moving.to(step) for step in steps[len(at_first) :]]
        return at_first + [self._transported(*each, arithmetic.state, group) for each in later]

    def _moved_by_jax(
        self, strip: slice, steps: Sequence[int], pool: Executor
    ) -> list[TransportedClasses]:
        """Return the classes of a strip that the kernels of JAX move."""

        from drift.sim.engines.leap import value_map

        device.tell_jax()
        dims, classes = self._dims[strip], self._classes(self._limits(strip))
        drift, state = self._drift, self._drift.arithmetic.state
        if state != drift.target:
            values = drift.target.value(drift.target.code_of_rank(classes.values))
            classes = replace(classes, values=state.rank_of(state.code(values)))
        moving = value_map(self._motion, dims, classes, 0, self._bound, pool)
        if steps[0] > 1:
            moving.to(1)  # where most of them meet
        return [self._transported(*moving.to(step), state, strip.start) for step in steps]

    def _drawable(self) -> np.ndarray:
        """Return the ranks of the drawable values, rising."""
        target = self._drift.target
        magnitudes = np.minimum(self._magnitudes, target.largest_magnitude)
        coordinates = np.concatenate([-magnitudes[::-1], [0], magnitudes])
        return target.rank_of(target.code_at(coordinates))

    def _ends(self, largest: np.ndarray) -> np.ndarray:
        """Return the ranks of the lowest and the highest value of so large magnitudes, (2, n)."""
        target = self._drift.target
        return np.stack([target.rank_of(target.code_at(end)) for end in (-largest, largest)])

    def _limits(self, strip: slice) -> np.ndarray:
        """Return the lowest and the highest rank that counts in each group, (2, groups).

        Around a centre these are as far from it as draws may be.
        """
        limits = self._ends(self._largest[strip])
        if self.centre is None:
            return limits
        return np.clip(draw_limits(self._drift, self.centre[self._dims[strip]]), *limits)

    def _classes(self, limits: np.ndarray) -> ValueClasses:
        """Return the classes at step 0; values beyond `limits`, ranks (2, dims), count as they."""
        every, (lowest, highest) = self._drawable(), limits
        ranks = np.clip(every, lowest[:, None], highest[:, None]).ravel()
        bounds = np.arange(len(lowest) + 1) * len(every)
        return ValueClasses(bounds, np.arange(len(ranks)), ranks).moved(ranks)

    def _transported(
        self, classes: ValueClasses, stalled: ValueClasses, state: Format, group: int = 0
    ) -> TransportedClasses:
        """Return `classes`, whose values are ranks of the `state` format, in the view format.

        The first of their dimensions is that of `group`.
        """
        target, ranks = self._drift.target, classes.values
        if state != target:
            values = state.value(state.code_of_rank(ranks)).astype(np.float32)
            ranks = target.rank_of(nearest(values, target))
        # Only counting merges zeros: here, since prediction counts and moves nothing on from it.
        ranks = np.where(ranks == target.sign - 1, target.storage.type(target.sign), ranks)
        classes = classes.moved(ranks)
        values = target.value(target.code_of_rank(classes.values))
        return TransportedClasses(2 * len(self._magnitudes) + 1, classes, values, stalled, group)

"""Six groups of drifts, at the shape of the observed cloud.

control     the whole vocabulary: the standard deviation of usual initial weights, and a tight cloud
transition  sigma by steps, several directions and clouds
cloud       runs with snapshots, from which the structure after the last step is determined
variant     the transition under other arithmetic, and in other formats
repeats     many clouds along one direction, to compare with what is expected
directions  what is expected along each of many directions

Notes keep what is expected of drifts (sim.prediction), and the digest of each kept structure:

span        range of the lattice coordinates of all cells in a dimension
split       number of dimensions in which cells differ
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drift.experiments import observed
from drift.experiments.studies import rescaling
from drift.experiments.studies.coarsening.directions import over_directions
from drift.experiments.studies.parts import Note, Part, Run, StudyStores, Sweep
from drift.experiments.studies.rows import spread
from drift.kernels import distances
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid


def structure_of(run: Run) -> Note:
    """Return the note with the structure of a run's last snapshot."""
    asked = {"structure": run.drift.as_json()}
    return Note(f"structure-{run.name}", asked, lambda made: digest(made, run.name))


def digest(made: StudyStores, name: str) -> dict[str, Any]:
    """Return the structure of a run: cells, black holes, components, distances, as plain values."""
    from drift.sim.open_matrix import open_matrix
    from drift.sim.structures import structure

    store = made.run(name)
    found = structure.structure_of(open_matrix(made.store(name)))
    target = found.matrix.format
    ordinals = target.ordinal(found.codes(np.arange(found.cells))).astype(np.int64)
    spans = np.ptp(ordinals, axis=0)
    holes = distances.count_by_distance(ordinals[found.occupied.holes])
    drift = store.attrs["spec"]
    smallest = float(np.min(np.abs(store.read("direction")))) * drift["radius"]
    return {
        "cells": found.cells,
        "populations": np.sort(found.occupied.population[found.occupied.holes])[::-1].tolist(),
        "singletons": int(np.count_nonzero(found.occupied.population == 1)),
        "components": [component.as_json() for component in found.components],
        "isolated": found.isolated.as_json(),
        "edges": len(found.edges),
        "hole_pairs_at_distance": {str(d): n for d, n in holes.items()},
        "pairs_at_distance": {str(d): n for d, n in found.pairs_at_distance.items()},
        "split": int(np.count_nonzero(spans)),
        "widest_span": int(spans.max()),
        "smallest_target": smallest,
        "spacing_there": float(target.ulp(np.array([smallest]))[0]),
    }


def expectations(name: str, drift: Drift, sigmas: Sequence[float]) -> Note:
    """Return a note of what is expected after `drift` for each of `sigmas`, and the onset."""
    asked = {"drift": drift.as_json(), "sigmas": list(sigmas)}

    def find(made: StudyStores) -> dict[str, Any]:
        from drift.sim.prediction.expected import expect
        from drift.sim.prediction.onset import onsets

        curve = [row[0] for row in expect(drift, [drift.steps], list(sigmas))]
        points = [
            {"sigma": sigma, **dataclasses.asdict(one)}
            for sigma, one in zip(sigmas, curve, strict=True)
        ]
        return {"onset": onsets(drift, [drift.steps])[0], "curve": points}

    return Note(name, asked, find)


@dataclass(frozen=True)
class VariedValues:
    """Values that are varied."""

    vocabulary: int
    """tokens of the controls"""
    tokens: int
    """tokens of the other clouds"""
    dims: int
    """dimensions of all clouds"""
    sigmas: tuple[float, ...]
    """sigmas of the transition"""
    kept: tuple[float, ...]
    """sigmas of the runs whose structure is determined"""
    few: tuple[float, ...]
    """sigmas under stochastic rounding, where every coordinate is stepped"""
    wide: tuple[float, ...]
    """sigmas in other formats, before they are rescaled"""
    repeated: tuple[float, ...]
    """sigmas of the repeats"""
    steps: tuple[int, ...] = (1, 10, 100, 1000, 10_000)
    """step counts of the transition"""
    directions: tuple[int, ...] = (0, 1, 2)
    """direction seeds of the transition and the kept runs"""
    seeds: tuple[int, ...] = (0, 1)
    """seeds of the transition"""
    clouds: int = 16
    """clouds of each repeat"""
    control: tuple[float, ...] = (0.02, 1e-6)
    """sigmas of the controls"""
    jitters: tuple[float, ...] = (1e-6, 1e-5, 1e-4)
    """jitters of the variant"""
    many: int = 200
    """direction seeds, from 0 on, along which clouds are expected and not simulated"""


def _plan(quick: bool) -> VariedValues:
    seen = observed.qwen3_4b()
    if quick:
        return VariedValues(
            vocabulary=500,
            tokens=120,
            dims=32,
            sigmas=spread(1e-8, 1e-2, 7),
            kept=spread(1e-8, 1e-4, 5),
            few=spread(1e-8, 1e-3, 2),
            wide=spread(1e-8, 1e-3, 4),
            repeated=spread(1e-5, 1e-3, 2),
            steps=(1, 100, 1000),
            directions=(0, 1),
            clouds=4,
            jitters=(1e-4, 1e-2),
            many=6,
        )
    return VariedValues(
        vocabulary=seen["vocabulary"],
        tokens=seen["selection"]["tokens"],
        dims=seen["dims"],
        sigmas=spread(1e-11, 1e-6, 16),
        kept=spread(1e-11, 1e-8, 13),
        few=spread(1e-11, 1e-6, 6),
        wide=spread(1e-11, 1e-5, 13),
        repeated=spread(1e-10, 1e-8, 7),
    )


def parts(quick: bool = False) -> list[Part]:
    """Return the parts, in the order they are carried out."""
    plan = _plan(quick)
    drift = Drift(sigma=plan.sigmas[0], tokens=plan.tokens, dims=plan.dims)
    made: list[Part] = []
    for sigma in plan.control:
        whole = replace(
            drift, sigma=sigma, tokens=plan.vocabulary, radius=0.37, records=1, snapshots="none"
        )
        made.append(Run(f"control-{sigma:g}", whole))
    made.append(
        _sweep(
            plan, "transition", sigma=plan.sigmas, steps=plan.steps,
            direction_seed=plan.directions, seed=plan.seeds,
        )
    )  # fmt: skip
    for number in plan.directions:
        for steps in plan.steps:
            name, one = f"expected-{number}-{steps}", replace(drift, steps=steps)
            made.append(expectations(name, replace(one, direction_seed=number), plan.sigmas))
    for number in plan.directions:
        for sigma in plan.kept:
            one = replace(drift, sigma=sigma, direction_seed=number, records=20)
            run = Run(f"cloud-{number}-{sigma:g}", one)
            made += [run, structure_of(run)]
    made.append(_sweep(plan, "master", sigma=plan.sigmas, master=("float32",)))
    made.append(_sweep(plan, "jitter", sigma=plan.sigmas, jitter=plan.jitters))
    made.append(_sweep(plan, "stochastic", sigma=plan.few, rounding=("stochastic",)))
    made += rescaling.sweeps(drift, plan.wide)
    made.append(_sweep(plan, "repeats", sigma=plan.repeated, seed=tuple(range(plan.clouds))))
    made.append(expectations("expected", drift, plan.repeated))
    made.append(over_directions("directions", drift, plan.kept, plan.many))
    made.append(_about(plan, drift))
    return made


def _sweep(plan: VariedValues, name: str, **fields: tuple) -> Sweep:
    """Return a sweep of the default drift, counted at start and end, but for `fields`."""
    shape = {"tokens": (plan.tokens,), "dims": (plan.dims,), "records": (1,)}
    return Sweep(name, Grid.given({**shape, **fields}))


def _about(plan: VariedValues, drift: Drift) -> Note:
    """Return a note of the plan itself, for the page."""
    found = {
        "control": [f"control-{sigma:g}" for sigma in plan.control],
        "directions": list(plan.directions),
        "steps": list(plan.steps),
        "kept": list(plan.kept),
        "drift": drift.as_json(),
        "formats": rescaling.scales(drift),
    }
    return Note("plan", found, lambda made: found)

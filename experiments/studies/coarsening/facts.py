"""Facts of the page, as plain values drawn from its stores.

run      a kept run with the features of its structure (.similarity) and its `digest` (.plan)
onset    sigma at which one coalesced pair is expected
moving   step counts with which hardly any coordinate is stalled at the end; stalled: nearly all
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from drift.experiments import observed
from drift.experiments.studies import rescaling
from drift.experiments.studies.coarsening import directions, similarity
from drift.experiments.studies.coarsening.similarity import Feature, similar
from drift.experiments.studies.coarsening.structures import distance_table, structures
from drift.experiments.studies.number_format import number
from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.rows import Row, limits, mean, rows, values, where

NEGLIGIBLE = 0.01
"""Share of stalled coordinates that is left aside."""
_MANY = 10.0
"""Expected pairs, over all clouds together, from which their mean is nearly normal."""
_EXACT = 1e-9
"""Relative standard deviation below which a number does not vary between clouds."""


@dataclass(frozen=True)
class Facts:
    """Facts of the page; each is read from the stores once."""

    made: StudyStores
    """stores and notes of the study"""

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The note that says what is varied."""
        found: dict[str, Any] = self.made.note("plan")
        return found

    @cached_property
    def seen(self) -> dict[str, Any]:
        """Features of the observed cloud."""
        return similarity.observed_features(observed.qwen3_4b())

    @cached_property
    def controls(self) -> list[Row]:
        """For each control its sigma, its tokens, and its first and last counts."""
        found = []
        for name in self.plan["control"]:
            attrs = self.made.run(name).attrs
            kept = {key: attrs["final"][key] for key in ("distinct", "black_holes", "largest")}
            ended = {"reached": attrs["final"]["radius"], "stalled": attrs["final"]["stalled"]}
            spec = {
                key: attrs["spec"][key] for key in ("sigma", "tokens", "dims", "radius", "steps")
            }
            found.append({**spec, "start": attrs["initial"]["distinct"], **kept, **ended})
        return found

    @cached_property
    def transition(self) -> list[Row]:
        """Grid points of the sweep `transition`."""
        return rows(self.made.sweep("transition"))

    @cached_property
    def sigmas(self) -> list[float]:
        """Values of sigma in the transition, rising."""
        return values(self.transition, "sigma")

    @cached_property
    def cloud_count(self) -> int:
        """Clouds for each combination of the transition."""
        return len(values(self.transition, "seed"))

    @cached_property
    def onsets(self) -> list[Row]:
        """For each step count the limits (.rows) of the transition, and the onsets expected."""
        found = []
        for steps in self.plan["steps"]:
            there = where(self.transition, steps=steps)
            least = where(there, sigma=min(values(there, "sigma")))
            expected = [
                self.made.note(f"expected-{direction}-{steps}")["onset"]
                for direction in self.plan["directions"]
            ]
            known = [each for each in expected if each is not None]
            found.append(
                {
                    "steps": steps,
                    "reached": mean(least, "reached"),
                    "stalled": mean(least, "stalled"),
                    **limits(there),
                    "onset_least": min(known, default=None),
                    "onset_most": max(known, default=None),
                }
            )
        return found

    @cached_property
    def moving(self) -> list[Row]:
        """Onsets where hardly any coordinate is stalled."""
        known = [row for row in self.onsets if row["onset_most"] is not None]
        return [row for row in known if row["stalled"] < NEGLIGIBLE]

    @cached_property
    def stalled(self) -> list[Row]:
        """Onsets where nearly all coordinates are stalled."""
        known = [row for row in self.onsets if row["onset_most"] is not None]
        return [row for row in known if row["stalled"] > 1 - NEGLIGIBLE]

    @cached_property
    def onset_falls(self) -> bool:
        """True where the onset falls from each of `moving` to the next."""
        there = self.moving
        falls = (a["onset_least"] > b["onset_least"] for a, b in pairwise(there))
        return len(there) > 1 and all(falls)

    @cached_property
    def clouds(self) -> list[Row]:
        """Every kept run."""
        found = []
        for direction in self.plan["directions"]:
            for sigma in self.plan["kept"]:
                name = f"cloud-{direction}-{sigma:g}"
                digest = self.made.note(f"structure-{name}")
                own = {"name": name, "direction_seed": direction, "sigma": sigma}
                found.append({**own, **similarity.features(digest), "digest": digest})
        return found

    @cached_property
    def coalesced(self) -> dict[float, list[Row]]:
        """Runs by sigma, where one of them has a black hole."""
        holed = [run for run in self.clouds if run["black_holes"]]
        return {sigma: where(self.clouds, sigma=sigma) for sigma in values(holed, "sigma")}

    @cached_property
    def similar_runs(self) -> list[Row]:
        """Runs with about as many black holes, and tokens in them, as the observed cloud."""
        return similar(self.clouds, self.seen)

    def similar_in(self, key: str) -> list[Row]:
        """Return the runs in which one feature is about as observed."""
        return similar(self.clouds, self.seen, [key])

    @cached_property
    def features(self) -> list[Feature]:
        """Features of the observed cloud beside those of the similar runs."""
        return similarity.compare(self.similar_runs, self.seen)

    @cached_property
    def tightness(self) -> list[float]:
        """Ratio of the sigma of usual initial weights to that of each similar run."""
        usual = max(row["sigma"] for row in self.controls)
        return [usual / run["sigma"] for run in self.similar_runs]

    @cached_property
    def spacings(self) -> list[float]:
        """Spacing at the target nearest to zero, in sigma, of each similar run."""
        return [run["digest"]["spacing_there"] / run["sigma"] for run in self.similar_runs]

    @cached_property
    def closest(self) -> list[Row]:
        """For each direction the similar run whose number of black holes is nearest."""

        def off(run: Row) -> float:
            return abs(math.log(run["black_holes"] / self.seen["black_holes"]))

        by_direction = (where(self.similar_runs, direction_seed=d) for d in self.plan["directions"])
        return [min(there, key=off) for there in by_direction if there]

    @cached_property
    def shown(self) -> list[tuple[Row, dict[str, Any]]]:
        """Structures of the closest runs and of the observed cloud, each with its source."""
        return list(structures(self.closest))

    @cached_property
    def variants(self) -> dict[str, list[Row]]:
        """Grid points of the transition under each arithmetic, by its name."""
        drift = self.plan["drift"]
        first = {"direction_seed": self.plan["directions"][0], "seed": drift["seed"]}
        jitter = rows(self.made.sweep("jitter"))
        return {
            "nearest": where(self.transition, steps=drift["steps"], **first),
            "float32 master": rows(self.made.sweep("master")),
            **{f"jitter {number(j)}": where(jitter, jitter=j) for j in values(jitter, "jitter")},
            "stochastic": rows(self.made.sweep("stochastic")),
        }

    @cached_property
    def ends(self) -> dict[str, Row]:
        """Limits (.rows) under each arithmetic, by its name."""
        return {name: limits(points) for name, points in self.variants.items()}

    @cached_property
    def formats(self) -> list[Row]:
        """Grid points of every format."""
        return rescaling.grid_points(self.made, self.plan["formats"])

    @cached_property
    def agreement(self) -> list[Row]:
        """Coalesced pairs, counted and expected: the repeats along one direction."""
        points = rows(self.made.sweep("repeats"))
        return [_agreement(where(points, sigma=one["sigma"]), one) for one in self._curve()]

    @cached_property
    def agreement_everywhere(self) -> list[Row]:
        """Coalesced pairs, counted and expected: every combination of the transition."""
        found = []
        for direction in self.plan["directions"]:
            for steps in self.plan["steps"]:
                points = where(self.transition, direction_seed=direction, steps=steps)
                for one in self._curve(f"expected-{direction}-{steps}"):
                    what = {"direction_seed": direction, "steps": steps}
                    found.append({**what, **_agreement(where(points, sigma=one["sigma"]), one)})
        return found

    @cached_property
    def curve(self) -> list[Row]:
        """Expectations along the direction of the repeats, for every sigma they are known of."""
        first, steps = self.plan["directions"][0], self.plan["drift"]["steps"]
        return [*self._curve(), *self._curve(f"expected-{first}-{steps}")]

    @cached_property
    def directions(self) -> list[Row]:
        """Expectations of every direction and sigma (.directions)."""
        found: list[Row] = self.made.note("directions")["rows"]
        return found

    @cached_property
    def direction_onsets(self) -> list[float | None]:
        """Onset along each direction."""
        found: list[float | None] = self.made.note("directions")["onsets"]
        return found

    def _curve(self, name: str = "expected") -> list[Row]:
        curve: list[Row] = self.made.note(name)["curve"]
        return curve


def of_page(facts: Facts) -> dict[str, Any]:
    """Return the names that page.md.j2 knows."""
    drift, formats = facts.plan["drift"], facts.plan["formats"]
    return {
        "facts": facts,
        "published": observed.qwen3_4b(),
        "drift": drift,
        "target": drift["radius"] / math.sqrt(drift["dims"]),
        "target_spacing": formats[drift["format"]]["spacing"],
        "factor": similarity.FACTOR,
        "chosen_by": similarity.BY,
        "negligible": NEGLIGIBLE,
        "many": _MANY,
        "cell_distances": distance_table(facts.shown, "pairs_at_distance", "cells"),
        "hole_distances": distance_table(facts.shown, "hole_pairs_at_distance", "populations"),
        "formats": formats,
        "directions": facts.directions,
        "direction_shares": directions.shares(facts.directions, facts.seen),
        "direction_similar": directions.similar_rows(facts.directions, facts.seen),
        "direction_onsets": [each for each in facts.direction_onsets if each is not None],
        "direction_checks": directions.checks(facts.directions, facts.clouds),
        "rescaled": rescaling.facts(facts.formats, formats),
    }


def _agreement(points: Sequence[Row], expected: Row) -> Row:
    """Return counted beside expected; `deviation` is in standard errors of the counted mean."""
    clouds, found = len(points), mean(points, "pairs")
    error = expected["pairs_error"] / math.sqrt(clouds)
    apart = found - expected["pairs"]
    varies = error > _EXACT * expected["pairs"]
    # Where clouds do not vary there is no standard error to divide by: equal, or infinitely off.
    exactly = 0.0 if abs(apart) <= _EXACT * expected["pairs"] else math.inf
    scatter = math.sqrt(sum((one["pairs"] - found) ** 2 for one in points) / max(1, clouds - 1))
    return {
        "sigma": expected["sigma"],
        "clouds": clouds,
        "pairs": found,
        "expected": expected["pairs"],
        "standard_error": error,
        "deviation": apart / error if varies else exactly,
        "counts": clouds * expected["pairs"] >= _MANY,
        "pairs_scatter": scatter,
        "expected_scatter": expected["pairs_error"],
        "reached": mean(points, "reached"),
        "expected_reached": expected["radius"],
    }

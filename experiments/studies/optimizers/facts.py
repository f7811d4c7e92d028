"""Facts of the page, drawn from the stores.

run     the drift of one start, motion, kind of arithmetic and seed
group   the runs of all seeds; it has a list of what they found
frozen  the first record from which on hardly any coordinate moves, to the end
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from drift.experiments.studies.optimizers.plan import KINDS, MOTIONS, STARTS
from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.rows import Row, limits, rows, values, where

_NEAR, _ALIKE = 0.1, 0.1
"""The share of what was asked by which what is done may differ, and that of two alike motions."""
_CLAIMED = ("done", "asked", "frozen", "contraction", "black_holes")
_ARRIVALS = {
    "stochastic": "a step below the spacing is taken as a whole one as often as it ought to be",
    "master": "float32 takes steps that are 2¹⁶ times as short",
    "kahan": "what a step lost to rounding is carried until it amounts to a spacing",
}
"""The kinds that arrive, and why."""
STILL = 0.01
"""The share of coordinates below which a cloud counts as frozen."""


class StudyFacts:
    """The facts of all parts of the study."""

    def __init__(self, made: StudyStores):
        self.made, self.plan = made, made.note("plan")

    @cached_property
    def notes(self) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
        """Measurements by start, motion and kind: one for each seed."""
        return {
            (start, motion, kind): self.made.note(f"{start}-{motion}-{kind}")
            for start in STARTS
            for motion in MOTIONS
            for kind in KINDS
        }

    @cached_property
    def records(self) -> list[Row]:
        """Every record of every run."""
        return [
            {"start": start, "motion": motion, "kind": kind, "seed": one["seed"], **record}
            for (start, motion, kind), found in self.notes.items()
            for one in found
            for record in one["records"]
        ]

    @cached_property
    def runs(self) -> list[Row]:
        """The end of every run."""
        return [
            {"start": start, "motion": motion, "kind": kind, **_end(one)}
            for (start, motion, kind), found in self.notes.items()
            for one in found
        ]

    @cached_property
    def widths(self) -> list[Row]:
        """Every grid point of the sweeps over sigma, by start and motion."""
        found = []
        for start in STARTS:
            for name in ("widths", "widths-fading"):
                for row in rows(self.made.sweep(f"{name}-{start}")):
                    row["distinct_at_first"] = row.pop("start")
                    motion = row.pop("motion", "fading")
                    found.append({"start": start, "motion": motion, **row})
        return found

    def group(self, start: str, motion: str, kind: str) -> Row:
        """Return the lists of what the runs of a group found, by name."""
        there = where(self.runs, start=start, motion=motion, kind=kind)
        lists = {name: [row[name] for row in there] for name in there[0]}
        return {**lists, "start": start, "motion": motion, "kind": kind}


def _end(one: dict[str, Any]) -> Row:
    """Return what a run comes to."""
    records, (first, last) = one["records"], one["spread"]
    still = [record["step"] for record in records[1:] if record["moved"] >= STILL]
    after = [record["step"] for record in records if record["step"] > max(still, default=0)]
    end = {name: records[-1][name] for name in records[-1] if name != "step"}
    return {
        "seed": one["seed"],
        **end,
        "distinct_at_first": records[0]["distinct"],
        "frozen": min(after, default=None),
        "spread_first": first,
        "spread_last": last,
        "contraction": last / first if first else None,
    }


def of_page(facts: StudyFacts) -> dict[str, Any]:
    """Return the names that the template knows."""
    groups = {
        start: {motion: [facts.group(start, motion, kind) for kind in KINDS] for motion in MOTIONS}
        for start in STARTS
    }
    named = {
        start: {
            motion: {group["kind"]: group for group in there} for motion, there in found.items()
        }
        for start, found in groups.items()
    }
    widths = {
        start: {motion: _limits(facts.widths, start, motion) for motion in MOTIONS}
        for start in STARTS
    }
    return {
        "plan": facts.plan,
        "drift": facts.plan["drift"],
        "kinds": list(KINDS),
        "motions": list(MOTIONS),
        "starts": list(STARTS),
        "groups": groups,
        "of": named,
        "widths": widths,
        "still": STILL,
        "everywhere": {
            **_everywhere(named, facts.plan["drift"]["steps"]),
            "adamw_wider": _wider(widths["origin"], "adamw", "sgd", "one"),
            "fading_narrower": _wider(widths["origin"], "sgd", "fading", "half"),
        },
        "arrivals": list(_ARRIVALS.items()),
        "near": _NEAR,
        "alike": _ALIKE,
    }


def _limits(found: list[Row], start: str, motion: str) -> Row:
    """Return the largest sigmas with certain outcomes, one for each direction."""
    there = [
        {**row, "start": row["distinct_at_first"]}
        for row in where(found, start=start, motion=motion)
    ]
    each = [limits(where(there, direction_seed=seed)) for seed in values(there, "direction_seed")]
    return {name: [one[name] for one in each] for name in each[0]}


def _everywhere(of: dict[str, Any], steps: int) -> dict[str, bool]:
    """Return which claims of the page hold for every seed, by name."""
    found = [
        (start, motion, kind, group)
        for start, motions in of.items()
        for motion, kinds in motions.items()
        for kind, group in kinds.items()
    ]

    def every(claim: Callable[[Any], bool], **only: Any) -> bool:
        """Return whether a claim holds for each run of each group whose fields are in `only`."""
        return all(
            claim({name: group[name][k] for name in _CLAIMED})
            for start, motion, kind, group in found
            if start in only.get("start", STARTS)
            and motion in only.get("motion", MOTIONS)
            and kind == only["kind"]
            for k in range(len(group["seed"]))
        )

    def beside(kind: str, other: str, starts: tuple[str, ...] = STARTS) -> bool:
        """Return whether a kind leaves at least as many cells as another, for every seed."""
        return all(
            a >= b
            for start in starts
            for motion in MOTIONS
            for a, b in zip(
                of[start][motion][kind]["distinct"],
                of[start][motion][other]["distinct"],
                strict=True,
            )
        )

    def arrives(run: Row) -> bool:
        return bool(abs(run["done"] - run["asked"]) <= _NEAR * run["asked"])

    def alike(start: str) -> bool:
        one, two = (of[start][motion]["nearest"]["done"] for motion in ("straight", "sgd"))
        return all(abs(a - b) <= _ALIKE * max(a, b) for a, b in zip(one, two, strict=True))

    return {
        "alike": all(map(alike, of)),
        "short": every(
            lambda run: run["done"] < (1 - _NEAR) * run["asked"],
            kind="nearest",
            motion=MOTIONS[:-1],
        ),
        "fading_sooner": every(
            lambda run: (run["frozen"] or steps) < steps, kind="nearest", motion=MOTIONS[-1:]
        ),
        "contracts": every(lambda run: run["contraction"] < 1, kind="nearest", start=("origin",)),
        "wider": every(lambda run: run["contraction"] > 1, kind="stochastic", start=("origin",)),
        "no_holes": every(lambda run: run["black_holes"] == 0, kind="stochastic"),
        **{f"{kind}_arrives": every(arrives, kind=kind) for kind in KINDS},
        "noise_parts": beside("noise", "nearest"),
        "centre_holes": all(
            every(lambda run: run["black_holes"] > 0, kind=kind, start=("centre",))
            for kind in ("nearest", "master", "kahan")
        ),
        "master_view": beside("master", "nearest", ("origin",))
        and beside("kahan", "nearest", ("origin",)),
    }


def _wider(widths: dict[str, Row], motion: str, other: str, outcome: str) -> bool:
    """Return whether a motion has an `outcome` of wider clouds than another, for each direction."""
    pairs = zip(widths[motion][outcome], widths[other][outcome], strict=True)
    return all(mine is not None and (theirs is None or mine > theirs) for mine, theirs in pairs)

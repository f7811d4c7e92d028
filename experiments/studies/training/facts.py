"""Facts of the page, drawn from the notes.

run      a training of one variant and seed; variant: the runs of all seeds
own      of tokens of a kind, dead or live
froze    the step by which half of them had moved for the last time
slow     the step from which on fewer than a tenth of their values move between records
share    the part of their mean square motion that is their centroid's
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.replay.facts import freezing, share
from drift.experiments.studies.rows import Row, where
from drift.experiments.training import model

KINDS = ("dead", "live")
SLOW = 0.1
"""The share of values below which few move."""
_REPLAYED = ("distinct", "black_holes", "largest")


class TrainingFacts:
    """The facts of all trainings."""

    def __init__(self, made: StudyStores):
        self.made, self.plan = made, made.note("plan")
        self.variants: list[str] = list(self.plan["variants"])
        """names of the variants, the usual one first"""
        self.seeds = range(self.plan["seeds"])
        """seeds of each variant"""

    @cached_property
    def notes(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Measurements by variant and seed."""
        return {
            (name, seed): self.made.note(f"measured-{name}-{seed}")
            for name in self.variants
            for seed in self.seeds
        }

    @cached_property
    def unseen(self) -> list[bool]:
        """True for each seed whose training with the small decay is that without, to the bit."""
        found: list[bool] = self.made.note("unseen")
        return found

    @property
    def has_dead(self) -> bool:
        """True where some tokens never occur."""
        return bool(self.plan["live"] < self.plan["usual"]["vocabulary"])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of tokens that there are."""
        return KINDS if self.has_dead else KINDS[1:]

    @cached_property
    def runs(self) -> list[Row]:
        """A row for each training, of its end."""
        return [
            {"variant": name, "seed": seed, **self._end(note)}
            for (name, seed), note in self.notes.items()
        ]

    def _end(self, note: dict[str, Any]) -> Row:
        row: Row = {"loss_first": note["loss"][0], "loss": note["last_loss"]}
        for kind in self.kinds:
            row |= {f"{kind}_{name}": value for name, value in _own(note[kind], note).items()}
        for name in ("replay", "straight"):
            moved = note.get(name)
            last = {} if moved is None else {each: moved[each][-1] for each in _REPLAYED}
            froze = freezing(moved["last_motion"], note["steps"])["median"] if moved else None
            explained = moved["explained"][-1] if moved else None
            for each in _REPLAYED:
                row[f"{name}_{each}"] = last.get(each)
            row |= {f"{name}_froze": froze, f"{name}_explained": explained}
        return row

    @cached_property
    def samples(self) -> list[Row]:
        """A row for each sample of each training."""
        found = []
        for (name, seed), note in self.notes.items():
            for k, step in enumerate(note["steps"]):
                row: Row = {"variant": name, "seed": seed, "step": step}
                row["loss"] = note["loss"][k - 1] if k else None
                for kind in self.kinds:
                    of, values = note[kind], _size(note, kind) * model.DIMS
                    row |= {
                        f"{kind}_{each}": of[each][k]
                        for each in ("distinct", "black_holes", "mean_radius", "bulk", "thermal")
                    }
                    moved = of["moved_values"][k]
                    row[f"{kind}_moved"] = None if moved is None else moved / values
                for each in ("replay", "straight"):
                    moved = note.get(each)
                    row[f"{each}_distinct"] = moved["distinct"][k] if moved else None
                found.append(row)
        return found

    def variant(self, name: str) -> Row:
        """Return the lists of what the runs of a variant came to, by name."""
        there = where(self.runs, variant=name)
        return {"name": name, **{each: [row[each] for row in there] for each in there[0]}}


def _size(note: dict[str, Any], kind: str) -> int:
    return sum(note[kind]["last_motion"])


def _own(of: dict[str, Any], note: dict[str, Any]) -> Row:
    """Return what tokens of a kind come to."""
    frozen = freezing(of["last_motion"], note["steps"])
    first, last = of["mean_radius"][0], of["mean_radius"][-1]
    return {
        "distinct_first": of["distinct"][0],
        "distinct": of["distinct"][-1],
        "black_holes": of["black_holes"][-1],
        "black_hole_tokens": of["black_hole_tokens"][-1],
        "largest": of["largest"][-1],
        "born": of["born"],
        "froze": frozen["median"],
        "froze_p10": frozen["p10"],
        "froze_p90": frozen["p90"],
        "moving": frozen["moving"],
        "slow": _slow(of, note["steps"]),
        "radius_first": first,
        "radius": last,
        "contraction": last / first if first else None,
        "path": of["path"],
        "norm": of["centroid_norm"][-1],
        "share": share(of["bulk"], of["thermal"]),
    }


def _slow(of: dict[str, Any], steps: list[int]) -> int | None:
    """Return the step from which on few values move; None where many do to the end."""
    least = SLOW * sum(of["last_motion"]) * model.DIMS
    moved = [None if many is None else many >= least for many in of["moved_values"]]
    after = len(moved) - moved[::-1].index(True) if True in moved else 0
    return steps[after] if after < len(steps) else None


def of_page(facts: TrainingFacts) -> dict[str, Any]:
    """Return the names that the template knows."""
    found = {name: facts.variant(name) for name in facts.variants}
    arithmetic = facts.plan["kinds"]
    return {
        "plan": facts.plan,
        "usual": facts.plan["usual"],
        "of": found,
        "variants": facts.plan["variants"],
        "arithmetic": arithmetic,
        "kinds": facts.kinds,
        "has_dead": facts.has_dead,
        "others": [name for name in arithmetic if name != "nearest"],
        "unseen": facts.unseen,
        "slow": SLOW,
        "enough": len(facts.seeds) >= 3,
        "every": _claims(found, arithmetic) if facts.has_dead else {},
        "parameters": model.size(facts.plan["usual"]["vocabulary"], facts.plan["usual"]["length"]),
    }


def _claims(of: dict[str, Row], arithmetic: list[str]) -> dict[str, Any]:
    """Return which claims of the page hold for every seed, by name."""

    def each(name: str, claim: Callable[[Row], bool]) -> bool:
        lists = of[name]
        runs = [
            {key: values[k] for key, values in lists.items() if key != "name"}
            for k in range(len(lists["seed"]))
        ]
        return all(map(claim, runs))

    def sooner(name: str, other: str, key: str) -> bool:
        return all(a < b for a, b in zip(of[name][key], of[other][key], strict=True))

    def above(prefix: str, other: str) -> bool:
        return sooner(f"{prefix}{other}", f"{prefix}nearest", "loss")

    masterly = "master" in arithmetic
    others = [kind for kind in arithmetic if kind != "nearest"]
    return {
        "wide_apart": all(
            each(kind, lambda run: run["dead_black_holes"] == run["live_black_holes"] == 0)
            for kind in arithmetic
        ),
        "narrow_holes": each("narrow-nearest", lambda run: run["dead_black_holes"] > 0),
        "narrow_live_apart": each("narrow-nearest", lambda run: run["live_black_holes"] == 0),
        "narrow_apart": {
            kind: each(f"narrow-{kind}", lambda run: run["dead_black_holes"] == 0)
            for kind in arithmetic
        },
        "between_apart": each("between", lambda run: run["dead_black_holes"] == 0),
        "sooner": masterly and sooner("nearest", "master", "dead_froze"),
        "slower": masterly
        and all(
            (a if a is not None else math.inf) < (b if b is not None else math.inf)
            for kind in KINDS
            for a, b in zip(
                of["nearest"][f"{kind}_slow"], of["master"][f"{kind}_slow"], strict=True
            )
        ),
        "sooner_live": masterly and sooner("nearest", "master", "live_froze"),
        "contracts": {
            kind: each(kind, lambda run: run["dead_contraction"] < 1) for kind in arithmetic
        },
        "widens": {
            kind: each(kind, lambda run: run["dead_contraction"] > 1) for kind in arithmetic
        },
        "wider": masterly and sooner("master", "nearest", "dead_contraction"),
        "costs": bool(others)
        and all(above(prefix, kind) for prefix in ("", "narrow-") for kind in others),
        "decay_sooner": sooner("decay", "nearest", "dead_froze"),
        "live_widens": all(
            each(kind, lambda run: run["live_contraction"] > 1) for kind in arithmetic
        ),
        "replay_more": each(
            "narrow-nearest", lambda run: run["replay_distinct"] < run["dead_distinct"]
        ),
        "replay_holes": each("narrow-nearest", lambda run: run["replay_black_holes"] > 0),
        "replay_apart": each("nearest", lambda run: run["replay_black_holes"] == 0),
        "straight_holes": each("narrow-nearest", lambda run: run["straight_black_holes"] > 0),
        "common": each("nearest", lambda run: run["dead_share"] > 0.9),
        "own": each("nearest", lambda run: run["live_share"] < 0.5),
        "decay_changes": not any(
            a == b for a, b in zip(of["decay"]["loss"], of["nearest"]["loss"], strict=True)
        ),
        "decay_contracts": sooner("decay", "nearest", "dead_contraction"),
        "rate_farther": sooner("nearest", "rate", "dead_path"),
    }

"""The parts of the study: trainings that differ from the first in one thing each, over seeds.

usual    the settings as they are given, rounded to nearest
variant  the usual settings but for some; `narrow` ones begin with embeddings of a tiny deviation
decay    weight decays: one for which lr * decay is below 2**-9, so that no bfloat16 can notice,
         and one above
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from drift.experiments.studies.parts import Note, Part, StudyStores, Training
from drift.experiments.studies.training.measured import measured
from drift.experiments.training.settings import KINDS, Settings
from drift.sim.errors import BadInput

NARROW, NARROWER = 1e-4, 1e-6
"""Standard deviations of the embeddings in narrow trainings."""
_RATE = 3.0
"""Factor of the learning rate that is varied."""
_UNSEEN, _SEEN = 2.0**-10, 2.0**-8
"""Products of learning rate and decay: half the least that any bfloat16 notices, and twice it."""
_SEEDS = 3
_QUICK = {
    **{"vocabulary": 48, "batch": 2, "length": 8, "steps": 60, "warmup": 5, "record_every": 5},
    "arithmetic": ["nearest", "master"],
}


def parts(quick: bool, options: Mapping[str, Any]) -> list[Part]:
    """Return the parts. Raises BadInput for options that make no sense."""
    given = {**(_QUICK if quick else {}), **options}
    kinds, seeds = given.pop("arithmetic", list(KINDS)), given.pop("seeds", _SEEDS)
    usual = settings_of(given)
    if not 1 <= seeds <= 1000:
        raise BadInput(f"seeds is {seeds:,}; it must be in 1 ... 1,000")
    variants = variants_of(usual, kinds)
    trainings = {
        f"{name}-{seed}": replace(of, seed=seed)
        for name, of in variants.items()
        for seed in range(seeds)
    }
    made: list[Part] = []
    for name, of in trainings.items():
        made.append(Training(name, of))
        made.append(_note(name, of))
    made.append(_unseen(usual, seeds))
    total = sum(of.record_bytes for of in trainings.values())
    plan = {
        "usual": usual.as_json(),
        "variants": {name: of.as_json() for name, of in variants.items()},
        "kinds": list(kinds),
        "seeds": seeds,
        "narrow": [NARROW, NARROWER],
        "quick": quick,
        "live": usual.live,
        "records": usual.records,
        "bytes": total,
    }
    return [Note("plan", plan, lambda _: plan), *made]


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Return the settings that options ask for. Raises BadInput where they make no sense."""
    fields = dict(given)
    steps = fields.get("steps")
    if isinstance(steps, list):
        if len(steps) != 1:
            raise BadInput(f"steps is {steps}; training takes one whole number")
        fields["steps"] = steps[0]
    short = fields.get("steps")
    if isinstance(short, int):  # what was not asked for follows what was
        usual = Settings()
        fields.setdefault("warmup", min(usual.warmup, max(0, short // 10)))
        fields.setdefault("record_every", max(1, min(usual.record_every, short)))
    return Settings(**fields)


def variants_of(usual: Settings, kinds: list[str]) -> dict[str, Settings]:
    """Return the settings of each variant, by name; the first is the usual one.

    Raises BadInput for kinds of arithmetic that there are not.
    """
    for kind in kinds:
        replace(usual, arithmetic=kind)  # type: ignore[arg-type]  # which it checks
    if kinds[0] != "nearest":
        raise BadInput(f"arithmetic is {', '.join(kinds)}; the first must be nearest")
    found = {kind: replace(usual, arithmetic=kind) for kind in dict.fromkeys(kinds)}  # type: ignore[arg-type]
    for kind in found.copy():
        found[f"narrow-{kind}"] = replace(found[kind], sigma=NARROWER)
    nearest = found["nearest"]
    found["between"] = replace(nearest, sigma=NARROW)
    found["rate"] = replace(nearest, lr=min(1.0, _RATE * usual.lr))
    for name, product in (("unseen-decay", _UNSEEN), ("decay", _SEEN)):
        found[name] = replace(nearest, weight_decay=float(f"{product / usual.lr:.3g}"))
    return found


def _note(name: str, of: Settings) -> Note:
    return Note(f"measured-{name}", of.as_json(), lambda made: measured(made, name))


def _unseen(usual: Settings, seeds: int) -> Note:
    """Return the part that compares trainings with the small decay and without, bit by bit."""

    def find(made: StudyStores) -> list[bool]:
        stores = [
            [made.training(f"{name}-{seed}") for name in ("nearest", "unseen-decay")]
            for seed in range(seeds)
        ]
        return [
            all(np.array_equal(a.values(name), b.values(name)) for name in ("W", "loss"))
            for a, b in stores
        ]

    return Note("unseen", {"usual": usual.as_json(), "seeds": seeds}, find)

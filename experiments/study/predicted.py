"""Notes of what is expected of drifts (sim.prediction)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from drift.experiments.study.parts import Made, Note
from drift.sim.spec.drift import Drift


def expectations(name: str, drift: Drift, sigmas: Sequence[float]) -> Note:
    """A note of what is expected at the end of `drift` for each of `sigmas`, and the onset."""
    asked = {"drift": drift.as_json(), "sigmas": list(sigmas)}

    def find(made: Made) -> dict[str, Any]:
        from drift.sim.prediction.onset import onsets
        from drift.sim.prediction.predict import expect

        curve = [row[0] for row in expect(drift, [drift.steps], list(sigmas))]
        points = [
            {"sigma": sigma, **dataclasses.asdict(one)}
            for sigma, one in zip(sigmas, curve, strict=True)
        ]
        return {"onset": onsets(drift, [drift.steps])[0], "curve": points}

    return Note(name, asked, find)

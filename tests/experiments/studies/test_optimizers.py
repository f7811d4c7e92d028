"""The study of optimizers: its parts, its page, and that every claim is that of its stores."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from drift.experiments.studies import optimizers, parts, run_study
from drift.experiments.studies.number_format import spans
from drift.experiments.studies.optimizers import figures, plan
from drift.experiments.studies.optimizers.measured import measured
from drift.experiments.studies.registry import STUDIES
from drift.sim.matrix import values
from drift.sim.runs.simulate import simulate
from drift.sim.spec.drift import Drift
from tests.support import svg_only
from tests.support.study_page import whole_page

TINY = plan.StudyShape(
    tokens=12,
    dims=4,
    steps=6,
    records=3,
    sigma=1e-4,
    sigmas=(1e-5, 1e-3),
    directions=(0, 1),
)


def measured_without_jax(drift, seeds):
    """What is measured; of the kinds that take long, rounded to nearest instead."""
    if drift.motion != "straight" or not drift.kahan:
        drift = replace(drift, rounding="nearest", noise=0.0, kahan=False)
    return measured(drift, seeds)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The study of a tiny plan, and what it printed."""
    out = tmp_path_factory.mktemp("optimizers")
    with pytest.MonkeyPatch.context() as patch:
        svg_only.draw(patch)
        patch.setattr(plan, "_plan", lambda quick: TINY)
        patch.setattr(plan, "measured", measured_without_jax)
        yield out, run_study.run_study(STUDIES["optimizers"], out, quick=True, device="cpu")


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.slow
def test_the_page_shows_all_and_its_numbers_are_those_of_the_drifts(tiny):
    out, said = tiny
    pictures = ["distinct.png", "done.png", "moved.png", "spread.png", "widths.png"]
    whole_page(out, said, pictures)
    rows = table(out / "arithmetic.csv")
    assert len(rows) == 2 * 4 * 5 * 2
    one = Drift(sigma=1e-4, tokens=12, dims=4, steps=6, records=3, kahan=True, seed=1)
    one = replace(one, direction_seed=1, centre="random:0.371")
    found = simulate(one, on="cpu")
    (row,) = [
        row
        for row in rows
        if (row["start"], row["motion"], row["kind"], row["seed"])
        == ("centre", "straight", "kahan", "1")
    ]
    assert int(row["distinct"]) == found.final.distinct
    assert float(row["done"]) == sum(counts.done for counts in found.records)
    ends = [values(found.snapshots[step], one.target).astype(float) for step in (0, 6)]
    wide = [np.sqrt(((each - each.mean(axis=0)) ** 2).sum(axis=1).mean()) for each in ends]
    assert float(row["contraction"]) == pytest.approx(wide[1] / wide[0])


@pytest.mark.slow
def test_claims_follow_the_stores(tiny, monkeypatch):
    out, _ = tiny
    monkeypatch.setattr(figures, "figures", lambda facts: {})
    made = parts.StudyStores(out / "stores")
    note = out / "stores" / "origin-adamw-stochastic.json"
    kept, told = note.read_text(), json.loads(note.read_text())
    for one in told["found"]:
        one["records"][-1] |= {"black_holes": 7654, "done": 0.0, "asked": 1.0}
    note.write_text(json.dumps(told))
    try:
        after = optimizers.page(made, "it").text
    finally:
        note.write_text(kept)
    assert "| 7,654 |" in after
    assert "Stochastic rounding arrives" not in after
    assert "leaves no black hole" not in after
    assert "7,654" not in optimizers.page(made, "it").text


def test_ranges_say_where_there_is_none():
    assert spans([1, 5, 3]) == "1 to 5"
    assert spans([0.37101, 0.37102]) == "0.371"
    assert spans([None, None]) == "–"
    assert spans([None, 20]) == "–, up to 20"

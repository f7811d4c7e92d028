"""Studies on the command line: from nothing to a page, again, and after an interruption."""

import csv
import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from drift.experiments import observed
from drift.experiments.studies import parts, rescaling
from drift.experiments.studies.coarsening import directions, figures, plan, similarity
from drift.experiments.studies.coarsening import page as page_of
from drift.experiments.studies.number_format import count, listed, number, span
from drift.experiments.studies.registry import STUDIES
from drift.experiments.studies.rows import limits
from drift.kernels import distances
from drift.sim.open_matrix import open_matrix
from drift.sim.prediction.expected import expect
from drift.sim.prediction.stalling import stall_steps
from drift.sim.spec.drift import Drift
from drift.sim.structures.structure import structure_of
from drift.sim.sweeps.store import SweepStore
from tests.support import svg_only
from tests.support.run_cli import drift

pytestmark = pytest.mark.slow

TINY = plan.VariedValues(
    vocabulary=40,
    tokens=30,
    dims=16,
    sigmas=(1e-8, 1e-5, 1e-2),
    kept=(1e-8, 1e-5),
    few=(1e-6, 1e-4),
    wide=(1e-8, 1e-4),
    repeated=(1e-6, 1e-5),
    steps=(1, 100, 2000),
    directions=(0, 1),
    clouds=3,
    many=3,
    jitters=(1e-4, 1e-2),
)


def table(path):
    """The rows of a CSV."""
    return list(csv.DictReader(path.read_text().splitlines()))


def row_of(text, name):
    """The first row of a page's tables that is of this name."""
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def contents(out):
    """The bytes of all that a study draws."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    """The study `coarsening` of a tiny plan, and what it printed."""
    out = tmp_path_factory.mktemp("coarse")
    with pytest.MonkeyPatch.context() as patch:
        svg_only.draw(patch)
        patch.setattr(plan, "_plan", lambda quick: TINY)
        patch.setattr(similarity, "FACTOR", 1000.0)
        patch.setattr(rescaling, "RESCALED", ("bfloat16", "float4_e2m1fn"))
        from drift.experiments.studies.run_study import run_study

        yield out, run_study(STUDIES["coarsening"], out, quick=True, device="cpu")


def test_it_is_all_there_and_the_page_shows_every_figure(coarse):
    out, said = coarse
    text = (out / "README.md").read_text()
    assert said["page"] == str(out / "README.md")
    assert set(said["files"]) == {str(path) for path in out.iterdir() if path.is_file()}
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert len(pictures) == 8
    assert all(f"]({name})" in text for name in pictures)
    assert all(f"]({path.name})" in text for path in out.glob("*.csv"))
    assert "None" not in text
    assert "nan" not in text
    assert "`drift study coarsening --quick`" in text


def test_the_transition_is_that_of_the_store(coarse):
    out, _ = coarse
    store = SweepStore(out / "stores" / "transition.zarr")
    rows = table(out / "transition.csv")
    assert store.complete
    assert len(rows) == len(store.grid) == 36
    for name in ("distinct", "pairs", "black_holes"):
        stored = store.read(name)[..., -1].ravel().tolist()
        assert [int(row[name]) for row in rows] == stored
    assert [float(row["reached"]) for row in rows] == store.read("radius")[..., -1].ravel().tolist()
    assert [float(row["sigma"]) for row in rows][:12] == [1e-8] * 12


def test_black_holes_begin_where_the_cells_say_so(coarse):
    out, _ = coarse
    text, cells = (out / "README.md").read_text(), table(out / "transition.csv")
    for row in table(out / "onsets.csv"):
        there = [cell for cell in cells if cell["steps"] == row["steps"]]
        holed = [float(cell["sigma"]) for cell in there if int(cell["black_holes"])]
        assert float(row["holes"]) == max(holed)
        whole = [
            sigma
            for sigma in TINY.sigmas
            if all(int(c["distinct"]) == 1 for c in there if float(c["sigma"]) <= sigma)
        ]
        assert (float(row["one"]) if row["one"] else None) == max(whole, default=None)
        line = row_of(text, number(int(row["steps"])))
        assert f" {number(max(holed))} |" in line


def test_the_structure_is_that_of_the_runs(coarse):
    out, _ = coarse
    for row in table(out / "structure.csv"):
        name = f"cloud-{row['direction_seed']}-{float(row['sigma']):g}.zarr"
        found = structure_of(open_matrix(out / "stores" / name))
        held = found.occupied.population[found.occupied.holes]
        assert int(row["cells"]) == found.cells
        assert int(row["black_holes"]) == len(held)
        assert int(row["largest"]) == max(held.tolist(), default=1)
        assert int(row["singletons"]) == np.count_nonzero(found.occupied.population == 1)
        assert int(row["isolated"]) == found.isolated.nodes
        assert int(row["farthest"]) == (found.black_hole_distance.max() if len(held) else 0)
        source = name.removesuffix(".zarr")
        assert of(out, "populations", source, "tokens") == sorted(held.tolist(), reverse=True)
        parts_there = [each.as_json()["edges"] for each in found.components]
        assert of(out, "components", source, "edges") == parts_there
        apart = [row for row in table(out / "distances.csv") if row["source"] == source]
        cells = {int(r["distance"]): int(r["pairs"]) for r in apart if r["of"] == "cells"}
        assert cells == found.pairs_at_distance
        holes = {int(r["distance"]): int(r["pairs"]) for r in apart if r["of"] == "black holes"}
        far = found.black_hole_distance[np.triu_indices(len(held), 1)]
        assert holes == dict(
            zip(*map(np.ndarray.tolist, np.unique(far, return_counts=True)), strict=True)
        )


def of(out, name, source, column):
    """A column of the rows of one source, whole numbers."""
    return [int(row[column]) for row in table(out / f"{name}.csv") if row["source"] == source]


def test_what_is_expected_is_what_sim_expects(coarse):
    out, _ = coarse
    one = Drift(sigma=1e-8, tokens=30, dims=16)
    store = SweepStore(out / "stores" / "repeats.zarr")
    expected = [row[0] for row in expect(one, [100], TINY.repeated)]
    for k, row in enumerate(table(out / "prediction.csv")):
        assert float(row["expected"]) == expected[k].pairs
        assert float(row["standard_error"]) == expected[k].pairs_error / np.sqrt(3)
        assert float(row["pairs"]) == store.read("pairs")[k, :, -1].mean()


def test_what_the_page_says_follows_the_stores(coarse, monkeypatch):
    out, _ = coarse
    monkeypatch.setattr(figures, "figures", lambda facts: {})
    made = parts.StudyStores(out / "stores")
    before = page_of(made, "it").text
    note = out / "stores" / "structure-cloud-0-1e-05.json"
    kept = note.read_text()
    changed = json.loads(kept)
    changed["found"]["hole_pairs_at_distance"] = {"77": 1}
    changed["found"]["populations"] = [7654, 2]
    note.write_text(json.dumps(changed))
    try:
        after = page_of(made, "it").text
    finally:
        note.write_text(kept)
    assert "7,654" not in before
    assert "| 77 |" not in before
    assert "7,654" in after
    assert page_of(made, "it").text == before


def test_where_nothing_is_alike_the_page_says_so(coarse, monkeypatch):
    monkeypatch.setattr(similarity, "FACTOR", 1.0)
    monkeypatch.setattr(figures, "figures", lambda facts: {})
    text = page_of(parts.StudyStores(coarse[0] / "stores"), "it").text
    assert "**For no σ tried does drift alone leave" in text
    assert "Drift alone makes about as many" not in text
    assert "| reproduced |" not in text


def test_again_it_only_draws_the_page(coarse, monkeypatch):
    out, first = coarse
    before = contents(out)
    for path in out.iterdir():
        if path.is_file():
            path.unlink()
    from drift.experiments.studies.run_study import run_study

    again = run_study(STUDIES["coarsening"], out, quick=True, device="cpu")
    assert all(part["before"] for part in again["parts"])
    assert not any(part["before"] for part in first["parts"])
    assert contents(out) == before


@pytest.fixture(scope="module")
def stalled(tmp_path_factory):
    """The study `stall`, interrupted in its fifth part and gone on with."""
    out = tmp_path_factory.mktemp("stalled")
    with pytest.MonkeyPatch.context() as patch:
        done, real = [], parts.Note.do

        def do(self, *arguments):
            done.append(self.name)
            if len(done) == 4:
                raise KeyboardInterrupt
            real(self, *arguments)

        patch.setattr(parts.Note, "do", do)
        from drift.experiments.cli import main

        arguments = ["study", "stall", "--quick", "--out", str(out), "--device", "cpu", "--json"]
        assert main.outcome(arguments) == 130
        assert not (out / "README.md").exists()
    return out, arguments


def test_an_interrupted_study_goes_on(svg_only, stalled, capsys, tmp_path):
    out, arguments = stalled
    status, printed, err = drift(capsys, *arguments)
    assert status == 0
    found = json.loads(printed)
    assert [part["before"] for part in found["parts"]] == [True] * 4 + [False] * 4
    assert err.splitlines()[0] == "study: 5 of 8, stall-100"
    undisturbed = tmp_path / "other"
    assert drift(capsys, *["--out" if a == "--out" else a for a in arguments[:4]], undisturbed,
                 "--device", "cpu")[0] == 0  # fmt: skip
    assert contents(undisturbed) == contents(out)


def test_an_interruption_says_how_to_go_on(in_tmp, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(parts.Sweep, "do", stop)
    status, _, err = drift(capsys, "study", "stall", "--quick", "--device", "cpu")
    assert status == 130
    assert err.splitlines()[-1] == "drift: interrupted; the same command goes on with what is left"
    assert not Path("results/stall-quick/README.md").exists()


def test_the_numbers_of_stall_are_those_of_its_store(stalled, capsys):
    out, arguments = stalled
    assert drift(capsys, *arguments)[0] == 0
    store = SweepStore(out / "stores" / "steps.zarr")
    rows, text = table(out / "stall.csv"), (out / "README.md").read_text()
    reached = store.read("radius")[..., -1].ravel()
    assert [float(row["reached"]) for row in rows] == reached.tolist()
    for row in rows[:3]:
        one = Drift(sigma=1e-9, tokens=60, dims=32, steps=int(row["steps"]))
        expected = expect(one, [one.steps], [1e-9])[0][0]
        assert float(row["expected_reached"]) == expected.radius
        stalls = stall_steps(one)
        there = sorted(step for step in stalls if step is not None)
        half = there[(len(there) - 1) // 2] if 2 * len(there) > len(stalls) else None
        assert row["half_stall_by"] == ("" if half is None else str(half))
        line = row_of(text, number(int(row["steps"])))
        assert number(float(row["reached"])) in line
        assert number(expected.radius) in line


def test_stores_of_something_else_are_refused(stalled, capsys, tmp_path):
    out, _ = stalled
    there = tmp_path / "stores"
    shutil.copytree(out / "stores" / "steps.zarr", there / "way-bfloat16.zarr")
    status, _, err = drift(capsys, "study", "formats", "--quick", "--out", tmp_path)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "way-bfloat16.zarr holds something else" in err
    assert sorted(path.name for path in there.iterdir()) == ["way-bfloat16.zarr"]


def test_an_unfinished_store_of_another_version_is_named_with_what_works(
    svg_only, stalled, capsys, tmp_path
):
    shutil.copytree(stalled[0], tmp_path / "stall")
    store = tmp_path / "stall" / "stores" / "steps.zarr"
    opened = SweepStore(store, writing=True)
    opened.update(versions={"bf16-drift": "0.0"})
    line = ["study", "stall", "--quick", "--out", tmp_path / "stall"]
    assert drift(capsys, *line)[0] == 0  # what is complete stays
    opened.update(complete=False)
    status, _, err = drift(capsys, *line)
    assert (status, len(err.splitlines())) == (2, 1)
    assert f"{store} was begun by version 0.0, this is" in err
    assert "--overwrite" not in err
    assert "remove it, or --out names another place" in err
    shutil.rmtree(store)
    assert drift(capsys, *line)[0] == 0


BAD = {
    "no name": ([], "no study is named; the studies are coarsening, rounding, formats, stall,"),
    "a wrong name": (["smoke"], "there is no study 'smoke'; the studies are coarsening"),
    "a bucket": (["stall", "--out", "s3://bucket/x"], "a local path is needed"),
    "a file in the way": (["stall", "--quick", "--out", "file"], "file can't be written"),
    "a device": (["stall", "--quick", "--device", "abacus"], "abacus"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(case, in_tmp, capsys):
    arguments, expected = BAD[case]
    Path("file").write_text("here")
    status, out, err = drift(capsys, "study", *arguments)
    assert (status, out) == (2, "")
    assert expected in err
    assert len([line for line in err.splitlines() if not line.startswith("study: ")]) == 1


def test_the_list_names_every_study(capsys):
    status, out, _ = drift(capsys, "study", "--list", "--json")
    assert status == 0
    assert [each["name"] for each in json.loads(out)] == list(STUDIES)
    out = drift(capsys, "study", "--list")[1]
    assert all(f"{study.name}\n  {study.asks}" in out for study in STUDIES.values())


def test_limits_hold_for_every_cloud_and_every_sigma_below():
    def row(sigma, distinct, start=9):
        holes = int(distinct < 9)
        return {"sigma": sigma, "distinct": distinct, "alive": 9, "black_holes": holes,
                "start": start}  # fmt: skip

    some = [row(1, 1, 1), row(1, 1, 1), row(2, 1), row(2, 3), row(3, 1), row(3, 4), row(4, 9)]
    assert limits(some) == {"one": 1, "half": 3, "holes": 3, "lone": 1}
    assert limits([row(1, 5), row(2, 1, 1)]) == {
        "one": None,
        "half": None,
        "holes": 2,
        "lone": None,
    }


def test_words():
    assert [number(x) for x in (2212, 0.3710, 3.2e-10, 1e-9, 0.0, None, 12345.6)] == [
        "2,212", "0.371", "3.2·10⁻¹⁰", "10⁻⁹", "0", "–", "12,346",
    ]  # fmt: skip
    assert span([3, 12, 5]) == "3 to 12"
    assert span([3, 3]) == "3"
    assert listed([1, 10, 100]) == "1, 10 and 100"
    assert [count(n, "black hole") for n in (0, 1, 13)] == [
        "no black holes", "1 black hole", "13 black holes",
    ]  # fmt: skip


def test_distances_of_holes_are_counted_as_published():
    assert distances.count_by_distance(np.array([[0, 0], [1, 5], [0, 1]])) == {1: 1, 4: 1, 5: 1}
    seen = similarity.observed_features(observed.qwen3_4b())
    assert (seen["black_holes"], seen["largest"], seen["held"], seen["large"]) == (13, 814, 2100, 4)
    assert (seen["singletons"], seen["isolated"], seen["farthest"]) == (112, 91, 11)


def test_a_report_is_the_page_with_its_figures_and_tables_inside(coarse, tmp_path, capsys):
    out, _ = coarse
    named = tmp_path / "a name of its own"
    named.symlink_to(out)
    page = str(tmp_path / "p.html")
    status, said, err = drift(capsys, "report", str(named), "-o", page, "--json")
    assert (status, err) == (0, "")
    assert json.loads(said)["page"] == page
    html = Path(page).read_text()
    assert html.count('class="figure"') == 8
    assert "<a href" not in html
    rows = [line for line in (out / "README.md").read_text().splitlines() if line.startswith("| ")]
    cells = {cell.strip("* ") for row in rows for cell in row.strip("| ").split(" | ")}
    assert len(cells) > 50
    shown = {unescape(text) for text in re.findall(r">([^<>]*)<", html)}
    assert not [cell for cell in cells - shown if not set(cell) <= set("-:")]


def test_a_report_of_half_a_study_is_refused(coarse, tmp_path, capsys):
    (tmp_path / "coarsening-quick" / "stores").mkdir(parents=True)
    status, said, err = drift(capsys, "report", str(tmp_path / "coarsening-quick"))
    assert (status, said, err.count("\n")) == (2, "", 1)
    assert "drift study coarsening --quick continues it" in err
    assert list(tmp_path.iterdir()) == [tmp_path / "coarsening-quick"]


def test_directions_are_shared_out_by_what_is_near_the_observation():
    seen = {"black_holes": 10, "held": 100, "largest": 50, "singletons": 8}
    close = {"black_holes": 6.0, "held": 120.0, "largest": 90, "singletons": 5.0}
    rows = [
        {"direction_seed": 0, "sigma": 1.0, **close},
        {"direction_seed": 1, "sigma": 1.0, **close, "singletons": 0.5},
        {"direction_seed": 0, "sigma": 2.0, **close, "held": 10.0},
    ]
    one, two = directions.shares(rows, seen)
    assert (one["black_holes"], one["singletons"], one["similar"], one["all"]) == (1, 0.5, 1, 0.5)
    assert (two["black_holes"], two["similar"], two["all"]) == (1, 0, 0)
    assert directions.similar_rows(rows, seen) == rows[:2]

"""`drift report`: the numbers of the store, nothing hostile, and what is there where not all is."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from drift.experiments.cli import main
from drift.experiments.figures.captions import axis_label
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.report import structure, sweep
from drift.experiments.report.document import inline_svg, render
from drift.experiments.report.page import page_of
from drift.experiments.report.prediction import of_run
from drift.experiments.report.tables import every_nth, ordinal, without_mathtext
from drift.experiments.report.turning_point import TurningPoint
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.errors import BadInput
from drift.sim.open_matrix import open_matrix
from drift.sim.prediction import expected as prediction
from drift.sim.prediction.expected import expect
from drift.sim.runs import run
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.structures.structure import structure_of
from tests.support import builders, s3_server
from tests.support.builders import sweep_store

pytestmark = pytest.mark.slow

SMALL = Drift(sigma=1e-7, tokens=80, dims=100, steps=60, records=6, snapshots="records")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\" onload=\"x\u202e"
KEPT = {"th", "td", "caption", "h1", "h2", "h3", "script"}
VOID = {"meta", "link", "input", "img", "br"}


class Read(HTMLParser):
    """What a browser makes of a page: its elements, its tables by caption, its texts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.tables, self.headings, self.scripts = {}, [], []
        self._cell = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        self._cell = (
            "" if tag in ("th", "td", "caption", "h1", "h2", "h3", "script") else self._cell
        )

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("th", "td"):
            self.rows[-1].append(self._cell)
        if tag == "caption":
            self.tables[self._cell] = self.rows
        if tag in ("h1", "h2", "h3"):
            self.headings.append(self._cell)
        if tag == "script":
            self.scripts.append(self._cell)

    def handle_data(self, data):
        self._cell += data
        if "script" not in self.open and "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "a.zarr"
    run.run(SMALL, path, on="cpu")
    return RunStore(path)


@pytest.fixture(scope="module")
def html(store):
    return render(page_of([store.address]))


@pytest.fixture(scope="module")
def read(html):
    return Read(html)


def columns(table):
    """A table's columns by their names."""
    names, *rows = table
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def shown(value):
    """A real number as tables of predictions have it."""
    return f"{value:,.1f}" if value >= 100 else f"{value:.3g}"


def test_every_number_is_the_stores(store, read):
    found = columns(read.tables["Counts by step"])
    records = store.records()
    assert [int(step) for step in found["step"]] == [counts.step for counts in records]
    for name in ("distinct", "black_holes", "black_hole_tokens", "singletons", "largest", "alive"):
        shown = [int(text.replace(",", "")) for text in found[name.replace("_", " ")]]
        assert shown == [getattr(counts, name) for counts in records]
    assert found["coalesced pairs"] == tuple(f"{counts.pairs:,}" for counts in records)
    assert found["radius reached"] == tuple(f"{counts.radius:.6g}" for counts in records)
    last = records[-1]
    assert f"distinct cells80 → {last.distinct}" in re.sub(r"\s*\n\s*", "", read.text)
    populations = columns(read.tables["Populations of the black holes"])
    shown = zip(populations["population"], populations["black holes"], strict=True)
    every = [int(tokens) for tokens, count in shown for _ in range(int(count))]
    assert every == store.read("populations").tolist()


def test_the_structure_is_that_of_the_last_cloud(store, read):
    found = structure_of(open_matrix(store.address))
    shown = columns(read.tables["Components of adjacent cells"])
    assert [int(n) for n in shown["nodes"][:-1]] == [len(each.cells) for each in found.components]
    assert int(shown["nodes"][-1]) == found.isolated.nodes
    pairs = columns(read.tables["Pairs of cells by lattice distance"])["pairs"]
    assert sum(int(n.replace(",", "")) for n in pairs) == sum(found.pairs_at_distance.values())


def test_the_prediction_stands_beside_what_was_counted(store, read):
    found = columns(read.tables["Coalesced pairs"])
    records = store.records()
    [expected] = expect(SMALL, [counts.step for counts in records], [SMALL.sigma])
    assert found["expected pairs"] == tuple(shown(each.pairs) for each in expected)
    errors = tuple(shown(each.pairs_error) for each in expected)
    assert found["standard error"] == ("–", *errors[1:])  # at the start it is of no size
    apart = [
        (counts.pairs - each.pairs) / each.pairs_error
        for counts, each in zip(records[1:], expected[1:], strict=True)
    ]
    assert found["difference / error"][1:] == tuple(f"{each:+.2f}" for each in apart)
    assert max(map(abs, apart)) < 5


def test_symbols_are_letters():
    every = [without_mathtext(axis_label(name)) for name in FIELDS]
    assert not [text for text in every if "\\" in text or "$" in text or "_" in text]
    assert {"weight decay, λ", "decay of AdamW's first moment, β₁"} <= set(every)


def test_of_many_rows_the_note_says_which_are_left_out():
    shown, note = every_nth(range(300), "grid points")
    assert shown == [*range(0, 299, 2), 299]
    assert note == (
        "Every 2nd of 300 grid points and the last are listed, from the first on: 151 in all."
        " The 149 between them are left out."
    )
    assert every_nth(range(200), "records") == ([*range(200)], "")
    assert [ordinal(n) for n in (3, 11, 12, 21, 1002)] == ["3rd", "11th", "12th", "21st", "1,002nd"]
    for many in (201, 399, 401, 1000, 12345):
        shown, note = every_nth(range(many), "records")
        assert len(shown) <= 200
        assert note
        assert (shown[0], shown[-1]) == (0, many - 1)


def data(read):
    """What the panel's script reads."""
    [found] = [json.loads(text) for text in read.scripts if text.startswith("{")]
    return found


def test_what_is_certain_is_not_measured_in_errors(tmp_path):
    drift = Drift(sigma=1e-12, tokens=60, dims=40, steps=20)
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    rows = of_run(RunStore(tmp_path / "a.zarr"), [{"step": 20, "pairs": 1_770}], ExpectedPairs())[
        -1
    ].rows
    assert rows == [["20", "1,770", "1,770.0", "–", "–"]]


def test_the_lattice_has_the_bits_of_the_snapshots(store, read):
    found = data(read)
    names = [dict(e).get("value") for tag, e in read.elements if tag == "option"]
    assert len(found["codes"]) * 2 == len(names)
    dims = [int(n) for n in re.findall(r"dimension ([\d,]+), \|u\|", read.text)]
    assert len(dims) == len(names)
    bits = store.read("bits")
    assert found["steps"] == [str(step) for step in SMALL.snapshot_steps]
    for dim, text in zip(dims, found["codes"], strict=False):
        codes = np.frombuffer(base64.b64decode(text), "<u2").reshape(7, 80)
        np.testing.assert_array_equal(codes, bits[:, :, dim])
    assert found["distinct"] == [counts.distinct for counts in store.records()]
    u = np.abs(store.read("direction"))
    assert dims[len(names) // 2 - 1] == u.argmax()
    ends = [len(np.unique(BFLOAT16.coordinate(bits[-1, :, dim]))) for dim in range(len(u))]
    told = [int(n) for n in re.findall(r"\|u\| = [^,]+, ([\d,]+) values? at the end", read.text)]
    assert told == [ends[dim] for dim in dims]  # they separate as many as the page says
    assert told[0] == max(told)
    assert told[0] >= max(ends[dim] for dim in np.argsort(u)[:40])


def test_tokens_that_leave_are_not_shown(tmp_path):
    drift = Drift(sigma=1e-9, tokens=20, dims=8, steps=10, survivors=5, snapshots="records")
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    store = RunStore(tmp_path / "a.zarr")
    found = data(Read(render(page_of([store.address]))))
    present = np.array(found["ranks"]) < np.array(found["alive"])[:, None]
    np.testing.assert_array_equal(present, store.read("present") == 1)


def test_the_page_is_sane(html, read):
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert not read.open
    kinds = [tag for tag, _ in read.elements]
    assert kinds.count("h1") == 1
    assert not {"iframe", "img", "object", "embed", "form", "base"} & set(kinds)
    ids = [each["id"] for _, each in read.elements if "id" in each]
    assert len(set(ids)) == len(ids)
    for _, attributes in read.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(name, ids[0]) in ids
    assert {e["scope"] for tag, e in read.elements if tag == "th"} == {"row", "col"}
    assert kinds.count("caption") == kinds.count("table")
    assert "drift run --sigma 1e-07 --radius 0.371 --steps 60 --tokens 80 --dims 100" in read.text


def test_the_same_store_gives_the_same_page(store, html):
    assert render(page_of([store.address])) == html


def test_hostile_texts_are_only_shown(tmp_path):
    drift = Drift(sigma=1e-9, tokens=9, dims=8, steps=3)
    path = tmp_path / HOSTILE.replace("/", "|")
    run.run(drift, path, on="cpu")
    store = RunStore(path, writing=True)
    spec = {**store.attrs["spec"], "direction": f"{HOSTILE}.npy"}
    versions, device = {HOSTILE: HOSTILE}, {"platform": HOSTILE, "kind": HOSTILE}
    seconds = {HOSTILE: 1.0}
    store.update(spec=spec, versions=versions, device=device, engine=HOSTILE, seconds=seconds)
    honest(Read(render(page_of([store.address], title=HOSTILE, lead=HOSTILE))))


def test_so_are_those_of_a_sweep(tmp_path):
    axes = {"direction": ("axis", f"{HOSTILE}.npy"), "sigma": (1e-9, 1e-8)}
    store = sweep_store(tmp_path / "a.zarr", axes, lambda **values: 0.5, failed=[(1, 0)])
    written = type(store)(store.address, writing=True)
    written.update(failed=[{"reason": HOSTILE, "cells": [2]}], engine=HOSTILE)
    honest(Read(render(page_of([store.address]))))


def honest(read):
    """Nothing of HOSTILE became an element or an attribute; it is there as text."""
    kinds = [tag for tag, _ in read.elements]
    assert not {"img"} & set(kinds)
    executed = [e for tag, e in read.elements if tag == "script" and e.get("type") is None]
    assert len(executed) == 1
    assert not [name for _, each in read.elements for name in each if name.startswith("on")]
    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in read.text
    assert r"\u202e" in read.text


def test_texts_of_tokens_are_only_shown(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    codes = BFLOAT16.code(np.array([[1.0, 2.0], [1.0, 2.0], [1.5, 3.0], [1.0, 2.0]]))
    tensors = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write(tmp_path / "model.safetensors", tensors)
    vocabulary = {f"{k}{HOSTILE}": k for k in range(4)}
    model = tokenizers.models.WordLevel(vocabulary, unk_token=f"0{HOSTILE}")
    tokenizers.Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    drift = from_checkpoint(tmp_path, radius=0.0, steps=1)
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    read = Read(render(page_of([tmp_path / "a.zarr"])))
    [row] = read.tables["Tokens in the largest black holes"][1:]
    assert row[0] == "3"
    assert row[2].startswith("0 '0</script>")
    assert "3 '3</script>" in row[2]
    assert not [e for tag, e in read.elements if tag == "script"][2:]  # data, and the page's own
    assert "no exact form is implemented for a cloud that is a checkpoint's rows" in read.text


def test_a_run_that_is_not_complete_shows_what_is_there(tmp_path):
    def stop(counts, done, total):
        if done == 3:
            raise KeyboardInterrupt

    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        run.run(SMALL, path, on="cpu", progress=stop)
    read = Read(render(page_of([path])))
    assert "This run is not complete: it is at step 20 of 60." in read.text
    assert columns(read.tables["Counts by step"])["step"] == ("0", "10", "20")
    assert "Populations are stored when the run is complete." in read.text
    assert data(read)["steps"] == ["0", "10", "20"]
    assert "At step 20: 80 tokens" in read.text


def test_what_cannot_be_shown_says_why(store, tmp_path, monkeypatch):
    def crowded(*options):
        raise BadInput("a.zarr: more than 20,000,000 pairs of its 9 cells are adjacent")

    monkeypatch.setattr(structure, "structure_of", crowded)
    text = Read(render(page_of([store.address]))).text
    assert "Not shown: a.zarr: more than 20,000,000 pairs of its 9 cells are adjacent." in text
    monkeypatch.undo()
    drift = Drift(sigma=1e-9, tokens=9, dims=8, steps=30_000, schedule="linear", snapshots="none",
                  jitter=0.1, records=2)  # fmt: skip
    run.run(drift, tmp_path / "a.zarr", on="cpu")
    text = Read(render(page_of([tmp_path / "a.zarr"]))).text
    assert "Not shown: the cloud still moves after 20,000 steps" in text
    assert "has no snapshots: it was run with --snapshots none" in text
    assert "Not shown: no exact form is implemented for jitter" in text
    with pytest.raises(BadInput, match="there is nothing"):
        page_of([tmp_path / "nothing.zarr"])


def test_a_sweep_shows_its_turning_cell_and_every_cells_end(tmp_path):
    axes = {"sigma": (1e-6, 1e-5, 1e-4), "steps": (10, 100), "seed": (0, 1)}

    def share(sigma, steps, seed, progress):
        return 1 - progress * (1 - min(1.0, sigma * 6e4)) - (0.01 * seed if progress else 0)

    store = sweep_store(tmp_path / "a.zarr", axes, share, left=[(0, 0)], failed=[(2, 1, 1)])
    read = Read(render(page_of([store.address])))
    assert read.headings[0] == "A sweep of 12 drifts"
    assert "This sweep is not complete; the page shows the results so far." in read.text
    assert "failed: sigma 0.0001, steps 100, seed 1: it was so" in read.text
    assert "closest to one half: sigma 1e-05, steps 10, seed 1." in read.text
    found = columns(read.tables["Final counts of each grid point"])
    assert len(found["sigma"]) == 9
    assert [int(n) for n in found["distinct"]] == store.read("distinct")[store.done][:, -1].tolist()
    assert data(read)["distinct"] == store.read("distinct")[1, 0, 1].tolist()
    rows = columns(read.tables["Coalesced pairs at the end, mean over clouds"])
    assert rows["sigma"] == ("1e-05", "0.0001")  # with 10 steps, where something is done
    assert rows["clouds"] == ("2", "2")
    [[one], [other]] = expect(store.grid.drift(4), [10], [1e-5, 1e-4])
    errors = [each.pairs_error / np.sqrt(2) for each in (one, other)]
    assert errors[0] > 30  # so that its root matters
    assert rows["standard error"] == tuple(map(shown, errors))
    counted = store.read("pairs")[1:, 0, :, -1].mean(axis=1)
    assert rows["counted pairs"] == tuple(map(shown, counted))
    assert "drift sweep --sigma 1e-06,1e-05,0.0001" in read.text.replace("\n", " ")


def test_a_sweep_of_names_is_drawn_by_its_names(tmp_path):
    axes = {"rounding": ("nearest", "stochastic"), "format": ("bfloat16", "float16", "float32")}
    store = sweep_store(tmp_path / "a.zarr", axes, lambda rounding, **_: len(rounding) / 20)
    read = Read(render(page_of([store.address])))
    assert "3 format × 2 rounding. σ = 10⁻⁹, R = 0.371" in read.text
    assert "no exact form is implemented for stochastic rounding" in read.text
    assert read.tables["Final counts of each grid point"][6][:2] == ["float32", "stochastic"]


@pytest.mark.parametrize(
    "axes",
    [
        {"tokens": tuple(range(100_000, 170_000, 10_000))},
        {"sigma": tuple(np.geomspace(1e-10, 1e-8, 7))},  # its onset is far beyond
    ],
)
def test_legends_are_no_wider_than_a_phone(axes, tmp_path):
    store = sweep_store(tmp_path / "a.zarr", axes, lambda progress, **_: 1 - progress / 2)
    turning, expected_pairs = (
        TurningPoint.of(store),
        ExpectedPairs(None if "sigma" in axes else False),
    )
    pictures = [*sweep._phase(turning, expected_pairs), *sweep._curves(turning, expected_pairs)]
    for picture in pictures:
        [across] = re.findall(r'viewBox="0 0 ([\d.]+) ', inline_svg(picture.figure, "a", "", ""))
        assert float(across) < 4.4 * 72 + 15  # a figure's points, and those around it


def test_a_sweep_of_one_cell_has_a_page(tmp_path):
    store = sweep_store(tmp_path / "a.zarr", {}, lambda progress: 1 - progress / 2)
    read = Read(render(page_of([store.address])))
    assert "has no axis left to show" in read.text
    assert columns(read.tables["Final counts of each grid point"])["distinct"] == ("50",)
    nothing = sweep_store(tmp_path / "b.zarr", {"seed": (0, 1)}, lambda **_: 1.0, left=[(0,), (1,)])
    with pytest.raises(BadInput, match="none of its grid points is done yet"):
        page_of([nothing.address])


def test_several_sources_share_a_page(store, tmp_path):
    sweep_store(tmp_path / "b.zarr", {"sigma": (1e-9, 1e-8)}, lambda sigma, progress: 0.5)
    page = page_of([store.address, tmp_path / "b.zarr"], "Both", "Side by side.")
    read = Read(render(page))
    assert read.headings[:3] == [
        "Both",
        "A drift of 80 tokens in 100 dimensions",
        "Results",
    ]
    assert "A sweep of 2 drifts" in read.headings
    ids = [each["id"] for _, each in read.elements if "id" in each]
    assert len(set(ids)) == len(ids)
    links = [each["href"][1:] for tag, each in read.elements if tag == "a"]
    assert len(links) == 2
    assert set(links) <= set(ids)


def test_the_verb_writes_a_whole_page_and_says_where(store, in_tmp, capsys):
    where = str(store.address)
    assert main.outcome(["report", where, "-o", "a b.html", "--no-prediction", "--json"]) == 0
    size = (in_tmp / "a b.html").stat().st_size
    assert "Not shown: --no-prediction was given." in (in_tmp / "a b.html").read_text()
    assert json.loads(capsys.readouterr().out) == {"page": "a b.html", "bytes": size}
    assert [path.name for path in in_tmp.iterdir()] == ["a b.html"]
    for place, said in (
        ("no/such/a.html", "can't be written"),
        (".", "is not a regular file"),
        ("/", "is a directory without a name of its own"),
    ):
        assert main.outcome(["report", where, "--out", place]) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)
        assert said in captured.err


def test_a_store_on_object_storage_is_read_there(bucket, in_tmp, capsys):
    there = f"{bucket}/a.zarr"
    run.run(Drift(sigma=1e-9, tokens=8, dims=4, steps=2), there, on="cpu")
    assert main.outcome(["report", there]) == 0
    assert capsys.readouterr().out == "page: a-report.html\n"
    html = (in_tmp / "a-report.html").read_text()
    assert there in html
    assert s3_server.SECRET not in html


def test_a_page_predicts_each_drift_once(store, tmp_path, monkeypatch):
    asked = []

    def noting(drift, steps, sigmas, spectra):
        asked.append((steps, sigmas))
        return expect(drift, steps, sigmas, spectra)

    monkeypatch.setattr(prediction, "expect", noting)
    read = Read(render(page_of([store.address])))
    assert asked == [([counts.step for counts in store.records()], [SMALL.sigma])]
    assert len(read.tables["Coalesced pairs"]) == len(store.records()) + 1
    asked.clear()
    axes = {"sigma": (1e-10, 1e-9, 1e-8), "seed": (0, 1)}
    swept = sweep_store(tmp_path / "grid.zarr", axes, lambda **_: 0.5)
    read = Read(render(page_of([swept.address])))
    # The end for the map, and what is left of the steps for the curves.
    assert asked == [([100], [1e-10, 1e-9, 1e-8]), ([0, 25, 50, 75], [1e-10, 1e-9, 1e-8])]
    assert len(read.tables["Coalesced pairs at the end, mean over clouds"]) == 4

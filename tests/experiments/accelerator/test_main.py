"""`make gpu`, as far as it goes without one, and its page, of a CPU device taken for one."""

import json

import jax
import pytest

from drift.experiments.accelerator import __main__ as accelerator
from drift.experiments.accelerator import cases
from drift.sim import device_check
from drift.sim.device_check import Check
from drift.sim.devices.shards import Shards
from tests.support.source_files import ROOT

PASSED = {"ok": True, "said": "13 passed in 20.1s"}


def test_without_an_accelerator_one_line_says_so(tmp_path, capsys):
    assert accelerator.main([str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "gpu: JAX finds no accelerator here, only a CPU: nothing to do\n")
    assert list(tmp_path.iterdir()) == []


def test_make_gpu_is_there():
    assert (
        "python -m drift.experiments.accelerator results/bench" in (ROOT / "Makefile").read_text()
    )


@pytest.mark.slow
def test_the_page_tells_what_was_checked_and_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(device_check, "checks", lambda device: [Check("edges", True, "agree")])
    monkeypatch.setattr(Shards, "on_host", False)
    monkeypatch.setattr(cases, "STEPS", 10)
    monkeypatch.setattr(cases, "RECORDS", 5)
    monkeypatch.setattr(cases, "SIGMAS", (1e-9,))
    said, size = [], (128, 64)
    device = jax.devices()[0]
    sizes = {"small": size, "large": size}
    assert accelerator.written(device, tmp_path, PASSED, said.append, **sizes) == 0
    assert said[0].startswith("ok     edges")
    page, document = ((tmp_path / f"cpu-cpu.{suffix}").read_text() for suffix in ("md", "json"))
    assert "`drift check`: 1 of 1 checks hold." in page
    assert "13 passed" in page
    assert "| σ = 1e-09 | 128 × 64 |" in page
    assert {"step", "record"} == {result["group"] for result in json.loads(document)["results"]}


def test_where_something_is_wrong_nothing_is_measured(tmp_path, monkeypatch):
    wrong = [Check("edges", False, "expected 0x0, found 0x1"), Check("run", True, "agree")]
    monkeypatch.setattr(device_check, "checks", lambda device: wrong)
    device = jax.devices()[0]
    assert accelerator.written(device, tmp_path, PASSED, lambda line: None) == 1
    page = (tmp_path / "cpu-cpu.md").read_text()
    assert "1 of 2 checks hold; wrong: edges." in page
    assert "Nothing was measured, since something is wrong." in page


def test_tests_that_were_all_skipped_are_no_success(monkeypatch):
    done = type("Done", (), {"returncode": 0, "stdout": "13 skipped in 0.1s\n", "stderr": ""})
    monkeypatch.setattr(accelerator.subprocess, "run", lambda *given, **options: done)
    assert accelerator.tests_of("gpu") == {"ok": False, "said": "13 skipped in 0.1s"}

"""The pages beside the code: what they name is there, and what they show is true."""

import json
import re
import tomllib
from typing import get_args

import pytest
import yaml

from drift.kernels.formats import FORMATS
from drift.kernels.rounding import Rounding
from drift.sim.device_check import CLOUD
from tests.support.source_files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLOUD_PAGE = ROOT / "experiments/cloud/README.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    CLOUD_PAGE,
    ROOT / "sim/prediction/derivation.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "results").glob("*/README.md")),
    *sorted((ROOT / "results/bench").glob("*.md")),
]


def anchors(page):
    """What the headings of a page are linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_files_that_are_named_are_there():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for name in re.findall(r"`((?:kernels|sim|experiments|tests)/[\w./]+)`", page.read_text()):
            assert (ROOT / name).exists() or name.endswith("/NAME.py"), f"{page.name}: {name}"


def test_versions_are_those_of_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]
    cited = " ".join((ROOT / "README.md").read_text().split("## Cite")[1].split()).replace("*", "")
    for words in (
        citation["authors"][0]["name"],
        citation["title"],
        f"version {PROJECT['version']}",
    ):
        assert words in cited
    source = json.loads((ROOT / "experiments/observed/qwen3_4b.json").read_text())["source"]
    for reference in citation["references"]:
        assert reference["authors"][0]["name"] in source
        assert reference["commit"] in source
    assert f"{PROJECT['version']}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_forge_lints_and_tests_on_the_lowest_and_the_newest_python():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    steps = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert "make lint" in steps["lint"]
    assert "make test" in steps["test"]
    assert "make docs" in steps["docs"]
    prefix = "Programming Language :: Python :: 3."
    minors = [int(c.removeprefix(prefix)) for c in PROJECT["classifiers"] if c.startswith(prefix)]
    lowest, newest = f"3.{min(minors)}", f"3.{max(minors)}"
    assert jobs["test"]["strategy"]["matrix"]["python"] == [lowest, newest]
    assert PROJECT["requires-python"] == f">={lowest}"


def test_the_image_is_built_from_what_is_there():
    lines = (ROOT / "experiments/cloud/Dockerfile").read_text().splitlines()
    given = [line for line in lines if line and not line.startswith("#")]
    allowed = (ROOT / ".dockerignore").read_text()
    for line in given:
        if line.startswith("COPY"):
            for name in line.split()[1:-1]:
                assert (ROOT / name).exists(), line
                assert f"!{name}\n" in allowed, f"{name} is ignored"
    needed = {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"}
    assert needed <= {name for line in given for name in line.split()}
    extras = re.search(r"\.\[(.*)\]", "\n".join(given))[1].replace("${CUDA}", "cuda13,cuda12")
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_what_a_check_must_print_is_what_it_checks():
    shown = re.findall(r"^ok     (.{28})(.*)$", CLOUD_PAGE.read_text(), re.MULTILINE)
    names = [f"{each} {rounding}" for each in FORMATS for rounding in get_args(Rounding)]
    assert [name.strip() for name, _ in shown] == [*names, "fused", "edges", "cloud", "run"]
    assert f"the same {len(shown)} lines" in CLOUD_PAGE.read_text()
    assert {name.strip(): said for name, said in shown}["cloud"].endswith(CLOUD)

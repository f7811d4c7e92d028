"""What the library offers: its names, where they come from, and what loading it costs."""

import ast
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

import drift
from tests.support.source_files import ROOT

NAMES = (
    "BadInput Checkpoint Comparison Counts Damaged Drift FORMATS Grid Origin Predicted Ran"
    " RunStore Scan Simulated Structure SweepStore Swept Track TrackStore Unfinished check compare"
    " from_checkpoint plot predict run scan simulate structure sweep track"
)


def test_the_names_are_the_promised_ones():
    assert drift.__all__ == NAMES.split()
    assert dir(drift) == drift.__all__
    with pytest.raises(AttributeError, match="module 'drift' has no attribute 'simulat'"):
        _ = drift.simulat


def test_a_name_is_never_taken_by_a_module():
    modules = {found.name for found in pkgutil.iter_modules(drift.__path__)}
    assert {"kernels", "sim", "experiments"} <= modules
    assert modules & set(drift.__all__) == {"plot"}
    assert drift.plot is import_module("drift.plot")
    for name, home in drift._HOME.items():
        public = getattr(drift, name)
        assert public is getattr(import_module(f"drift.{home}"), name)
        assert not inspect.ismodule(public)


def test_checkers_of_types_see_the_same_names():
    tree = ast.parse((ROOT / "drift/__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    (block,) = (node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == {
        "plot": "drift",
        **{name: f"drift.{home}" for name, home in drift._HOME.items()},
    }


@pytest.mark.processes
def test_importing_it_loads_no_jax():
    code = "import drift, sys; dir(drift); drift.BadInput; print('jax' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_every_package_is_installed():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    there = [
        ".".join(("drift", *path.parent.relative_to(ROOT).parts))
        for folder in ("kernels", "sim", "experiments")
        for path in (ROOT / folder).rglob("__init__.py")
    ]
    assert sorted(told["packages"]) == sorted(["drift", *there])
    assert (ROOT / "drift/py.typed").exists()
    assert "py.typed" in told["package-data"]["drift"]

"""What the library offers: its names, where they come from, and what loading it costs."""

import ast
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

import sim
from tests.test_house import ROOT

NAMES = (
    "BadInput Counts Drift Predicted RunStore Simulated Structure"
    " from_checkpoint predict run simulate structure"
)


def test_the_names_are_the_promised_ones():
    assert sim.__all__ == NAMES.split()
    assert dir(sim) == sim.__all__
    with pytest.raises(AttributeError, match="module 'sim' has no attribute 'simulat'"):
        _ = sim.simulat


def test_a_name_is_never_taken_by_a_module():
    modules = [found.name for found in pkgutil.iter_modules(sim.__path__)]
    assert set(modules) & set(sim.__all__) == set()
    for name in modules:  # which makes each an attribute of the package
        import_module(f"sim.{name}")
    for name, home in sim._HOME.items():
        assert getattr(sim, name) is getattr(import_module(f"sim.{home}"), name)
        assert not inspect.ismodule(getattr(sim, name))


def test_checkers_of_types_see_the_same_names():
    tree = ast.parse((ROOT / "sim/__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == {name: f"sim.{home}" for name, home in sim._HOME.items()}


def test_types_reach_those_who_install_it():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in ("kernels", "sim", "experiments"):
        assert (ROOT / package / "py.typed").exists()
        assert "py.typed" in told["package-data"][package]


def test_importing_it_loads_no_jax():
    code = "import sim, sys; dir(sim); sim.BadInput; print('jax' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"

"""Every example in a docstring runs and prints what it says."""

import doctest
from importlib import import_module

import pytest

import sim
from experiments import cli
from tests.test_house import FILES, ROOT

EXAMPLES = [path for path in FILES if ">>> " in path.read_text()]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_examples_hold(path, in_tmp, capsys):
    module = module_of(path)
    for line in (module.__doc__ or "").splitlines():
        if line.strip().startswith("$ drift "):
            assert cli.outcome(line.split()[2:]) == 0
    capsys.readouterr()
    failed, attempted = doctest.testmod(module)
    assert failed == 0, capsys.readouterr().out
    assert attempted


@pytest.mark.parametrize("name", sim.__all__)
def test_what_is_public_has_an_example(name):
    public = getattr(sim, name)
    returned = ("Counts", "Predicted", "Simulated", "Structure")  # by those that have one
    assert name in returned or ">>> " in public.__doc__

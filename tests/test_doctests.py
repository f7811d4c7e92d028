"""Every example in a docstring runs and prints what it says."""

import doctest
from importlib import import_module

import pytest

import drift
from drift.experiments.cli import main
from tests.support.source_files import FILES, ROOT

EXAMPLES = [path for path in FILES if ">>> " in path.read_text()]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return import_module(".".join(parts if parts[0] == "drift" else ("drift", *parts)))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_examples_hold(path, in_tmp, capsys):
    module = module_of(path)
    for line in (module.__doc__ or "").splitlines():
        if line.strip().startswith("$ drift "):
            assert main.outcome(line.split()[2:]) == 0
    capsys.readouterr()
    failed, attempted = doctest.testmod(module)
    assert failed == 0, capsys.readouterr().out
    assert attempted


@pytest.mark.parametrize("name", drift.__all__)
def test_what_is_public_has_an_example(name):
    public = getattr(drift, name)
    # By those that have one.
    returned = (
        "Comparison",
        "Counts",
        "Predicted",
        "Ran",
        "Scan",
        "Simulated",
        "Structure",
        "Swept",
    )
    returned += ("FORMATS", "Swept", "Track")
    raised = ("Damaged", "Unfinished")  # like BadInput
    assert name in (*returned, *raised) or ">>> " in public.__doc__

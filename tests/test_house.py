"""The house: imports run experiments -> sim -> kernels, never up; files stay short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW = {"kernels": set(), "sim": {"kernels"}, "experiments": {"sim", "kernels"}}
FILES = [path for package in BELOW for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path):
    """Top-level names a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module).split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path):
    package = path.relative_to(ROOT).parts[0]
    assert set(imported(path)) & set(BELOW) <= BELOW[package] | {package}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_one_thing(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "its head says what its words mean"
    assert len(text.splitlines()) <= 200

"""The house: imports run experiments -> sim -> kernels, never up; files stay short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW = {"kernels": set(), "sim": {"kernels"}, "experiments": {"sim", "kernels"}}
FILES = [path for package in ("drift", *BELOW) for path in sorted((ROOT / package).rglob("*.py"))]


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


def public(tree):
    """Public functions with what is said of each: its own words, its class's, the head's."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in inside:
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                documented = [each, tree, *([node] if node is not each else [])]
                yield each, "\n".join(ast.get_docstring(one) or "" for one in documented)


def raised(function):
    """The exceptions, by their names, that a function's own lines make and raise."""
    for node in ast.walk(function):
        made = node.exc if isinstance(node, ast.Raise) else None
        if isinstance(made, ast.Call) and ast.unparse(made.func)[0].isupper():
            yield ast.unparse(made.func)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.relative_to(ROOT).parts[0] != "experiments"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_who_raises_says_so(path):
    for function, said in public(ast.parse(path.read_text())):
        for error in raised(function):
            assert error in said, f"{function.name} raises {error} and does not say so"

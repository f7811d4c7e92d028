"""Docstrings of modules, classes, functions and fields: each names its subject."""

import ast
import re
from collections import defaultdict
from itertools import pairwise

import pytest

from tests.support.source_files import FILES, named

NO_SUBJECT = re.compile(
    "(It|Its|They|Them|Their|This|That|These|Those|The same|Same|Likewise"
    "|Who|Whoever|Whose|What|Whatever|Which|Whether|How|Why|Where|When|Of|As|Does|Is|Are|From now)"
    r"\b"
)
"""The beginnings of sentences that do not say what they are about."""

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def documented(tree):
    """Every module, class and function with its docstring, and every value with a string after."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTIONS):
            if said := ast.get_docstring(node):
                yield getattr(node, "name", "the module"), said
            for value, after in pairwise(node.body):
                if isinstance(value, ast.Assign | ast.AnnAssign) and is_text(after):
                    yield ast.unparse(value).split(" = ")[0], after.value.value


def is_text(node):
    """Whether a statement is nothing but a string."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text and isinstance(node.value.value, str)


def is_record(node):
    """Whether a class is a dataclass or a NamedTuple."""
    made_by = [ast.unparse(each).split("(")[0] for each in (*node.decorator_list, *node.bases)]
    return any(name.split(".")[-1] in ("dataclass", "NamedTuple") for name in made_by)


def undescribed(node):
    """The public fields of a record that neither a string after them nor its docstring tells of."""
    said = ast.get_docstring(node) or ""
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or "ClassVar" in ast.unparse(field.annotation):
            continue
        name = ast.unparse(field.target)
        if not name.startswith("_") and not is_text(after) and f"`{name}`" not in said:
            yield name


def public(kind):
    """The names of public classes, or functions, at the top of a module, with their files."""
    found = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, kind) and not node.name.startswith("_"):
                found[node.name].append((named(path), node))
    return found


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_docstring_names_its_subject(path):
    for name, said in documented(ast.parse(path.read_text())):
        first = said.split("\n")[0]
        assert not NO_SUBJECT.match(first), f"{name}: {first}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_fields_of_a_record_are_described(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and is_record(node):
            missing = list(undescribed(node))
            assert not missing, f"{node.name}: {', '.join(missing)}"


def test_no_two_public_classes_share_a_name():
    shared = {
        name: [file for file, _ in places]
        for name, places in public(ast.ClassDef).items()
        if len(places) > 1
    }
    assert not shared


def test_no_three_context_managers_share_a_name():
    shared = defaultdict(list)
    for name, places in public(FUNCTIONS).items():
        for file, node in places:
            if any("contextmanager" in ast.unparse(each) for each in node.decorator_list):
                shared[name].append(file)
    assert not {name: files for name, files in shared.items() if len(files) > 2}

"""The house: which room may import from which, how full a room is, and how long a file."""

import ast
from functools import cache
from graphlib import TopologicalSorter

import pytest

from tests.support.source_files import FILES, ROOT, named

ROOMS = """
kernels.formats
kernels.rounding kernels.threefry kernels.exact_sum kernels.row_hash
    kernels.neighbours kernels.distances kernels.displacements
kernels.exact_sum_jax kernels.row_hash_jax kernels.row_groups_jax kernels.fma_jax
kernels.stepping
kernels.value_map
sim.errors
sim.results
sim.interrupts sim.source_digest sim.stopwatch sim.strict_json sim.sampling sim.matrix
    sim.devices
sim.mapped_array sim.array_text sim.forks
sim.displacements sim.arrays
sim.spec sim.counting
sim.checkpoints sim.stores
sim.clouds sim.structures sim.open_matrix
sim.motions
sim.settling
sim.engines sim.trajectories
sim.prediction sim.batches sim.device_check sim.tracks
sim.runs
sim.sweeps
sim.predicted
sim.sources
experiments.console experiments.observed
experiments.tables experiments.figures
experiments.plots experiments.training
experiments.studies
experiments.report
experiments.bench experiments.aot
experiments.accelerator
experiments.cli
"""
"""Whoever stands on a line may import from the lines above it, and within its own room."""

LEVEL = {}
for line in ROOMS.replace("\n    ", " ").split("\n"):
    LEVEL |= dict.fromkeys(line.split(), len(set(LEVEL.values())))

MOST_MODULES, MOST_LINES = 13, 300
VERBS = "experiments/cli"
"""The room of which each module is a verb: there are as many as there are verbs."""

INSIDE = [path for path in FILES if path.parent != ROOT / "drift"]


def module_of(path):
    """A file as it is imported, without `drift.`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in INSIDE}


def room_of(module):
    """The first two parts of its name: a folder, or a module beside folders."""
    return ".".join(module.split(".")[:2])


@cache
def imports(path, lazily=True):
    """The modules of ours that a file imports; those within functions too, where `lazily`."""
    return set(_imports(path, lazily))


def _imports(path, lazily):
    tree = ast.parse(path.read_text())
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    functions = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing or (id(node) in functions and not lazily):
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}".removeprefix("drift.")
                yield name if name in MODULES else str(node.module).removeprefix("drift.")


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_imports_run_along_the_arrows(path):
    mine = room_of(module_of(path))
    for found in set(imports(path)) & MODULES:
        theirs = room_of(found)
        if theirs != mine and "." in mine:
            assert LEVEL[theirs] < LEVEL[mine], f"{named(path)} imports {found}"


@pytest.mark.slow
def test_no_files_import_each_other():
    graph = {module_of(path): set(imports(path)) & MODULES for path in INSIDE}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_no_room_is_crowded_and_each_says_what_it_offers():
    for folder in {path.parent for path in INSIDE}:
        modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(modules) <= MOST_MODULES or named(folder) == VERBS, f"{named(folder)} is crowded"
        said = ast.parse((folder / "__init__.py").read_text())
        assert ast.get_docstring(said), named(folder)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_short_and_its_head_says_what_it_holds(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MOST_LINES


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
    "path", [path for path in INSIDE if "experiments" not in path.parts], ids=named
)
def test_who_raises_says_so(path):
    for function, said in public(ast.parse(path.read_text())):
        for error in raised(function):
            assert error in said, f"{function.name} raises {error} and does not say so"

"""What is installed is one package, and it leaves those of others alone."""

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
from build import ProjectBuilder
from build.env import DefaultIsolatedEnv

from tests.support.source_files import ROOT

pytestmark = [pytest.mark.network, pytest.mark.slow]

SOURCES = ("drift", "kernels", "sim", "experiments", "pyproject.toml", "README.md", "LICENSE")
DATA = {
    "drift/py.typed",
    "drift/experiments/bench/c_loop.c",
    "drift/experiments/observed/qwen3_4b.json",
    "drift/experiments/report/static/page.css",
    "drift/experiments/studies/stall.md.j2",
    "drift/experiments/studies/coarsening/page.md.j2",
}
WORKS = "import drift; assert drift.simulate(drift.Drift(sigma=1e-6, tokens=9, dims=8)).final"


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel that is built from it."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=skipped)
        else:
            shutil.copy(ROOT / name, source)
    # As `python -m build` does it, but for the environment: one for both, which are of one backend.
    with warnings.catch_warnings(action="ignore"), DefaultIsolatedEnv() as env:
        builder = ProjectBuilder.from_isolated_env(env, source)
        env.install(builder.build_system_requires)
        sdist = Path(builder.build("sdist", out))
        with tarfile.open(sdist) as packed:
            packed.extractall(out / "unpacked", filter="data")
        (unpacked,) = (out / "unpacked").iterdir()
        wheel = ProjectBuilder.from_isolated_env(env, unpacked).build("wheel", out)
    return sdist, Path(wheel)


def modules(names):
    """Those of `names` that are Python files of ours, as they are imported."""
    return {name for name in names if name.endswith(".py")}


def test_the_wheel_holds_one_package_with_all_its_files(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"drift"}
    assert names >= DATA
    ours = [path for folder in SOURCES[:4] for path in (ROOT / folder).rglob("*.py")]
    expected = {str(path.relative_to(ROOT)) for path in ours}
    assert modules(names) == {n if n.startswith("drift/") else f"drift/{n}" for n in expected}
    with tarfile.open(built[0]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert modules(inside) >= expected


@pytest.fixture
def environment(tmp_path):
    """A new environment's Python, which sees what this one has installed, but not drift."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    with open(f"{site}/libraries.pth", "w") as paths:  # whose own .pth files are not read
        paths.write(sysconfig.get_path("purelib"))
    return python, site


def files(folder):
    """Every file below a folder, and what is in it."""
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).digest()
        for path in Path(folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("ours_first", [True, False])
def test_the_package_called_kernels_works_beside_it_and_without_it(
    built, environment, tmp_path, ours_first
):
    python, site = environment
    ours = "--no-deps", str(built[1])
    for what in (ours, ("kernels",)) if ours_first else (("kernels",), ours):
        run(python, "-m", "pip", "install", "--quiet", "--no-compile", *what)
    theirs = files(f"{site}/kernels")
    assert Path("__init__.py") in theirs
    both = f"import kernels; assert kernels.get_kernel; {WORKS}"
    run(python, "-c", both, cwd=tmp_path)
    for command in ((python, "-m", "drift"), (python.with_name("drift"),)):
        assert "run" in run(*command, "--help", cwd=tmp_path)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "bf16-drift")
    assert files(f"{site}/kernels") == theirs
    run(python, "-c", "import kernels; assert kernels.get_kernel", cwd=tmp_path)
    gone = "import importlib.util; assert importlib.util.find_spec('drift') is None"
    run(python, "-c", gone, cwd=tmp_path)

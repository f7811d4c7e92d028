"""Nothing that is read is run: no pickle, no code of a store's or a checkpoint's.

What else holds of hostile input is held where it is read or shown: names and headers in
tests/sim/test_safetensors.py and test_checkpoint.py, texts in test_report.py, test_scan.py and
test_shell.py of tests/experiments, secrets in test_objects.py and test_addresses.py.
"""

import ast
import json
from pathlib import Path

import pytest

from sim.runs import run
from sim.spec import Drift
from tests.verbs import drift

ROOT = Path(__file__).parent.parent
FILES = [
    path for package in ("kernels", "sim", "experiments") for path in (ROOT / package).rglob("*.py")
]
RUNS_CODE = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
"""Modules that can run what they read."""
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_is_made_of_data(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & RUNS_CODE
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).split(".")[0] not in RUNS_CODE
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            said = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert called not in (
                "eval",
                "exec",
                "compile",
                "__import__",
                "os.system",
                "torch.load",
            )
            assert said.get("shell", "False") == "False", called
            assert "allow_pickle" not in said or said["allow_pickle"] == "False"
            if called == "np.load":
                assert said.get("allow_pickle") == "False", "it says so, whatever the default is"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "run.zarr"
    run(Drift(sigma=1e-6, tokens=20, dims=4, records=2), path, on="cpu")
    return path


def codec(name, **configuration):
    return {"codecs": [{"name": name, "configuration": configuration}]}


HOSTILE = {
    "pickled chunks": codec("numcodecs.pickle", id="pickle", protocol=2),
    "pickled strings": codec("vlen-pickle"),
    "a class of its own": codec("os.system", command="touch proof"),
    "a module of its own": codec("tests.nowhere:Codec"),
    "objects": {"data_type": "object"},
    "objects of NumPy": {"data_type": {"name": "numpy.object", "configuration": {}}},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("array", ["distinct", "bits"])
def test_a_store_names_no_code_that_is_run(stored, name, array, in_tmp, capsys):
    place = Path("run.zarr")
    place.mkdir()
    for path in stored.rglob("*"):
        there = place / path.relative_to(stored)
        there.mkdir() if path.is_dir() else there.write_bytes(path.read_bytes())
    said = place / array / "zarr.json"
    said.write_text(json.dumps(json.loads(said.read_text()) | HOSTILE[name]))
    for verb in (["export", "run.zarr"], ["structure", "run.zarr"], ["report", "run.zarr"]):
        before = set(Path().iterdir())
        status, _, err = drift(capsys, *verb)
        if status:
            assert (status, err.count("\n")) == (2, 1), err
            assert f"run.zarr: array {array} is damaged" in err
            assert set(Path().iterdir()) == before
    assert not Path("proof").exists()
    reads = {"distinct": "export", "bits": "structure"}
    assert drift(capsys, reads[array], "run.zarr")[0] == 2

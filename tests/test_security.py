"""Nothing that is read is ever run, and no secret is ever written: stores, checkpoints, pages.

What hostile files make of the readers of headers, indexes and texts is tested with each.
"""

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from drift.sim.runs.run import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.locate import locate
from tests.support import builders, s3_server, sample_files
from tests.support.run_cli import drift
from tests.support.source_files import FILES, ROOT

MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"yaml.load", "torch.load", "os.system", "os.popen", "jax.experimental.io_callback"}
SMALL = ["--sigma", "1e-8", "--tokens", "20", "--dims", "8", "--steps", "4", "--records", "4"]


def offences(tree):
    """What of a file runs what it reads, or could: one line each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            parts = {part for name in names if name for part in name.split(".")}
            yield from parts & (MODULES | {"serialize_executable"})
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if called in CALLS | METHODS:
            yield called
        if called.endswith(("np.load", "numpy.load")) and given.get("allow_pickle") != "False":
            yield f"{called} without allow_pickle=False"
        if given.get("shell", "False") != "False" or given.get("allow_pickle", "False") != "False":
            yield f"{called} with a shell, or pickles"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_runs_what_it_reads(path):
    assert list(offences(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from pickle import loads", "import numpy.ma, dill as d", "eval('1')"),
        *("compile(a, b, 'exec')", "np.load(path)", "np.load(p, allow_pickle=allow)"),
        *("subprocess.run(x, shell=True)", "os.system(x)", "torch.load(x)"),
        "from jax.experimental.serialize_executable import deserialize_and_load",
    ],
)
def test_it_would_be_seen(line):
    assert list(offences(ast.parse(line)))


def refused(capsys, *words):
    """The line with which they are refused; nothing was run."""
    status, out, err = drift(capsys, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert not Path(sample_files.EXPLODED).exists()
    return err


@pytest.mark.slow
def test_a_pickle_is_refused_wherever_it_stands(in_tmp, capsys):
    sample_files.furnish()
    capsys.readouterr()
    run = ["run", *SMALL, "--direction", "objects.npy"]
    assert "objects.npy: it is not a readable .npy array" in refused(capsys, *run)
    Path("checkpoint").mkdir()
    shutil.copy("pickle.bin", "checkpoint/pytorch_model.bin")
    shutil.copy("pickle.bin", "model.safetensors")
    shutil.copy("pickle.bin", "tokenizer.json")
    for place in ("pickle.bin", "checkpoint", "model.safetensors"):
        for words in (
            ["scan", place],
            ["structure", place],
            ["compare", place, place],
            ["run", "--from", place],
        ):
            refused(capsys, *words)
    tensor = builders.matrix(np.zeros((3, 2), np.uint16), Drift(sigma=1.0).target)
    builders.write("model.safetensors", {"lm_head.weight": tensor})
    status, _, err = drift(capsys, "scan", "model.safetensors")
    assert (status, "tokenizer.json can't be read as a tokenizer" in err) == (0, True)
    assert not Path(sample_files.EXPLODED).exists()


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
HOSTILE = {
    "a codec that pickles": {"codecs": [{"name": "numcodecs.pickle", "configuration": {}}]},
    "a codec by its path": {"codecs": [BYTES, {"name": "os.system", "configuration": {"a": "b"}}]},
    "objects": {"data_type": "object"},
    "objects of NumPy": {"data_type": {"name": "numpy.object", "configuration": {}}},
    "an older format": {"zarr_format": 2},
    "what must be understood": {"evil": {"must_understand": True}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_store_names_nothing_that_is_run(in_tmp, capsys, name):
    run(Drift(sigma=1e-8, tokens=20, dims=8, steps=4), "a.zarr", on="cpu")
    path = Path("a.zarr/bits/zarr.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **HOSTILE[name]}))
    # Whoever forges a store also forges what says how it was made.
    about = Path("a.zarr/zarr.json")
    told = json.loads(about.read_text())
    for known in ("arrays", "seal"):
        told["attributes"].pop(known, None)
    about.write_text(json.dumps(told))
    said = refused(capsys, "structure", "a.zarr")
    assert said.startswith("drift: a.zarr")
    assert " is damaged: " in said


KEY, SECRET, TOKEN = "AKIAMARKEDMARKEDMARK", s3_server.SECRET, "token-MARKED-of-nobody"


@pytest.mark.slow
def test_credentials_are_never_written_and_never_said(
    svg_only, bucket, endpoint, in_tmp, capsys, monkeypatch
):
    marks = (KEY, SECRET, TOKEN)
    names = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    s3_server.use(monkeypatch, endpoint, **names)
    run, grid = f"{bucket}/run.zarr", f"{bucket}/grid.zarr"
    said = []

    def say(status, *words):
        found, out, err = drift(capsys, *words)
        assert found == status, err
        assert status == 0 or err.count("\n") == 1
        said.append(out + err)

    say(0, "run", *SMALL, "--out", run)
    say(0, "sweep", *SMALL, "--seeds", "2", "--out", grid, "--json")
    say(0, "status", grid, "--json")
    for source in (run, grid):
        say(0, "report", source, "-o", "page.html", "--no-prediction")
        said.append(Path("page.html").read_text())
        say(0, "export", source)
    say(0, "info", "--json")
    for text in (f"s3://{KEY}:{SECRET}@bucket/a", f"https://{KEY}:{SECRET}@host/a"):
        for words in (
            ["run", *SMALL, "--out", text],
            ["sweep", "--from", text, "--steps", "1,2"],
            ["run", *SMALL, "--direction", text],
            ["scan", text],
            ["structure", text, "--near", text],
            ["fly", text],
            ["run", text],
        ):
            say(2, *words)
    for settings in (
        {"AWS_ENDPOINT_URL": f"http://{KEY}:{SECRET}@127.0.0.1:1"},
        {"AWS_DEFAULT_REGION": f"{TOKEN} {SECRET}", "AWS_ENDPOINT_URL": None},
    ):
        s3_server.use(monkeypatch, **{"endpoint": endpoint, **names, **settings})
        say(2, "status", f"{bucket}/other.zarr")
    s3_server.use(monkeypatch, endpoint, **names)
    written = b"".join(s3_server.contents(bucket).values()) + "".join(said).encode()
    assert locate(run).exists()
    assert not [mark for mark in marks if mark.encode() in written]

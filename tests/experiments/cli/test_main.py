"""The command line: what is printed where, and how it ends."""

import json
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.sim import device_check
from drift.sim.devices import device
from drift.sim.errors import BadInput
from drift.sim.stores.run_store import RunStore
from tests.support.run_cli import drift

FEW = ["run", "--sigma", "1e-9", "--tokens", "20", "--dims", "16"]
SMALL = [*FEW, "--records", "4"]


@pytest.mark.slow
def test_a_run_prints_its_table_and_says_where_things_are(in_tmp, capsys):
    status, out, err = drift(capsys, *SMALL, "--dims", "400", "--out", "a.zarr")
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    result_rows = [line for line in lines if line and line[0].isdigit() and len(line) == 7]
    assert [row[0] for row in result_rows] == ["0", "25", "50", "75", "100"]
    records = RunStore(in_tmp / "a.zarr").records()
    assert [int(row[1]) for row in result_rows] == [c.distinct for c in records]
    assert "store: a.zarr" in out
    assert "black hole" in out


@pytest.mark.slow
def test_json_is_one_document_and_the_default_store_has_a_name(in_tmp, capsys):
    status, out, err = drift(capsys, *SMALL, "--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert (in_tmp / result["store"]).is_dir()
    assert result["store"].startswith("results/run-sigma1e-09-R0.371-X100-")
    assert result["spec"]["sigma"] == 1e-9
    other = json.loads(drift(capsys, *SMALL, "--seed", "1", "--json")[1])
    assert other["store"] != result["store"]


@pytest.mark.slow
def test_numbers_may_be_written_with_exponents(in_tmp, capsys):
    arguments = [*FEW, "--steps", "1e2", "--at", "0,1e1,100", "--radius", "3.71e-1", "--json"]
    result = json.loads(drift(capsys, *arguments)[1])
    assert result["spec"]["steps"] == 100
    assert [c["step"] for c in result["records"]] == [0, 10, 100]


BAD = {
    "no sigma": (["run"], "--sigma"),
    "an unknown verb": (["fly"], "fly"),
    "an unknown option": ([*SMALL, "--colour", "red"], "--colour"),
    "sigma no number": (["run", "--sigma", "small"], "'small' is not a number"),
    "sigma zero": (["run", "--sigma", "0"], "sigma is 0; it must be 2**-100"),
    "sigma negative": (["run", "--sigma", "-1"], "sigma is -1"),
    "sigma nan": (["run", "--sigma", "nan"], "sigma is nan"),
    "sigma infinite": (["run", "--sigma", "inf"], "sigma is inf"),
    "radius negative": ([*SMALL, "--radius", "-0.1"], "radius is -0.1"),
    "radius infinite": ([*SMALL, "--radius", "inf"], "radius is inf"),
    "steps zero": ([*SMALL, "--steps", "0"], "steps is 0; it must be in 1 ... 2**63 - 1"),
    "steps broken": ([*SMALL, "--steps", "1.5"], "'1.5' is not a whole number"),
    "steps nan": ([*SMALL, "--steps", "nan"], "'nan' is not a whole number"),
    "tokens zero": ([*SMALL, "--tokens", "0"], "tokens is 0"),
    "dims negative": ([*SMALL, "--dims", "-2"], "dims is -2"),
    "at beyond the end": ([*FEW, "--at", "5,200"], "at names step 200"),
    "snapshots unknown": ([*SMALL, "--snapshots", "some"], "snapshots is 'some'"),
    "direction unknown": ([*SMALL, "--direction", "up"], "direction is 'up'"),
    "direction missing": ([*SMALL, "--direction", "u.npy"], "u.npy: there is no such file"),
    "direction too long": ([*SMALL, "--direction", "long.npy"], "its shape is (17,)"),
    "direction zero": ([*SMALL, "--direction", "zero.npy"], "it is zero"),
    "direction not finite": ([*SMALL, "--direction", "nan.npy"], "not finite"),
    "an unknown format": ([*SMALL, "--format", "fp8"], "it must be one of bfloat16, float16"),
    "an unknown rounding": ([*SMALL, "--rounding", "up"], "nearest, toward-zero, stochastic"),
    "an unknown schedule": ([*SMALL, "--schedule", "x"], "constant, linear, cosine, expo"),
    "records beside at": ([*SMALL, "--at", "1", "--records", "3"], "records is 3 with --at, which"),
    "decay beside constant": (
        [*SMALL, "--decay", "0.5"],
        "decay is 0.5 with schedule constant; it",
    ),
    "direction seed beside axis": (
        [*SMALL, "--direction", "axis", "--direction-seed", "0"],
        "direction_seed is 0 with direction axis; it is for random",
    ),
    "seed beside rows": (
        ["run", "--from", "a", "--seed", "3"],
        "seed is 3 with --from, whose rows",
    ),
    "seeds beside rows": (
        ["sweep", "--from", "a", "--jitter", "0", "--seeds", "2"],
        "seed is 0, 1 with --from, whose rows are not drawn; jitter, noise, survivors and",
    ),
    "decay too large": (
        [*SMALL, "--schedule", "exponential", "--decay", "1"],
        "decay is 1; it must be between 0 and 1",
    ),
    "survivors too many": ([*SMALL, "--survivors", "21"], "survivors is 21; it must be in 1"),
    "survivors no number": ([*SMALL, "--survivors", "most"], "'most' is not a number"),
    "jitter absurd": ([*SMALL, "--jitter", "11"], "jitter is 11; it must be in 0 ... 10"),
    "jitter out of range": ([*SMALL, "--jitter", "9", "--radius", "3e38"], "radius that fits"),
    "float4 ends at 6": (
        [*SMALL, "--format", "float4_e2m1fn", "--direction", "axis", "--radius", "999"],
        "float4_e2m1fn's range at step 1; the largest radius that fits is",
    ),
    "master and stochastic": (
        [*SMALL, "--master", "float32", "--rounding", "stochastic"],
        "rounding is stochastic with master float32",
    ),
    "no such device": ([*SMALL, "--device", "tpu"], "device tpu is not available"),
    "an unknown device": ([*SMALL, "--device", "abacus"], "device is 'abacus'"),
    "memory endless": ([*SMALL, "--memory", "1e400"], "is more than any machine has"),
    "devices too many": ([*SMALL, "--devices", "1e9"], "devices is 1000000000; it must be in 1"),
    "sigma huge": ([*SMALL, "--sigma", "1e300"], "sigma is 1e+300; a drawn value exceeds"),
    "steps too many": ([*SMALL, "--steps", "1e19"], "it must be in 1 ... 2**63 - 1"),
    "out nameless": ([*SMALL, "--out", ""], "the name is empty; a path is needed"),
    "too much memory": ([*SMALL, "--tokens", "1e12"], "GiB of memory"),
    "out of range": ([*SMALL, "--radius", "1e39"], "the largest radius that fits is"),
    "drawn out of range": ([*SMALL, "--sigma", "3e38"], "a drawn value exceeds"),
    "out a file": ([*SMALL, "--out", "text"], "text is not a drift store: it is a file"),
    "out below a file": ([*SMALL, "--out", "text/a.zarr"], "can't be written"),
    "out a folder": ([*SMALL, "--out", "folder"], "folder is not a drift store"),
    "nothing to plot": (["plot", "curves", "gone.zarr"], "gone.zarr is not a drift store"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_writes_nothing(in_tmp, capsys, name):
    np.save("long.npy", np.ones(17))
    np.save("zero.npy", np.zeros(16))
    np.save("nan.npy", np.full(16, np.nan))
    (in_tmp / "text").write_text("")
    (in_tmp / "folder").mkdir()
    before = sorted(in_tmp.rglob("*"))
    arguments, message = BAD[name]
    status, out, err = drift(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(in_tmp.rglob("*")) == before


@pytest.mark.slow
def test_a_complete_store_is_shown_and_one_of_another_spec_needs_overwrite(in_tmp, capsys):
    first = drift(capsys, *SMALL, "--out", "a.zarr")
    assert first[0] == 0
    status, out, err = drift(capsys, *SMALL, "--out", "a.zarr")
    assert (status, err.count("\n")) == (0, 1)
    assert "a.zarr is complete, so that nothing is done; --overwrite runs it again" in err
    assert out.splitlines()[:-2] == first[1].splitlines()[:-2]
    status, _, err = drift(capsys, *SMALL, "--seed", "4", "--out", "a.zarr")
    assert (status, err.count("\n")) == (2, 1)
    assert "a.zarr is a complete run with seed 0, not 4; --overwrite runs it anew" in err
    assert drift(capsys, *SMALL, "--out", "a.zarr", "--overwrite")[0] == 0


def test_help_of_every_verb_has_an_example(capsys):
    assert "run" in drift(capsys, "--help")[1]
    for verb in (["run"], ["plot", "curves"], ["check"], ["info"]):
        status, out, _ = drift(capsys, *verb, "--help")
        assert status == 0
        assert f"drift {' '.join(verb)}" in out.split("Example:")[1]


def test_only_a_run_says_how_to_go_on(monkeypatch, capsys):
    def stop(chosen):
        raise KeyboardInterrupt

    monkeypatch.setattr(device_check, "checks", stop)
    assert drift(capsys, "check")[::2] == (130, "drift: interrupted\n")


@pytest.mark.slow
def test_every_format_is_named_in_the_help_and_runs(in_tmp, capsys):
    text = " ".join(drift(capsys, "run", "--help")[1].replace("│", " ").split())
    for name in FORMATS:
        assert name in text
        arguments = [*SMALL, "--sigma", "0.01", "--format", name, "--jitter", "0.1"]
        status, out, _ = drift(capsys, *arguments, "--survivors", "5")
        assert status == 0
        assert f"in {name}" in out
        assert "jitter 0.1, survivors 5" in out


def test_the_version_is_told_and_a_missing_verb_gets_the_help(capsys):
    assert drift(capsys, "--version")[:2] == (0, version("bf16-drift") + "\n")
    status, out, err = drift(capsys)
    assert (status, err) == (2, "")
    assert "Usage: drift" in out


def test_info_names_versions_devices_and_places(capsys, monkeypatch):
    monkeypatch.setenv("JAX_OF_MINE", "[red]1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    found = json.loads(drift(capsys, "info", "--json")[1])
    names = {"python", "bf16-drift", "jax", "numpy", "zarr", "scipy", "xarray"}
    assert found["versions"].keys() >= names
    [here] = found["devices"]
    kind = {"platform": "cpu", "kind": "cpu", "count": 1, "memory": None}
    assert here.items() >= kind.items()
    assert found["no_device"] is None
    assert 0 < found["usable_cores"] <= found["cores"]
    assert 0 < found["memory"]["free"] <= found["memory"]["total"]
    assert found["environment"]["JAX_OF_MINE"] == "[red]1"
    text = drift(capsys, "info")[1]
    assert "cpu: cpu × 1" in text
    for part in (found["versions"]["jax"], found["system"], "JAX_OF_MINE=[red]1", sys.executable):
        assert part in text
    assert "secret" not in text + json.dumps(found)


def test_info_tells_all_the_rest_where_there_is_no_device(capsys, monkeypatch):
    def none(*_):
        raise BadInput("device auto is not available; JAX finds none (JAX_PLATFORMS is cuda)")

    monkeypatch.setattr(device, "find_device", none)
    status, out, _ = drift(capsys, "info", "--json")
    found = json.loads(out)
    assert (status, found["devices"]) == (0, [])
    assert "JAX_PLATFORMS is cuda" in found["no_device"]
    assert "JAX_PLATFORMS is cuda" in " ".join(drift(capsys, "info")[1].split())


@pytest.mark.processes
def test_help_imports_nothing_heavy():
    code = (
        "import sys; from drift.experiments.cli import main as cli; cli.outcome(['--help']);"
        "print([m for m in ('jax', 'zarr', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def recorded(path):
    return len(RunStore(path).records()) if path.exists() else 0


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_how_to_go_on_and_does(in_tmp, capsys, sent, status):
    arguments = ["run", "--sigma", "1e-9", "--tokens", "64", "--dims", "64", "--steps", "1e5"]
    arguments += ["--records", "3000", "--out", "a.zarr", "--device", "cpu"]
    arguments += ["--rounding", "stochastic"]  # which never comes to rest
    # A shell starts its background jobs, and so this test's children, deaf to SIGINT.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from drift.experiments.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not recorded(in_tmp / "a.zarr") and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(sent)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (status, "")
    *before, last = err.splitlines()
    assert all(line.startswith("record ") for line in before), "how far it is, no more"
    assert "the same command goes on where it stopped" in last
    assert 0 < recorded(in_tmp / "a.zarr") < 3001
    assert not RunStore(in_tmp / "a.zarr").complete

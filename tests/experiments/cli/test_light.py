"""Verbs that look at what is stored load no JAX, which takes longer than all they do."""

import subprocess
import sys

import pytest

from drift import Drift
from drift.sim.runs import run
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import tiny

pytestmark = [pytest.mark.processes, pytest.mark.slow]

VERBS = {
    "status": "status grid.zarr",
    "export": "export grid.zarr",
    "structure": "structure run.zarr",
    "compare": "compare run.zarr run.zarr",
    "curves": "plot curves run.zarr",  # of which nothing can be predicted
    "curves of a sweep": "plot curves grid.zarr --no-prediction",
    "phase": "plot phase grid.zarr --no-prediction",
    "holes": "plot holes run.zarr",
    "report": "report grid.zarr --no-prediction",
    "track": "track run.zarr --out track.zarr",
    "figure of a track": "plot track track.zarr --panels phases",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """The status of each verb and whether JAX was loaded by then, in one process."""
    place = tmp_path_factory.mktemp("light")
    small = {"tokens": 40, "dims": 8, "steps": 9, "records": 3, "format": "float4_e2m1fn"}
    run.run(Drift(sigma=0.1, rounding="stochastic", **small), place / "run.zarr", on="cpu")
    sweep(tiny(tokens=(40,)), place / "grid.zarr", on="cpu")
    code = (
        "import sys; from drift.experiments.cli import main as cli\n"
        # Drawing takes long; what a report has inside it needs.
        "from matplotlib.figure import Figure\n"
        "draw = Figure.savefig\n"
        "def save(figure, to, **how):\n"
        "    return to.write_text('') if hasattr(to, 'exists') else draw(figure, to, **how)\n"
        "Figure.savefig = save\n"
        f"for line in {list(VERBS.values())!r}:\n"
        "    status = cli.outcome(line.split())\n"
        "    print('jax' in sys.modules, status, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("drift:")]
    return dict(zip(VERBS, lines, strict=True))


@pytest.mark.parametrize("name", VERBS)
def test_what_is_stored_is_looked_at_without_jax(name, ended):
    assert ended[name] == "False 0"

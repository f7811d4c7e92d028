"""Drifts that start from a checkpoint's rows: what they are, and whole runs against the oracle."""

from fractions import Fraction

import numpy as np
import pytest
import xarray

from drift import RunStore
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.checkpoint_rows import from_checkpoint
from drift.sim.engines import choose
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.spec.origin import Origin
from tests.support import oracle
from tests.support.brute_force import selected_ids
from tests.support.builders import Stop, arrays, assert_same_arrays, stop_after
from tests.support.small_model import DRIFT, NAME, NEAR, codes, write


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write(tmp_path_factory.mktemp("origin") / "model.safetensors")


MOTIONS = {
    "as they are": {},
    "selected": {**NEAR, "direction": "centroid"},
    "along an axis": {"direction": "axis", "rounding": "toward-zero", "schedule": "linear"},
    "stochastic": {"rounding": "stochastic", "direction": "centroid"},
    "master": {"master": "float32", "direction": "centroid"},
    "jitter": {**NEAR, "jitter": 0.2},
    "survivors": {"survivors": 7, "schedule": "cosine"},
    "float8": {"format": "float8_e4m3fn", "direction": "centroid"},
    "float4": {**NEAR, "format": "float4_e2m1fn", "radius": 2.0},
    "float32": {"format": "float32"},
}


def selected(drift):
    """The ids that the drift has by a brute force."""
    everyone = Matrix.whole(codes(), BFLOAT16, "")
    near = drift.origin.near
    return list(range(50)) if near is None else selected_ids(everyone, near, drift.origin.exponents)


@pytest.mark.slow
@pytest.mark.parametrize("name", MOTIONS)
def test_a_run_is_the_oracles_by_either_engine_and_resumed(model, tmp_path, name):
    drift = from_checkpoint(model, **{**DRIFT, **MOTIONS[name]})
    path, again = tmp_path / "step.zarr", tmp_path / "again.zarr"
    options = {"on": "cpu", "chunk_bytes": 1000}
    result = run.run(drift, path, engine="step", **options).as_json()
    if not choose.leap_unsupported_reason(drift):
        run.run(drift, again, engine="leap", **options)
        assert_same_arrays(path, again)
    with pytest.raises(Stop):
        run.run(drift, again, engine="step", overwrite=True, progress=stop_after(3), **options)
    run.run(drift, again, engine="step", **options)
    assert_same_arrays(path, again)

    store, ids = RunStore(path), selected(drift)
    u = store.read("direction")
    assert store.read("token_id").tolist() == ids
    held, clouds = oracle.walk(drift, u, oracle.taken(drift, oracle.rows(model, NAME)[ids]))
    for k, step in enumerate(drift.snapshot_steps):
        np.testing.assert_array_equal(store.read("bits")[k], oracle.bits(clouds[step]))
    for counts in [result["initial"], *result["records"], result["final"]]:
        expected = oracle.counts(drift, held, clouds, counts["step"], u)
        assert counts["radius"] == pytest.approx(expected.pop("radius"), abs=1e-6 * drift.radius)
        assert {name: counts[name] for name in expected} == expected
    if drift.direction == "centroid":
        start = clouds[0].astype(np.float64).T.tolist()
        mean = np.array([float(sum(map(Fraction, each)) / len(ids)) for each in start])
        np.testing.assert_allclose(u, mean / np.linalg.norm(mean), rtol=1e-14)


@pytest.mark.slow
def test_what_a_store_tells_of_its_origin(model, tmp_path):
    drift = from_checkpoint(model, near=4, radius=0.05, steps=3)
    result = run.run(drift, tmp_path / "run.zarr", on="cpu").as_json()
    spec = {"sigma": None, "from": str(model), "tensor": NAME, "near": "4", "exponents": 5}
    spec |= {"tokens": drift.tokens, "dims": 24, "format": "bfloat16"}
    assert spec.items() <= result["spec"].items()
    assert result["cloud"] == RunStore(tmp_path / "run.zarr").attrs["cloud"]
    assert result["cloud"]["zeroed"] > 0
    with xarray.open_zarr(tmp_path / "run.zarr", consolidated=False) as data:
        assert set(data.coords) == {"step", "snapshot_step", "token_id"}
        assert data.token_id.dims == ("token",)
        assert data.token_id.dtype == np.int64
        assert data.sizes["token"] == drift.tokens
    drawn = Drift(sigma=1e-3, tokens=4, dims=4, steps=2)
    run.run(drawn, tmp_path / "drawn.zarr", on="cpu")
    assert "token_id" not in arrays(tmp_path / "drawn.zarr")
    assert not {"from", "tensor", "near", "exponents"} & drawn.as_json().keys()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"direction": "centroid"}])
def test_a_checkpoint_that_changed_is_noticed(tmp_path, options):
    model, path = write(tmp_path / "model.safetensors"), tmp_path / "run.zarr"
    drift = from_checkpoint(model, **DRIFT, **options)
    with pytest.raises(Stop):
        run.run(drift, path, on="cpu", progress=stop_after(3))
    write(model, seed=1)
    with pytest.raises(BadInput, match=r"begun with other rows than .*model.safetensors holds now"):
        run.run(drift, path, on="cpu")
    write(model)
    run.run(drift, path, on="cpu")


@pytest.mark.slow
def test_an_unfinished_run_of_another_selection_is_refused(model, tmp_path):
    path = tmp_path / "run.zarr"
    with pytest.raises(Stop):
        run.run(from_checkpoint(model, **DRIFT), path, on="cpu", progress=stop_after(3))
    other = from_checkpoint(model, **DRIFT, near="4", exponents=300)
    assert other.tokens == 50
    with pytest.raises(BadInput, match="an unfinished run with near None, not 4"):
        run.run(other, path, on="cpu")
    with pytest.raises(BadInput, match="an unfinished run with sigma None, not 1"):
        run.run(Drift(sigma=1.0), path, on="cpu")


def test_the_unembedding_and_its_format_are_taken_by_default(model, tmp_path):
    drift = from_checkpoint(str(model), radius=0.5)
    assert drift.origin == Origin(path=str(model), tensor=NAME)
    assert (drift.tokens, drift.dims, drift.format, drift.radius) == (50, 24, "bfloat16", 0.5)
    other = from_checkpoint(model, "model.embed_tokens.weight", format="float16")
    assert (other.tokens, other.dims, other.format) == (1, 1, "float16")


REFUSED = {
    "sigma": ({"sigma": 1e-3}, "sigma is 0.001 with --from; it is for a drawn cloud alone"),
    "tokens": ({"tokens": 5}, "tokens is 5 with --from"),
    "dims": ({"dims": 24}, "dims is 24 with --from"),
    "exponents": ({"exponents": 5}, "exponents is 5 without near; together they select"),
    "far": ({"near": "4", "exponents": -1}, "exponents is -1; it must be 0 or more"),
    "nobody": ({"near": "50"}, r"near is 50; model.safetensors, .* its ids are 0 \.\.\. 49"),
    "near": ({"near": "me"}, "near is 'me'; it must be largest or a token id"),
    "tensor": ({"tensor": "wte"}, "holds no tensor 'wte'; it holds model.embed_tokens.weight"),
    "format": ({"format": "fp8"}, "format is 'fp8'; it must be one of bfloat16"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_named(model, name):
    options, message = REFUSED[name]
    with pytest.raises(BadInput, match=message):
        from_checkpoint(model, **options)


def test_a_drift_has_one_cloud():
    origin = Origin(path="model.safetensors", tensor=NAME)
    with pytest.raises(BadInput, match="no cloud is named; --sigma draws one, --from takes"):
        Drift()
    with pytest.raises(BadInput, match="sigma is 1 with --from"):
        Drift(sigma=1.0, origin=origin)
    with pytest.raises(BadInput, match="direction is centroid; it is for a cloud of a checkpoint"):
        Drift(sigma=1.0, direction="centroid")
    with pytest.raises(BadInput, match="near is largest without exponents; together"):
        Origin(path="model.safetensors", tensor=NAME, near="largest")

"""The command line with stores on object storage: the same verbs, the same lines."""

import json
import socket

import pytest

from tests.support import s3_server
from tests.support.run_cli import drift

SMALL = ["run", "--sigma", "1e-9", "--tokens", "40", "--dims", "32", "--records", "2"]


def answer(capsys, *arguments):
    """The JSON that a verb prints."""
    status, out, err = drift(capsys, *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


@pytest.mark.slow
def test_every_verb_takes_a_store_there_as_it_takes_a_path(svg_only, bucket, in_tmp, capsys):
    there, here = f"{bucket}/runs/first.zarr", "first.zarr"
    status, out, err = drift(capsys, *SMALL, "--direction-seed", "1", "--out", there)
    assert (status, err) == (0, "")
    assert f"store: {there}" in out
    theirs = answer(capsys, *SMALL, "--out", here)
    compared = answer(capsys, "compare", there, here)
    assert (compared["a"], compared["b"], compared["identical"]) == (there, here, False)
    status, out, err = drift(capsys, *SMALL, "--out", there)
    assert (status, err.count("\n")) == (2, 1)
    assert f"{there} is a complete run with direction_seed 1, not 0; --overwrite runs it" in err
    ours = answer(capsys, *SMALL, "--out", there, "--overwrite")
    assert ours["store"] == there
    assert {**ours, "store": 0, "seconds": 0} == {**theirs, "store": 0, "seconds": 0}
    assert answer(capsys, "structure", there) == answer(capsys, "structure", here)
    assert answer(capsys, "compare", here, there)["identical"]
    figures = answer(capsys, "plot", "curves", there, here)["figures"]
    assert figures == ["first-curves.png", "first-curves.svg"]
    assert {path.name for path in in_tmp.iterdir()} == {*figures, here}


@pytest.mark.slow
def test_the_verbs_of_sweeps_take_a_store_there_too(svg_only, bucket, in_tmp, capsys):
    there = f"{bucket}/grid.zarr"
    grid = ["sweep", "--sigma", "1e-9,1e-8", "--steps", "1,10", "--tokens", "12", "--dims", "8"]
    asked = answer(capsys, *grid, "--records", "2", "--out", there, "--dry-run")
    assert (asked["store"], asked["to_count"]) == (there, 4)
    assert s3_server.names(bucket) == []
    swept = answer(capsys, *grid, "--records", "2", "--out", there)
    assert (swept["store"], swept["done"]) == (there, 4)
    status = answer(capsys, "status", there)
    assert (status["store"], status["done"], status["running"]) == (there, 4, False)
    assert answer(capsys, "plot", "phase", there)["figures"] == ["grid-phase.png", "grid-phase.svg"]
    assert drift(capsys, *grid, "--out", there)[0] == 2
    assert answer(capsys, *grid, "--out", there, "--overwrite")["done"] == 4
    assert drift(capsys, "structure", there)[2].count("\n") == 1


REFUSED = {
    "no bucket": ([*SMALL, "--out", "s3://no-such-bucket/a.zarr"], "there is no such bucket"),
    "a bucket alone": ([*SMALL, "--out", "s3://bucket"], "s3://bucket/NAME is needed"),
    "another scheme": ([*SMALL, "--out", "gs://bucket/a.zarr"], "gs://… is not supported"),
    "no sweep": (["status", "BUCKET/a.zarr"], "is not the store of a sweep: there is nothing"),
    "nothing to plot": (["plot", "curves", "BUCKET/a.zarr"], "not a drift store: there is nothing"),
    "nothing to look at": (["structure", "BUCKET/a.zarr"], "a.zarr does not exist; a run's"),
    "nothing to compare": (["compare", "BUCKET/a.zarr", "a"], "a.zarr does not exist"),
    "figures there": (["plot", "curves", "a", "--out", "BUCKET/a"], "a local path is needed"),
    "a checkpoint there": (["scan", "BUCKET/a"], "on object storage; a local path is needed"),
    "rows there": ([*SMALL, "--from", "BUCKET/a"], "on object storage; a local path is needed"),
    "a list there": (["scan", "a", "--ids", "BUCKET/a"], "a local path is needed"),
    "a secret": ([*SMALL, "--out", f"s3://A:{s3_server.SECRET}@b/a"], "s3://… names no bucket"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_gets_one_line_and_writes_nothing(bucket, in_tmp, capsys, name):
    arguments, said = REFUSED[name]
    arguments = [each.replace("BUCKET", bucket) for each in arguments]
    status, out, err = drift(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("drift: ")
    assert err.count("\n") == 1
    assert said in err
    assert s3_server.SECRET not in err
    assert list(in_tmp.iterdir()) == []
    assert s3_server.names(bucket) == []


@pytest.mark.slow
def test_an_endpoint_that_is_not_there_gets_one_line(bucket, in_tmp, capsys, monkeypatch):
    with socket.socket() as free:  # bound, and so nobody else's, but not listening
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
        s3_server.use(monkeypatch, endpoint)
        status, out, err = drift(capsys, *SMALL, "--out", f"{bucket}/a.zarr")
    assert (status, out) == (2, "")
    said = f"{bucket}/a.zarr: {endpoint} can't be reached (EndpointConnectionError)"
    assert err == f"drift: {said}\n"


def test_the_help_says_what_overwriting_means_there(capsys):
    for verb in ("run", "sweep"):
        text = " ".join(drift(capsys, verb, "--help")[1].replace("│", " ").split())
        assert "s3://BUCKET/NAME" in text
        assert "on s3:// it is deleted first" in text

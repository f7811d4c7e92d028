"""Sweeps that are killed, at any moment of their lives, and gone on with."""

import pickle
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from drift.sim.errors import BadInput
from drift.sim.sweeps.local import local_executor
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import files, life, stored_bytes
from tests.support.counted_before import CountedBefore

pytestmark = [pytest.mark.processes, pytest.mark.slow]

KILLS, NEVER = 20, 1000
COUNTING = 5
"""Of so many that were killed one counts what is left; the others are told."""


class Victims:
    """A process of tests.support.sweeps_to_kill."""

    def __init__(self, counted):
        command = [sys.executable, "-m", "tests.support.sweeps_to_kill", counted]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def live(self, path, stage=NEVER, seconds=0.0):
        """Sweep into `path`, killed `seconds` into a stage; the status, and stages' seconds."""
        self._process.stdin.write(f"{stage} {seconds} {path}\n")
        self._process.stdin.flush()
        status, *stages = self._process.stdout.readline().split()
        return int(status), list(map(float, stages))

    def close(self):
        self._process.communicate(timeout=60)


def done_in(path):
    """Cells that are done, -1 where no store was begun; and whether it is complete."""
    try:
        store = SweepStore(path)
    except BadInput:
        return -1, False
    return int(np.count_nonzero(store.done)), store.complete


def test_killed_at_any_moment_of_its_life_it_goes_on_to_the_same_store(tmp_path):
    whole, counted = tmp_path / "whole.zarr", CountedBefore()
    sweep(life(), whole, on="cpu", by=counted.noting)
    arrays, values = stored_bytes(whole), files(whole)
    (tmp_path / "counted").write_bytes(pickle.dumps(counted))
    victims, found = Victims(tmp_path / "counted"), []
    victims.live(tmp_path / "first.zarr")  # which loads what is loaded when it is needed
    status, stages = victims.live(tmp_path / "unharmed.zarr")
    assert (status, len(stages)) == (0, 13)
    assert stored_bytes(tmp_path / "unharmed.zarr") == arrays
    for k in range(KILLS):
        stage = k * len(stages) // KILLS
        place, status = tmp_path / f"kill-{k}", 0
        path, seconds = place / "a.zarr", random.Random(k).random() * stages[stage]
        while status == 0:
            status, _ = victims.live(path, stage, seconds)
            if status == 0:  # it was over before that
                path, seconds = path.with_name(f"more-{path.name}"), seconds / 2
        assert status == -signal.SIGKILL
        done, complete = done_in(path)
        found.append(done)
        if not complete:
            by = counted.telling if k % COUNTING else local_executor
            result = sweep(life(), path, on="cpu", by=by).as_json()
            assert (result["done"], result["failed"]) == (len(life()), 0)
            assert not [each for each in place.iterdir() if each.suffix != ".zarr"]
        assert stored_bytes(path) == arrays
        assert files(path) == values
    victims.close()
    assert len(set(found)) > 10, "they were killed at all stages"

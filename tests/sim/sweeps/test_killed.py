"""Sweeps that are killed, at any moment of their lives, and gone on with."""

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drift.sim.errors import BadInput
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import files, life, stored_bytes

pytestmark = [pytest.mark.processes, pytest.mark.slow]

KILLS, SIDE_BY_SIDE, NEVER = 50, 2, 1000


class Victims:
    """A process of tests.support.sweeps_to_kill."""

    def __init__(self, cache):
        command = [sys.executable, "-m", "tests.support.sweeps_to_kill"]
        environment = {**os.environ, "DRIFT_CACHE": str(cache)}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=environment
        )

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


def test_killed_at_fifty_moments_of_its_life_it_goes_on_to_the_same_store(tmp_path):
    whole = tmp_path / "whole.zarr"
    sweep(life(), whole, on="cpu")
    arrays, values = stored_bytes(whole), files(whole)

    def side(number):
        victims, found = Victims(tmp_path / "cache"), []
        victims.live(tmp_path / f"first-{number}.zarr")
        status, stages = victims.live(tmp_path / f"{number}.zarr")
        assert (status, len(stages)) == (0, 13)
        assert stored_bytes(tmp_path / f"{number}.zarr") == arrays
        for k in range(number, KILLS, SIDE_BY_SIDE):
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
                result = sweep(life(), path, on="cpu")
                assert (result["done"], result["failed"]) == (len(life()), 0)
                assert not [each for each in place.iterdir() if each.suffix != ".zarr"]
            assert stored_bytes(path) == arrays
            assert files(path) == values
        victims.close()
        return found

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = [done for part in pool.map(side, range(SIDE_BY_SIDE)) for done in part]
    assert len(found) == KILLS
    assert len(set(found)) > 10, "they were killed at all stages"

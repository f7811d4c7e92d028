"""What lies about where command lines are tried: stores, checkpoints, and what only looks so."""

import json
import os
import pickle
from contextlib import suppress

import ml_dtypes
import numpy as np

from drift.experiments.cli import main
from drift.kernels.formats import BFLOAT16
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from tests.support import builders
from tests.support.builders import Stop, stop_after

EXPLODED = "exploded"
"""The file that a pickle writes where it is read."""


def furnish():
    """Make the places, in the working directory."""
    small = ["--tokens", "20", "--dims", "8", "--steps", "4", "--records", "4"]
    for words in (
        ["run", "--sigma", "1e-8", *small, "--out", "run.zarr"],
        ["run", "--sigma", "1e-8", *small, "--snapshots", "records", "--out", "[red]σ.zarr"],
        ["sweep", "--sigma", "1e-9,1e-8", *small, "--out", "grid.zarr"],
    ):
        assert main.outcome(words) == 0
    with suppress(Stop):
        unfinished = Drift(sigma=1e-8, tokens=20, dims=8, steps=4)
        run.run(unfinished, "half.zarr", on="cpu", progress=stop_after(2))
    os.mkdir("folder")
    os.mkdir("folder.npy")
    os.mkfifo("pipe.npy")
    for name in ("text", "text.npy"):
        with open(name, "w") as file:
            file.write("a text\n")
    np.save("good.npy", np.arange(1.0, 9.0))
    np.save("two.npy", np.ones((2, 4)))
    np.save("objects.npy", np.array([Bomb()] * 8, dtype=object), allow_pickle=True)
    with open("huge.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
        )
    with open("pickle.bin", "wb") as file:
        pickle.dump(Bomb(), file)
    codes = np.random.default_rng(0).normal(size=(20, 8)).astype(ml_dtypes.bfloat16).view(np.uint16)
    codes[5:9] = codes[4]
    held = {"lm_head.weight": builders.matrix(codes, BFLOAT16)}
    builders.write("model.safetensors", held)
    os.mkdir("sharded")
    builders.write("sharded/one.safetensors", held)
    where = {"lm_head.weight": "one.safetensors", "x": "../model.safetensors"}
    with open("sharded/model.safetensors.index.json", "w") as file:
        json.dump({"weight_map": where}, file)
    with open("bad.safetensors", "wb") as file:
        file.write(b"\xff" * 30)


class Bomb:
    """What a pickle can be: it writes a file where it is read."""

    def __reduce__(self):
        return os.system, (f"echo > {EXPLODED}",)

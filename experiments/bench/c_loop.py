"""The rival in C, c_loop.c: compiled on the spot, run on slices of the rows side by side."""

import ctypes
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

FEWEST_ROWS, FEWEST_DIMS = 16, 16
"""What c_loop.c needs of every slice."""

_FLAGS = (["-O3", "-march=native"], ["-O3", "-mcpu=native"], ["-O3"])
"""Tried in this order: not every compiler knows the first."""


class Missing(Exception):
    """A rival that is not on this machine; the message says why."""


def compiler() -> list[str]:
    """The system's C compiler: CC, or cc."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def version() -> str:
    """What the compiler calls itself; raises Missing where there is none."""
    return _output([*compiler(), "--version"]).splitlines()[0]


class CLoop:
    """c_loop.c compiled into `directory`; raises Missing where that can't be done."""

    def __init__(self, directory: Path):
        library = directory / "rival.so"
        with as_file(files("drift.experiments.bench") / "c_loop.c") as source:
            for flags in _FLAGS:
                try:
                    command = [*compiler(), *flags, "-shared", "-fPIC", "-o"]
                    _output([*command, str(library), str(source)])
                    break
                except Missing:
                    if flags is _FLAGS[-1]:
                        raise
        self.flags = " ".join(flags)
        self._advance: Any = ctypes.CDLL(str(library)).advance
        pointer, number = ctypes.c_void_p, ctypes.c_long
        self._advance.argtypes = [pointer, pointer, number, number, pointer, number]

    def __call__(
        self,
        codes: np.ndarray,
        moved: np.ndarray,
        displacements: np.ndarray,
        pool: ThreadPoolExecutor,
        workers: int,
    ) -> np.ndarray:
        """`moved`, filled with `codes` after all `displacements`; a slice for each worker.

        codes, moved   uint16 (rows, dims), contiguous
        displacements  float32 (steps, dims), contiguous
        """
        rows, dims = codes.shape
        cuts = [rows * k // workers for k in range(workers + 1)]

        def one(k: int) -> None:
            part = slice(cuts[k], cuts[k + 1])
            here, there = codes[part].ctypes.data, moved[part].ctypes.data
            # The call lets go of the interpreter's lock.
            steps = displacements.ctypes.data, len(displacements)
            if self._advance(here, there, cuts[k + 1] - cuts[k], dims, *steps):
                raise MemoryError

        list(pool.map(one, range(workers)))
        return moved


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Missing(f"no C compiler: {command[0]}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr.strip() or "it says nothing").splitlines()[0]
        raise Missing(f"{command[0]} fails: {said}")
    return done.stdout

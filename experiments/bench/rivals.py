"""Rivals: loops of the same update in NumPy, in PyTorch, and in C.

Each takes bfloat16 codes, uint16 (rows, dims), and displacements, float32
(steps, dims), and gives the codes after all steps, as a person would write it who
wants every step rounded. PyTorch is used where it is installed; c_loop.c is compiled on the
spot, and run on slices of the rows side by side.
"""

import ctypes
import os
import shlex
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

FEWEST_ROWS, FEWEST_DIMS = 16, 16
"""Least rows and dimensions of a slice for c_loop.c."""

_FLAGS = (["-O3", "-march=native"], ["-O3", "-mcpu=native"], ["-O3"])
"""Tried in this order: not every compiler knows the first."""


class Missing(Exception):
    """A rival that is not on this machine; the message says why."""


def compiler() -> list[str]:
    """The system's C compiler: CC, or cc."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def compiler_version() -> str | None:
    """Return the name and version of the C compiler; None where there is none."""
    try:
        return _output([*compiler(), "--version"]).splitlines()[0]
    except Missing:
        return None


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


def numpy_loop(
    codes: np.ndarray, displacements: np.ndarray, pool: ThreadPoolExecutor, workers: int
) -> np.ndarray:
    """NumPy + ml_dtypes, a slice of the rows for each worker."""
    moved = np.empty_like(codes)
    cuts = [len(codes) * k // workers for k in range(workers + 1)]

    def one(k: int) -> None:
        part = slice(cuts[k], cuts[k + 1])
        x = codes[part].view(ml_dtypes.bfloat16)
        for c in displacements:
            x = (x.astype(np.float32) + c).astype(ml_dtypes.bfloat16)
        moved[part] = x.view(np.uint16)

    list(pool.map(one, range(workers)))
    return moved


def torch(platform: str, workers: int) -> tuple[Any, Any]:
    """The module and the device to use for a JAX platform, with `workers` threads.

    Raises Missing where PyTorch is not installed or has no such device.
    """
    try:
        import torch as module
    except ImportError as error:
        raise Missing("torch is not installed") from error
    module.set_num_threads(workers)
    if platform == "cpu":
        return module, module.device("cpu")
    if platform == "gpu" and module.cuda.is_available():
        return module, module.device("cuda")
    raise Missing(f"this torch {module.__version__} has no {platform}")


class TorchLoop:
    """A PyTorch loop over all `displacements`, eager or compiled.

    The compiler is told to keep the roundings between steps, which it drops as it comes: see
    torch._inductor.config.emulate_precision_casts. Raises Missing where there is no torch, or
    none that can do it.
    """

    def __init__(
        self,
        platform: str,
        workers: int,
        codes: np.ndarray,
        displacements: np.ndarray,
        compiled: bool = False,
    ):
        self._torch, device = torch(platform, workers)
        words = self._torch.from_numpy(codes.view(np.int16)).to(device)
        self._x = words.view(self._torch.bfloat16)
        self._c = self._torch.from_numpy(displacements).to(device)
        self._loop: Callable[[Any, Any], Any] = _loop
        if compiled:
            options = {"emulate_precision_casts": True}
            self._loop = self._torch.compile(_loop, dynamic=False, options=options)
            try:
                self()
            except RuntimeError as error:  # it needs a C++ compiler, or Triton
                raise Missing(f"it does not compile: {str(error).splitlines()[0]}") from error

    def __call__(self) -> Any:
        """The tensor after all steps."""
        with self._torch.inference_mode():
            moved = self._loop(self._x, self._c)
        if moved.is_cuda:
            self._torch.cuda.synchronize()
        return moved

    def codes(self, moved: Any) -> np.ndarray:
        """A result as codes, uint16 (rows, dims)."""
        return moved.view(self._torch.int16).cpu().numpy().view(np.uint16)


def _loop(x: Any, displacements: Any) -> Any:
    for c in displacements:
        x = (x.float() + c).bfloat16()
    return x

"""What one could use instead: loops of the same update in NumPy and in PyTorch.

Each takes bfloat16 codes, uint16 (rows, dims), and displacements, float32
(steps, dims), and gives the codes after all steps, as a person would write it who
wants every step rounded. PyTorch is used where it is installed.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ml_dtypes
import numpy as np

from drift.experiments.bench.c_loop import Missing


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

"""The script that `drift run` is measured against: a cell of a notebook, as a program of its own.

    python script.py torch|numpy TOKENS DIMS SIGMA RADIUS STEPS RECORDS DEVICE OUT

It draws a cloud and a direction, moves the cloud step by step, counts the distinct rows at each
record, and writes the counts as JSON. It knows nothing of drift, and imports no more than it needs.
"""

import json
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
KINDS = ("torch", "numpy")


def by_torch(
    tokens: int, dims: int, sigma: float, radius: float, steps: int, at: Collection[int], on: str
) -> tuple[list[int], float]:
    """Return the numbers of distinct rows after the steps `at`, and the seconds of the import."""
    import torch

    imported = time.perf_counter() - BEGAN
    x = (torch.randn(tokens, dims, device=on) * sigma).bfloat16()
    u = torch.randn(dims, dtype=torch.float64, device=on)
    c = (radius / steps * u / u.norm()).float()
    return torch_loop(x, [c] * steps, at), imported


def torch_loop(x: Any, displacements: Iterable[Any], at: Collection[int]) -> list[int]:
    """Return the numbers of distinct rows of `x`, a bfloat16 tensor, after the steps `at`.

    `displacements` are float32 tensors (dims,).
    """
    import torch

    distinct = lambda: len(torch.unique(x + 0.0, dim=0))  # noqa: E731 # -0 becomes +0
    counts = [distinct()] if 0 in at else []
    with torch.inference_mode():
        for t, c in enumerate(displacements, 1):
            x = (x.float() + c).bfloat16()
            if t in at:
                counts.append(distinct())
    return counts


def by_numpy(
    tokens: int, dims: int, sigma: float, radius: float, steps: int, at: Collection[int], on: str
) -> tuple[list[int], float]:
    """Return the numbers of distinct rows after the steps `at`, and the seconds of the import."""
    import numpy as np

    imported = time.perf_counter() - BEGAN
    random = np.random.default_rng()
    x = _rounded(random.standard_normal((tokens, dims), np.float32) * np.float32(sigma))
    u = random.standard_normal(dims)
    c = (radius / steps * u / np.linalg.norm(u)).astype(np.float32)
    return numpy_loop((x >> 16).astype(np.uint16), [c] * steps, at), imported


def numpy_loop(codes: Any, displacements: Iterable[Any], at: Collection[int]) -> list[int]:
    """Return the numbers of distinct rows of `codes`, uint16 (tokens, dims), after the steps `at`.

    `displacements` are float32 arrays (dims,). Integers round, since ml_dtypes casts are slow.
    """
    import numpy as np

    x = codes.astype(np.uint32) << 16
    counts = [_distinct(x)] if 0 in at else []
    for t, c in enumerate(displacements, 1):
        x = _rounded(x.view(np.float32) + c)
        if t in at:
            counts.append(_distinct(x))
    return counts


def _rounded(x: Any) -> Any:
    """Return the bits of `x` rounded to bfloat16, ties to even."""
    bits = x.view("uint32")
    return (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000


def _distinct(x: Any) -> int:
    """Return the number of rows that differ, -0 being +0."""
    codes = (x >> 16).astype("uint16")
    codes[codes == 0x8000] = 0
    return len({row.tobytes() for row in codes})


def main(
    kind: str, tokens: str, dims: str, sigma: str, radius: str, steps: str, records: str, *to: str
) -> None:
    """Do the job that the command line names."""
    last, count, (on, out) = int(steps), int(records), to
    at = sorted({int(k * last / count + 0.5) for k in range(count + 1)})
    job = by_torch if kind == "torch" else by_numpy
    counts, imported = job(int(tokens), int(dims), float(sigma), float(radius), last, set(at), on)
    found = {"step": at, "distinct": counts, "import": imported}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

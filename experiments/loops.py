"""What the loop over steps costs in the final code of a fused kernel.

loop      the innermost ones that add float32 values, a GPU's unrolled or not
cost      a GPU's instructions (PTX) for an element's step; a TPU's bundles, each of
          which does several things at once, for a step of 1,024 elements, a register
traffic   bytes of global memory for an element: loaded in each step (displacements,
          which caches hold) and, once in all its steps, loaded and stored (the codes)
"""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drift.experiments.assembly import statements

_LABEL = re.compile(r"^\s*(\$\w+):")
_BRANCH = re.compile(r"\bbra(?:\.uni)?\s+(\$\w+)")
_ACCESS = re.compile(r"^(ld|st)\.global\.(?:[a-z]\w*\.)*?(?:v(\d)\.)?[busf](\d+)$")
_BUNDLE = re.compile(r"^\s*0x[0-9a-f]+\s+\w*\s*:\s*(>*)\s*\{")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SPILLS = re.compile(r"(\d+) bytes spill stores")
_REGISTER = 1024


@dataclass(frozen=True)
class Loop:
    """One kernel's loop over steps."""

    cost: float
    in_loop: float = 0.0
    """bytes loaded for an element's step, GPUs"""
    stored_in_loop: int = 0
    """bytes stored, on a TPU copies begun, in the loop; there are to be none"""
    once: float = 0.0
    """bytes loaded and stored for an element outside the loop, GPUs"""
    registers: int | None = None
    """of a thread, where ptxas is at hand"""
    spilled: int | None = None
    """bytes of a thread's registers that did not fit, likewise; vector registers, TPUs"""


def loop_of_ptx(text: str) -> Loop:
    """The loop of a PTX module of one kernel."""
    kernel = text.split(".entry", 1)[1]
    lines = kernel.splitlines()
    inside = [line for start, stop in _innermost(lines) for line in lines[start:stop]]
    looped = statements("\n".join(inside))
    adds = sum(operation == "add.rn.f32" or operation == "add.f32" for operation, _ in looped)
    everything = _accessed(statements(kernel))
    loads, stores = _accessed(looped)
    registers, spilled = _ptxas(text)
    return Loop(
        cost=len(looped) / adds,
        in_loop=loads / adds,
        stored_in_loop=stores,
        once=(sum(everything) - loads - stores) / adds,
        registers=registers,
        spilled=spilled,
    )


def loop_of_bundles(text: str, elements: int) -> Loop:
    """The loop of a TPU program whose tile has `elements`."""
    found = [(_BUNDLE.match(line), line) for line in text.splitlines()]
    bundles = [(len(match[1]), line) for match, line in found if match]
    deepest = max(depth for depth, line in bundles if "vadd.f32" in line)
    looped = [line for depth, line in bundles if depth == deepest]
    return Loop(
        cost=len(looped) * _REGISTER / elements,
        stored_in_loop=sum("= dma." in line for line in looped),
        spilled=sum(len(re.findall(r"\bvst \[vmem:\[#\w+_spill\]", line)) for line in looped),
    )


def _innermost(lines: list[str]) -> list[tuple[int, int]]:
    """First and last lines, exclusive, of the loops that hold additions and no loop."""
    labels = {match[1]: k for k, line in enumerate(lines) if (match := _LABEL.match(line))}
    loops = []
    for k, line in enumerate(lines):
        branch = _BRANCH.search(line)
        if branch and labels.get(branch[1], k) < k:
            loops.append((labels[branch[1]], k + 1))
    return [
        one
        for one in loops
        if any(re.search(r"\badd(\.rn)?\.f32\b", line) for line in lines[one[0] : one[1]])
        and not any(one != other and one[0] <= other[0] and other[1] <= one[1] for other in loops)
    ]


def _accessed(instructions: list[tuple[str, str]]) -> tuple[int, int]:
    """Bytes of global memory that a thread loads and stores."""
    loaded = {"ld": 0, "st": 0}
    for operation, _ in instructions:
        access = _ACCESS.match(operation)
        if access:
            loaded[access[1]] += int(access[2] or 1) * int(access[3]) // 8
    return loaded["ld"], loaded["st"]


def _ptxas(text: str) -> tuple[int | None, int | None]:
    """Registers and spilled bytes of a thread, by NVIDIA's assembler where there is one."""
    assembler = shutil.which("ptxas") or _packaged()
    target = re.search(r"^\.target\s+(\w+)", text, re.MULTILINE)
    if assembler is None or target is None:
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(text)
        command = [assembler, "-v", f"-arch={target[1]}", "-o", f"{folder}/kernel", str(source)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers, spills = _REGISTERS.search(said), _SPILLS.search(said)
    return int(registers[1]) if registers else None, int(spills[1]) if spills else None


def _packaged() -> str | None:
    """The assembler that comes with the CUDA packages of Python."""
    spec = importlib.util.find_spec("nvidia")
    roots = (spec.submodule_search_locations if spec else None) or []
    found = (path for root in roots for path in Path(root).glob("*/bin/ptxas"))
    return next(map(str, found), None)

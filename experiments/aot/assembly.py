"""Analysis of final GPU and TPU code: which sums are rounded, and at what cost.

add       a float32 addition: add.f32 in PTX, vadd.f32 in TPU bundles
unrounded an addition whose result another addition takes as it is, or that is
          stored as it is: the rounding between them has been dropped
product   a float32 multiplication
fused     a multiply-add in one instruction, whose product is not rounded

A rounding is integer arithmetic or a conversion, so an addition that is rounded
hands its result to something else first. Moves hand it on unchanged, and so do
registers spilled to memory and read back, and the choice (phi) between what a
loop begins with and what it came to. A TPU adds up the lanes of a register,
turning it, to pick one row of an array out of zeros; such additions are no steps
and are left out.

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
from typing import NamedTuple

_PTX = re.compile(r"\s*(?:@!?%p\d+\s+)?([a-z][\w.:]*)\s+(.*)")
_BUNDLE = re.compile(r"%(\w+)\s*=\s*([a-z][\w.]*)\s+([^;}]*)")
_BUNDLE_STORE = re.compile(r"\bvst\b([^;}]*)/\*vst_source=\*/%(\w+)")
_SPILL = re.compile(r"#(\w+_spill)\b")
_REGISTER = re.compile(r"%([a-z]\w*)")

_ADD = re.compile(r"^v?add(\.rn)?(\.ftz)?\.f32$")
_MOVE = re.compile(r"^(mov\.[buf](32|64)|vmov|vphi)$")
_TURN = re.compile(r"^vrot\b")
_HAND = re.compile(f"{_MOVE.pattern}|{_TURN.pattern}")
_FUSED = re.compile(r"^(fma(\.rn)?(\.ftz)?\.f32|vfma\S*\.f32|vmad\S*\.f32)$")
_PRODUCT = re.compile(r"^v?mul(\.rn)?(\.ftz)?\.f32$")
_STORE = re.compile(r"^st\.")


class Instruction(NamedTuple):
    """One instruction of a program."""

    operation: str
    """mnemonic"""
    target: str
    """register that it sets; empty for stores"""
    sources: list[str]
    """registers that it reads"""


@dataclass(frozen=True)
class Sums:
    """Numbers of float32 operations in some code."""

    adds: int = 0
    """additions"""
    unrounded: int = 0
    """additions whose rounding has been dropped"""
    fused: int = 0
    """multiply-adds in one instruction"""
    products: int = 0
    """multiplications"""

    @property
    def rounded(self) -> int:
        """Additions that are rounded before anything else happens to them."""
        return self.adds - self.unrounded

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.adds + other.adds,
            self.unrounded + other.unrounded,
            self.fused + other.fused,
            self.products + other.products,
        )


def statements(ptx: str) -> list[tuple[str, str]]:
    """Operations and operands, in order; a line can hold several."""
    lines = (line.split("//")[0] for line in ptx.splitlines())
    found = (_PTX.match(part) for line in lines for part in line.split(";")[:-1])
    return [(one[1], one[2]) for one in found if one]


def read_ptx(text: str) -> Sums:
    """The sums of a PTX module (each register name is its own within a kernel)."""
    total = Sums()
    for kernel in re.split(r"\.entry\b", text)[1:]:
        instructions: list[Instruction] = []
        for operation, operands in statements(kernel):
            registers = _REGISTER.findall(operands)
            stores = bool(_STORE.match(operation))
            target = "" if stores or not registers else registers[0]
            # Of a store the address comes first, in brackets.
            sources = _REGISTER.findall(operands.split("]")[-1]) if stores else registers[1:]
            instructions.append(Instruction(operation, target, sources))
        total += _count(instructions)
    return total


def read_bundles(text: str) -> Sums:
    """The sums of a TPU program's final bundles."""
    instructions = []
    for target, operation, operands in _BUNDLE.findall(text):
        slot = _SPILL.search(operands) if operation == "vld" else None
        if slot:
            instructions.append(Instruction("vmov", target, [slot[1]]))
        else:
            instructions.append(Instruction(operation, target, _REGISTER.findall(operands)))
    for address, source in _BUNDLE_STORE.findall(text):
        slot = _SPILL.search(address)
        instructions.append(
            Instruction("vmov" if slot else "st.", slot[1] if slot else "", [source])
        )
    return _count(instructions)


def _count(instructions: list[Instruction]) -> Sums:
    names = {one.target: k for k, one in enumerate(instructions) if _ADD.match(one.operation)}
    origins, turned = _handed_on(instructions, names)
    links = [
        (names[one.target], origins[source], source in turned)
        for one in instructions
        if one.target in names
        for source in one.sources
        if source in origins
    ]
    gathering = _reductions(links)
    used = {add for _, add, _ in links}
    for one in instructions:
        if _STORE.match(one.operation) or _FUSED.match(one.operation):
            used.update(origins[source] for source in one.sources if source in origins)
    return Sums(
        adds=len(names) - len(gathering),
        unrounded=len(used - gathering),
        fused=sum(bool(_FUSED.match(one.operation)) for one in instructions),
        products=sum(bool(_PRODUCT.match(one.operation)) for one in instructions),
    )


def _handed_on(
    instructions: list[Instruction], names: dict[str, int]
) -> tuple[dict[str, int], set[str]]:
    """Return the addition whose result each register holds, and registers of turned lanes."""
    origins, turned = dict(names), set()
    known = 0
    while len(origins) > known:
        known = len(origins)
        for one in instructions:
            if not _HAND.match(one.operation) or one.target in names:
                continue
            for source in one.sources if one.operation == "vphi" else one.sources[:1]:
                if source in origins:
                    origins[one.target] = origins[source]
                    if _TURN.match(one.operation):
                        turned.add(one.target)
    return origins, turned


def _reductions(links: list[tuple[int, int, bool]]) -> set[int]:
    """Additions of sums over the lanes of a register: all that hang together with a turn."""
    found = {add for link in links if link[2] for add in link[:2]}
    growing = True
    while growing:
        before = len(found)
        found.update(add for one, other, _ in links if {one, other} & found for add in (one, other))
        growing = len(found) > before
    return found


_LABEL = re.compile(r"^\s*(\$\w+):")
_BRANCH = re.compile(r"\bbra(?:\.uni)?\s+(\$\w+)")
_ACCESS = re.compile(r"^(ld|st)\.global\.(?:[a-z]\w*\.)*?(?:v(\d)\.)?[busf](\d+)$")
_SCHEDULED = re.compile(r"^\s*0x[0-9a-f]+\s+\w*\s*:\s*(>*)\s*\{")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SPILLS = re.compile(r"(\d+) bytes spill stores")
_VECTOR = 1024


@dataclass(frozen=True)
class Loop:
    """The loop over steps of one kernel."""

    cost: float
    """instructions for an element's step, GPUs; bundles for a register's step, TPUs"""
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
    found = [(_SCHEDULED.match(line), line) for line in text.splitlines()]
    bundles = [(len(match[1]), line) for match, line in found if match]
    deepest = max(depth for depth, line in bundles if "vadd.f32" in line)
    looped = [line for depth, line in bundles if depth == deepest]
    return Loop(
        cost=len(looped) * _VECTOR / elements,
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

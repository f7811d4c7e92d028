"""The table of the ahead-of-time compilations, and whether it is as it must be."""

from dataclasses import dataclass

from drift.experiments.aot.assembly import Loop, Sums
from drift.experiments.aot.targets import Target


@dataclass(frozen=True)
class Row:
    """One kernel on one target."""

    target: Target
    """device that it was compiled for"""
    name: str
    """name of the kernel"""
    unrounded: bool | None
    """True: float32, where none must be found. None: the control, which must lose some"""
    in_row: Sums
    """sums of four steps without a loop"""
    in_run: Sums | None = None
    """sums of the plain kernel of a run"""
    in_one: Sums | None = None
    """sums of the fused kernel"""
    loop: Loop | None = None
    """the fused kernel's"""

    @property
    def every(self) -> list[Sums]:
        """Sums of all forms of the kernel."""
        return [sums for sums in (self.in_row, self.in_run, self.in_one) if sums]

    @property
    def ok(self) -> bool:
        """True where the code rounds as the kernel demands."""
        if any(sums.adds == 0 or sums.fused for sums in self.every):
            return False
        if self.name == "jitter" and any(sums.products == 0 for sums in self.every):
            return False
        if self.loop and self.loop.stored_in_loop:
            return False
        if self.unrounded is None:
            return self.in_row.unrounded > 0
        if self.unrounded:
            return all(sums.rounded == 0 for sums in (self.in_row, self.in_one) if sums)
        return all(sums.unrounded == 0 for sums in self.every)


_HEAD = """# Roundings in the final code of GPUs and TPUs

Made by `make aot` with JAX {version}, on a machine with none of these devices. Every
kernel was compiled to the end, and its final code read: PTX for the GPUs, VLIW bundles
for the TPUs. An entry is the number of float32 additions and, after the slash, how many of
them are rounded before anything else happens to them. Compilers repeat code for
vector lanes and tiles, so counts differ; what matters is that both numbers are equal.
Where the state is float32 nothing is rounded: additions follow each other, in a row and
from one iteration of a loop to the next, and the analysis has to find that too.

The control is a form that must not be used, a cast to bfloat16 and back: the compilers
drop all but the last of four roundings. The table can be trusted since it finds that.
"""

_COST = """## What a step costs in the fused kernel

On a GPU: PTX instructions for an element's step, of which the assembler joins some; bytes
loaded from global memory for it, which are displacements that caches hold; registers of a
thread; and, where some did not fit, the bytes spilled. On a TPU: VLIW bundles for a step
of 1,024 elements, a vector register, and how many registers of a tile were spilled. The
codes are loaded and stored once, outside the loop; in it nothing is stored to memory.
"""


def page(rows: list[Row], version: str) -> tuple[str, bool]:
    """The page as Markdown, and whether all rows are as they must be."""
    ok = all(row.ok for row in rows)
    parts = [_HEAD.format(version=version)]
    parts.append("## Four steps in a row, without a loop\n\n" + _table(rows, "in_row"))
    kernels = [row for row in rows if row.in_run]
    parts.append("## The plain kernel of a run\n\n" + _table(kernels, "in_run"))
    kernels = [row for row in rows if row.in_one]
    parts.append("## The fused kernel\n\n" + _table(kernels, "in_one"))
    parts.append(_COST + "\n" + _table(kernels, "loop"))
    products = ", ".join(
        f"{row.in_row.products} on {row.target.name}" for row in rows if row.name == "jitter"
    )
    fused = sum(sums.fused for row in rows for sums in row.every)
    parts.append(
        f"Multiply-adds in one instruction, which would skip the rounding of a product: {fused}."
        f" Jitter multiplies before it adds; multiplications of their own in its four steps:"
        f" {products}.\n"
    )
    wrong = [f"{row.name} on {row.target.name}" for row in rows if not row.ok]
    verdict = "All kernels round correctly." if ok else f"Wrong: {', '.join(wrong)}."
    return "\n".join([*parts, verdict, ""]), ok


def _table(rows: list[Row], form: str) -> str:
    targets = list(dict.fromkeys(row.target.name for row in rows))
    names = list(dict.fromkeys(row.name for row in rows))
    lines = [f"| kernel | {' | '.join(targets)} |", "| --- |" + " ---: |" * len(targets)]
    cells = {(row.name, row.target.name): getattr(row, form) for row in rows}
    for name in names:
        row = [cells[name, target] for target in targets]
        lines.append(f"| {name} | " + " | ".join(map(_cell, row)) + " |")
    return "\n".join(lines) + "\n"


def _cell(found: Sums | Loop) -> str:
    if isinstance(found, Sums):
        return f"{found.adds} / {found.rounded}"
    loaded = f", {found.in_loop:.2g} B" if found.in_loop else ""
    registers = f", {found.registers} registers" if found.registers else ""
    spilled = f", {found.spilled} spilled" if found.spilled else ""
    return f"{found.cost:.1f}{loaded}{registers}{spilled}"

"""The table of the ahead-of-time compilations, and whether it is as it must be."""

from dataclasses import dataclass

from experiments.assembly import Sums
from experiments.targets import Target


@dataclass(frozen=True)
class Row:
    """One kernel on one target."""

    target: Target
    name: str
    unrounded: bool | None
    """True: float32, nothing to round. None: the control, which must lose roundings"""
    in_row: Sums
    """of four steps without a loop"""
    in_run: Sums | None
    """of the run's kernel"""

    @property
    def ok(self) -> bool:
        """Whether the code does what the kernel says."""
        every = [sums for sums in (self.in_row, self.in_run) if sums]
        if any(sums.adds == 0 or sums.fused for sums in every):
            return False
        if self.name == "jitter" and any(sums.products == 0 for sums in every):
            return False
        if self.unrounded is None:
            return self.in_row.unrounded > 0
        return self.unrounded or all(sums.unrounded == 0 for sums in every)


_HEAD = """# Roundings in the final code of GPUs and TPUs

Made by `make aot` with JAX {version}, on a machine with none of these devices. Every
kernel was compiled to the end, and its final code read: PTX for the GPUs, VLIW bundles
for the TPUs. A cell says how many float32 additions there are and, after the stroke, how
many of them are rounded before anything else happens to them. Compilers repeat code for
vector lanes and tiles, so counts differ; what matters is that both numbers are equal.
Where float32 is what is held nothing is rounded, so those rows may show anything: GPUs
let their additions follow each other, TPUs keep integer operations that change no bit.

The control is the form that must not be used, a cast to bfloat16 and back: the compilers
drop all but the last of four roundings. That it is found is what the table rests on.
"""


def page(rows: list[Row], version: str) -> tuple[str, bool]:
    """The page as Markdown, and whether all rows are as they must be."""
    ok = all(row.ok for row in rows)
    parts = [_HEAD.format(version=version)]
    parts.append("## Four steps in a row, without a loop\n\n" + _table(rows, "in_row"))
    kernels = [row for row in rows if row.in_run]
    parts.append("## The kernel of a run\n\n" + _table(kernels, "in_run"))
    products = ", ".join(
        f"{row.in_row.products} on {row.target.name}" for row in rows if row.name == "jitter"
    )
    fused = sum(sums.fused for row in rows for sums in (row.in_row, row.in_run) if sums)
    parts.append(
        f"Multiply-adds in one instruction, which would skip the rounding of a product: {fused}."
        f" Jitter multiplies before it adds; multiplications of their own in its four steps:"
        f" {products}.\n"
    )
    wrong = [f"{row.name} on {row.target.name}" for row in rows if not row.ok]
    verdict = "Everything is as it must be." if ok else f"Not as it must be: {', '.join(wrong)}."
    return "\n".join([*parts, verdict, ""]), ok


def _table(rows: list[Row], form: str) -> str:
    targets = list(dict.fromkeys(row.target.name for row in rows))
    names = list(dict.fromkeys(row.name for row in rows))
    lines = [f"| kernel | {' | '.join(targets)} |", "| --- |" + " ---: |" * len(targets)]
    cells = {(row.name, row.target.name): getattr(row, form) for row in rows}
    for name in names:
        sums = [cells[name, target] for target in targets]
        lines.append(f"| {name} | " + " | ".join(f"{s.adds} / {s.rounded}" for s in sums) + " |")
    return "\n".join(lines) + "\n"

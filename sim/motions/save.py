"""The displacements of a motion as a .npy file, which is a motion itself."""

import os
from pathlib import Path

import numpy as np

from drift.sim.errors import BadInput, printable, unwritten
from drift.sim.motions.motion import Motion
from drift.sim.spec.drift import Drift


def save_motion(motion: Motion, path: str | os.PathLike[str]) -> None:
    """Write the displacements of all steps to a .npy file, float32 (steps, dims), block by block.

    The file is there whole or not at all. Raises BadInput for another suffix, and where it can't
    be written; Unfinished where the disk is full.
    """
    target = Path(path)
    if target.suffix != ".npy":
        raise BadInput(f"save_motion is {printable(str(path))}; it must be a .npy file")
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            about = {"descr": "<f4", "fortran_order": False, "shape": (motion.steps, motion.dims)}
            np.lib.format.write_array_header_1_0(file, about)
            for block in motion.blocks():
                file.write(np.ascontiguousarray(block, "<f4").tobytes())
        part.replace(target)
    except OSError as error:
        raise unwritten(target, error) from error
    finally:
        part.unlink(missing_ok=True)


def saved_note(drift: Drift) -> str:
    """Return what a file of the displacements leaves out of the steps, in words, if anything."""
    if drift.weight_decay:
        return (
            f"its steps are not only displacements: weight decay {drift.weight_decay:g} multiplies"
            " values too, and is not in the file"
        )
    if drift.fused:
        return "its displacements are those of --fused; as a motion they give the same bits"
    return ""

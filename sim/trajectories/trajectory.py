"""Trajectories: samples of the same tokens, read one after another.

sample  a cloud (tokens, dims) of codes; its step is its number
span    samples that are best read together, since they share chunks of a file
codes   unsigned integers of a format's width, as they are stored; values whose type tells their
        format are codes as well, bit by bit
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from drift.kernels.formats import FORMATS, Format
from drift.sim.errors import BadInput, Damaged, printable
from drift.sim.stores.integrity import as_damaged


class Trajectory(ABC):
    """The samples of a trajectory."""

    def __init__(self, label: str, target: Format, shape: tuple[int, int, int]):
        self.label = label
        """where it is, for people"""
        self.target = target
        """the format of its values"""
        self.samples, self.tokens, self.dims = shape
        self.steps = np.arange(self.samples)
        """int64 (samples,): the steps of the samples, where the trajectory tells them"""
        self.token_ids = np.arange(self.tokens)
        """int64 (tokens,): the tokens' ids, rising"""
        self.span = 1
        """number of samples that are best read together"""
        self.notes: list[str] = []
        """lines for people on what is odd about it"""
        if 0 in shape:
            raise BadInput(f"{label} is empty: its shape is {list(shape)}")

    @abstractmethod
    def read(self, samples: range, rows: slice) -> np.ndarray:
        """Return codes (samples, rows, dims) of some samples, not to be written to."""

    def present(self, sample: int) -> np.ndarray | None:
        """Return who is present at a sample, bool (tokens,); None where all are."""
        return None


class ArrayTrajectory(Trajectory):
    """A trajectory in one array (samples, tokens, dims), or in what is indexed like one.

    `format_name` names the format of codes. Raises BadInput for an array of another kind.
    """

    def __init__(self, array: Any, label: str, format_name: str | None = None):
        if len(array.shape) != 3:
            raise BadInput(
                f"{label} has shape {list(array.shape)}; a trajectory is (steps, tokens, dims), or"
                " a list of matrices (tokens, dims)"
            )
        target = format_of(array.dtype, format_name, label)
        samples, tokens, dims = map(int, array.shape)
        super().__init__(label, target, (samples, tokens, dims))
        self._array = array
        if chunks := getattr(array, "chunks", None):
            self.span = int(chunks[0])

    def read(self, samples: range, rows: slice) -> np.ndarray:
        """Return codes of some samples. Raises Damaged where they can't be read."""
        some = slice(samples.start, samples.stop, samples.step)
        with as_damaged(f"{self.label}, samples {samples.start} to {samples[-1]},"):
            found = np.asarray(self._array[some, rows])
        return codes_of(found, self.target, self.label)


class MappedTrajectory(Trajectory):
    """A trajectory in a file that is mapped: `codes` (samples, tokens * dims), C order."""

    def __init__(self, codes: np.ndarray, label: str, target: Format, shape: tuple[int, int, int]):
        super().__init__(label, target, shape)
        self._codes = codes

    def read(self, samples: range, rows: slice) -> np.ndarray:
        """Return codes of some samples, in the file where they follow each other."""
        some = slice(samples.start, samples.stop, samples.step)
        columns = slice(rows.start * self.dims, rows.stop * self.dims)
        found = self._codes[some, columns].reshape(len(samples), -1, self.dims)
        return codes_of(found, self.target, self.label)


def format_of(dtype: Any, format_name: str | None, label: str) -> Format:
    """Return the format of values of a type, or of codes whose format is named.

    Raises BadInput where the type has none, or is not of the format's width.
    """
    if format_name is not None and format_name not in FORMATS:
        named = printable(repr(format_name))
        raise BadInput(f"format is {named}; it must be one of {', '.join(FORMATS)}")
    kind = np.dtype(dtype).newbyteorder("=")
    typed = {each.dtype: each for each in FORMATS.values()}.get(kind)
    bits = f"{8 * kind.itemsize} bits"
    if format_name is not None:
        target = FORMATS[format_name]
        whole = kind.kind in "ui" or (kind.kind == "V" and kind.names is None) or typed is not None
        if whole and kind.itemsize == target.storage.itemsize:
            return target
        raise BadInput(
            f"{label} holds {printable(str(kind))}; --as {format_name} reads the bits of"
            f" {target.storage} codes"
        )
    if typed is not None:
        return typed
    fitting = [each.name for each in FORMATS.values() if each.storage.itemsize == kind.itemsize]
    if (kind.kind in "ui" or (kind.kind == "V" and kind.names is None)) and fitting:
        what = "raw bytes" if kind.kind == "V" else str(kind)
        options = " or ".join(f"--as {each}" for each in fitting)
        raise BadInput(f"{label} holds {what} of {bits}, whose format is not told; {options} tells")
    raise BadInput(
        f"{label} holds {printable(str(kind))}; values of {', '.join(FORMATS)}, or their codes with"
        " --as, are accepted"
    )


def codes_of(found: np.ndarray, target: Format, label: str) -> np.ndarray:
    """Return the codes of what was read, in this machine's byte order.

    Raises Damaged for codes that the format does not have.
    """
    if not found.dtype.isnative:
        found = found.astype(found.dtype.newbyteorder("="))
    codes = found.view(target.storage)
    if target.width < 8 * codes.itemsize and codes.size and int(codes.max()) >> target.width:
        raise Damaged(
            f"{label} holds {int(codes.max())}; codes of {target.name} are below {2 * target.sign}"
        )
    return codes

"""Arrays of .npy files, mapped: a header may promise more than there is memory for."""

from pathlib import Path
from typing import Any

import numpy as np

from drift.sim.errors import BadInput
from drift.sim.strict_json import open_regular


def mapped_array(path: str, called: str) -> Any:
    """Return the array of a .npy file; of a file of several arrays, what np.load gives.

    Raises BadInput, which calls it `called`, where neither can be read.
    """
    open_regular(Path(path)).close()
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{called} is not a readable .npy array") from error

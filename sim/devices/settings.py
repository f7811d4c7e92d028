"""Settings of JAX in the environment, as the command line takes them.

What is compiled, and moved to a device and back, is for this package to know: settings that forbid
it, or look into every operation, are set aside. A setting that cannot be met is refused in a line
that names its variable.
"""

import os
import re
import subprocess
import sys

from drift.sim.errors import BadInput, printable

_OURS = {
    "jax_disable_jit": False,
    "jax_enable_x64": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_check_tracer_leaks": False,
    "jax_enable_checks": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_raise_persistent_cache_errors": False,
    "jax_transfer_guard": "allow",  # which sets those of each direction too
}
_FLAGS = "XLA_FLAGS"
_MOST = 100
"""Characters of a variable that are shown."""


def use_ours() -> None:
    """Let JAX have the settings that this package is made for; before it is used.

    Raises BadInput where XLA would end the process for its flags.
    """
    import jax

    for name, value in _OURS.items():
        jax.config.update(name, value)
    if os.environ.get(_FLAGS):
        # XLA reads them late, and does not return from what it does not know.
        reading = [sys.executable, "-c", "import jaxlib._jax as xla; xla.CompileOptions()"]
        done = subprocess.run(reading, capture_output=True, text=True, check=False)
        if done.returncode and _FLAGS in done.stderr:
            why = done.stderr.strip().splitlines()[-1].rpartition("] ")[2]
            raise BadInput(f"XLA can't start ({printable(why, _MOST)}); unset {_FLAGS}")


def unset(*names: str) -> str:
    """Return what some variables say that JAX goes by, and to unset them; empty for none."""
    given = [name for name in names if os.environ.get(name)]
    said = " and ".join(f"{name} is {printable(os.environ[name], _MOST)}" for name in given)
    return f"{said}; unset {' and '.join(given)}" if given else ""


def refused(error: Exception) -> str:
    """Return which variable JAX refuses in `error`; empty where it is about something else."""
    found = re.search(r"\bjax_\w+", str(error), re.IGNORECASE)
    where = unset(found[0].upper()) if found and isinstance(error, ValueError) else ""
    return where and where.replace(";", ", which JAX does not accept;")

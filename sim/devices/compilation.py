"""Programs that JAX has compiled in this process: how many, and in how many seconds.

held    the programs of a shape that are in memory. JAX keeps every one for as long as the
        process lives, and each takes about four megabytes: a thousand runs of a thousand
        shapes would take them all
"""

import ctypes
import gc
import time
from functools import cache
from typing import Any

_EVENTS = "/jax/core/compile/"
_PROGRAM = "/jax/core/compile/backend_compile_duration"
_HIT = "/jax/compilation_cache/cache_hits"
_MOST_HELD = 100
_functions: list[Any] = []
_BEGAN = time.monotonic()
_spent = 0.0
_asked, _fetched = 0, 0


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    global _spent, _asked
    if event.startswith(_EVENTS):
        # JAX goes by a clock that people set, and that may jump.
        _spent += min(max(duration_secs, 0.0), time.monotonic() - _BEGAN)
    _asked += event == _PROGRAM


def _count(event: str, **_: str | int) -> None:
    global _fetched
    _fetched += event == _HIT


@cache
def watch() -> None:
    """Count programs and seconds from now on; modules that need JAX call this first."""
    import jax.monitoring

    jax.monitoring.register_event_duration_secs_listener(_listen)
    jax.monitoring.register_event_listener(_count)


def seconds() -> float:
    """Return the seconds of tracing, lowering, and compiling or fetching, since the import."""
    return _spent


def compiled() -> int:
    """Return how many programs were compiled since this module was imported."""
    return _asked - _fetched


def fetched() -> int:
    """Return how many programs came from the persistent cache instead (sim.devices.cache)."""
    return _fetched


def tracked(function: Any) -> Any:
    """Return `function`, of jax.jit, whose programs `release_programs` can let go of."""
    watch()
    _functions.append(function)
    return function


def programs_held() -> int:
    """Return how many programs of tracked functions are in memory."""
    return sum(function._cache_size() for function in _functions)


def release_programs(most: int = _MOST_HELD) -> None:
    """Let go of tracked programs where there are more than `most`; compile again as needed.

    Programs of other functions stay. Memory that was freed goes back to the system.
    """
    if programs_held() > most:
        for function in _functions:
            function.clear_cache()
        gc.collect()  # what points at itself
        # They leave holes in the heap, which the C library would keep.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

"""What JAX has compiled in this process: how many programs, and in how many seconds."""

import time

import jax.monitoring

_EVENTS = "/jax/core/compile/"
_PROGRAM = "/jax/core/compile/backend_compile_duration"
_HIT = "/jax/compilation_cache/cache_hits"
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


jax.monitoring.register_event_duration_secs_listener(_listen)
jax.monitoring.register_event_listener(_count)


def seconds() -> float:
    """Tracing, lowering, and compiling or fetching, since this module was imported."""
    return _spent


def compiled() -> int:
    """Programs compiled since this module was imported."""
    return _asked - _fetched


def fetched() -> int:
    """Programs that came from the persistent cache instead (sim.cache)."""
    return _fetched

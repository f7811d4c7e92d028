"""What JAX has compiled in this process: how many programs, and in how many seconds.

held    the programs that are in memory. JAX keeps every one for as long as the process
        lives, and each takes about five megabytes
"""

import time

import jax
import jax.monitoring

_EVENTS = "/jax/core/compile/"
_PROGRAM = "/jax/core/compile/backend_compile_duration"
_HIT = "/jax/compilation_cache/cache_hits"
_MOST_HELD = 300
"""Few runs compile ten, and few processes as many."""
_BEGAN = time.monotonic()
_spent = 0.0
_asked, _fetched, _gone = 0, 0, 0


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


def held() -> int:
    """Programs that are in memory, at most."""
    return _asked - _gone


def let_go(most: int = _MOST_HELD) -> None:
    """Let go of all programs, the caller's own too, where more than `most` are held.

    Which of them are still needed JAX does not tell; these are compiled again.
    """
    global _gone
    if held() > most:
        jax.clear_caches()
        _gone = _asked

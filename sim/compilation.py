"""How long JAX has spent compiling in this process, in seconds."""

import jax.monitoring

_EVENTS = "/jax/core/compile/"
_spent = 0.0


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    global _spent
    if event.startswith(_EVENTS):
        _spent += duration_secs


jax.monitoring.register_event_duration_secs_listener(_listen)


def seconds() -> float:
    """Tracing, lowering and compiling since this module was imported."""
    return _spent

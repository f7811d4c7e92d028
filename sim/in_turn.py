"""Work done at once by who asks for it, where threads would only wait for each other."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InTurn(Executor):
    """An executor without a thread: what is handed in is done before `submit` returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; the future has what it returned, or raises what it raised."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

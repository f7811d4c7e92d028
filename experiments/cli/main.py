"""The command `drift`: its verbs, and how every one of them ends.

Exit status: 0 done; 2 bad input, one line on stderr; 1 failed work; 130
interrupted; 141 where whoever read the output left early; 143 terminated. Modules that take
long to import are imported by the verbs that need them, so that `drift --help` answers at once.
"""

import gc
import os
import re
import signal
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from drift.experiments.cli.help import Verb, Verbs, example
from drift.experiments.console import terminal
from drift.experiments.console.terminal import remark
from drift.sim import forks
from drift.sim.devices.settings import refused
from drift.sim.errors import BadInput, Unfinished, ran_out

VERBS = (
    *("run", "sweep", "status", "structure", "scan", "compare", "track", "predict", "study"),
    *("report", "export", "check", "bench", "info", "plot"),
)
"""The verbs in their order on the help page. Each is a module beside this one."""


def application(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """Return the command line, of which nothing is loaded but these `verbs`."""
    app = typer.Typer(
        name="drift",
        cls=Verbs,
        help="Move clouds of token vectors through a low-precision lattice; count what coalesces.",
        epilog="Each verb has its own --help, with an example.",
        add_completion=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_drift)
    for name in verbs:
        verb = import_module(f"drift.experiments.cli.{name}")
        if hasattr(verb, "app"):
            app.add_typer(verb.app, name=name)
        else:
            app.command(name, epilog=example(verb.EXAMPLE), cls=Verb)(verb.command)
    return app


_SECRET = re.compile(r":/+\S*@")
"""There a URL may have a name and a password; paths have one slash of the two."""
_INTERRUPTED, _LEFT, _TERMINATED = 130, 141, 143
_ALLOCATIONS = 50_000
"""After so many new objects the garbage collector looks for cycles. Python's own 700 is met some
hundred times by imports alone, which leave no garbage: a fifth of a short run."""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("bf16-drift"))
        raise typer.Exit


def _drift(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


class Terminated(BaseException):
    """SIGTERM arrived."""


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def main() -> NoReturn:
    """Run the command line and exit."""
    terminal.prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(_ALLOCATIONS)
    forks.allow()
    status = outcome(sys.argv[1:])
    if status in (_INTERRUPTED, _TERMINATED):
        os._exit(status)  # no farewells from threads that were reading or computing
    gc.freeze()  # the interpreter would look through all that was imported once more, to no end
    sys.exit(status)


def outcome(arguments: list[str]) -> int:
    """Run the command line on `arguments`, and return the exit status."""
    try:
        status = _ended(arguments)
        sys.stdout.flush()
        return status
    except terminal.ReaderGone:
        return _LEFT
    except Unfinished as error:
        return _say(str(error), 1)


@cache
def _command(*verbs: str) -> Any:
    """Return the parser of some verbs, which takes long to make: once a process."""
    return typer.main.get_command(application(verbs))


def _ended(arguments: list[str]) -> int:
    """Return the exit status; the caller flushes what is still to be printed."""
    try:
        wanted = arguments[:1] if arguments and arguments[0] in VERBS else VERBS
        ended: Any = _command(*wanted)(arguments, prog_name="drift", standalone_mode=False)
        if ended == _INTERRUPTED:  # how the parser reports a KeyboardInterrupt
            raise KeyboardInterrupt
        return ended if isinstance(ended, int) else 0
    except BadInput as error:
        return _say(str(error), 2)
    except Unfinished as error:
        return _say(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        return _say(f"interrupted{_resuming(arguments)}", _INTERRUPTED)
    except Terminated:
        return _say(f"terminated{_resuming(arguments)}", _TERMINATED)
    except Exception as error:
        if os.environ.get("DRIFT_TRACEBACK"):
            raise
        if ran_out(error):
            return _say(_memory(), 1)
        if hasattr(error, "format_message"):  # the parser's own errors
            # A verb that is missing has shown the help already.
            return _say(error.format_message(), 2) if error.format_message() else 2
        if isinstance(error, FileNotFoundError) and not _somewhere():
            return _say("the working directory is gone; go to one that is there", 2)
        if setting := refused(error):
            return _say(setting, 2)
        what = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        return _say(f"failed: {what} (DRIFT_TRACEBACK=1 shows where)", 1)


def _memory() -> str:
    """Return what to say where memory ran out in a verb that does not know what would fit."""
    from drift.experiments.console.values import format_bytes
    from drift.sim.devices.host_memory import free_memory

    free = format_bytes(free_memory())
    return f"out of memory, of which {free} are free now; fewer tokens, or --near, need less"


def _resuming(arguments: list[str]) -> str:
    """Return how to go on, for the verbs that can."""
    where = {
        "run": " where it stopped",
        "sweep": " with the grid points that are left",
        "study": " with what is left",
        "track": " with the samples that are left",
    }
    verb = arguments[0] if arguments else ""
    return f"; the same command goes on{where[verb]}" if verb in where else ""


def _somewhere() -> bool:
    """Return whether the working directory is still there."""
    try:
        return bool(os.getcwd())
    except FileNotFoundError:
        return False


def _say(message: str, status: int) -> int:
    remark(_SECRET.sub("://…@", message))
    return status

"""Verbs of the command line, run by tests in their own process."""

import contextlib
import io

import typer

from drift.experiments.cli import main


def leaves(command, words=()):
    """Every verb by its words, those of a group too."""
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from leaves(each, (*words, name))
        else:
            yield (*words, name), each


VERBS = dict(leaves(typer.main.get_command(main.application())))


def here(command, *_, **__):
    """Run the line of `python -m drift …` in this process, for experiments.bench.runner.process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main.outcome(command[3:]) == 0
    return 0.5, out.getvalue()


def drift(capsys, *arguments):
    """Run a verb in this process: status, stdout, stderr."""
    status = main.outcome([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err

"""Verbs of the command line, run by tests in their own process."""

from drift.experiments.cli import main


def drift(capsys, *arguments):
    """Run a verb in this process: status, stdout, stderr."""
    status = main.outcome([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err

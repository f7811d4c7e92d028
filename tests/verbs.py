"""Verbs of the command line, run by tests in their own process."""

from drift.experiments import cli


def drift(capsys, *arguments):
    """Run a verb in this process: status, stdout, stderr."""
    status = cli.outcome([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err

"""`python -m drift`: the command line, where the command `drift` is not on the path."""

from drift.experiments.cli.main import main

main()

"""The way to stop that a person is told of in one line, with exit status 2."""


class BadInput(ValueError):
    """What was asked for can't be done as asked; nothing was written. Its text is one line.

    >>> import sim
    >>> try:
    ...     sim.Drift(sigma=1e-9, rounding="up")
    ... except sim.BadInput as error:
    ...     print(error)
    rounding is 'up'; it must be one of nearest, toward-zero, stochastic
    """


class NotBegun(BadInput):
    """Whoever began a store was stopped before it had all that an empty one has."""


class Unfinished(RuntimeError):
    """The work can't go on as things are; what is done is kept. One line, exit status 1."""

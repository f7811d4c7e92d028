"""The way to stop that a person is told of in one line, with exit status 2."""


class BadInput(ValueError):
    """What was asked for can't be done as asked; nothing was written."""


class NotBegun(BadInput):
    """Whoever began a store was stopped before it had all that an empty one has."""


class Unfinished(RuntimeError):
    """The work can't go on as things are; what is done is kept. One line, exit status 1."""

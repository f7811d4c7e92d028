"""Figures: one function for each kind, each of which returns a matplotlib Figure.

    >>> import drift
    >>> found = drift.simulate(drift.Drift(sigma=1e-6, tokens=100, dims=32))
    >>> figure = drift.plot.curves(found)
    >>> figure.savefig("curves.png")

Sources are results, stores, paths, or lists of them.
"""

from drift.experiments.plots.plots import (
    cloud,
    components,
    curves,
    holes,
    lines,
    phase,
    track,
)

__all__ = ["cloud", "components", "curves", "holes", "lines", "phase", "track"]

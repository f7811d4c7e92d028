"""The figure of a prediction: pairs expected and counted, step by step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from experiments.figures import COLOURS, figure
from sim.prediction import Expected

_ERRORS = 2
"""Standard errors to either side that the band has."""


def pairs(counted: Sequence[dict[str, Any]], expected: Sequence[Expected]) -> Figure:
    """Draw the coalesced pairs of some records over those that are expected there."""
    drawn = figure()
    axes = drawn.add_subplot()
    steps = [each.step for each in expected]
    mean = np.array([each.pairs for each in expected])
    error = _ERRORS * np.array([each.pairs_error for each in expected])
    ends = np.maximum(mean - error, 0), mean + error
    label = f"expected ± {_ERRORS} standard errors"
    axes.fill_between(steps, *ends, color=COLOURS[0], alpha=0.25, linewidth=0)
    axes.plot(steps, mean, color=COLOURS[0], label=label)
    found = [counts["pairs"] for counts in counted]
    axes.plot(steps, found, "o", color=COLOURS[1], markersize=3, label="counted")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("steps done")
    axes.set_ylabel("coalesced pairs")
    drawn.legend(loc="outside upper center", ncols=2, fontsize=8)
    return drawn

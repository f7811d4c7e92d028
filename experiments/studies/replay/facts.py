"""Facts of the page, drawn from the notes: what was observed, what was replayed, side by side."""

from functools import cached_property
from typing import Any

from drift.experiments.studies.parts import StudyStores
from drift.experiments.studies.rows import Row

COUNTED = ("distinct", "black_holes", "black_hole_tokens", "largest", "pairs", "moved_tokens")
MOVED = ("mean_radius", "bulk", "thermal")
_COMPARED = ("gone", "apart", "explained", "pairs_both", "identical")


class ReplayFacts:
    """The facts of a replay."""

    def __init__(self, made: StudyStores):
        self.observed, self.replayed = made.note("observed"), made.note("replayed")

    @cached_property
    def rows(self) -> list[Row]:
        """A row for each sample."""
        sides = {"observed": self.observed, "replayed": self.replayed}
        return [
            {
                "step": step,
                **{
                    f"{side}_{name}": of[name][k]
                    for name in (*COUNTED, *MOVED)
                    for side, of in sides.items()
                },
                **{f"{side}_last_motion": of["last_motion"][k] for side, of in sides.items()},
                **{name: self.replayed[name][k] for name in _COMPARED},
            }
            for k, step in enumerate(self.observed["steps"])
        ]

    def frozen(self, side: str) -> Row:
        """Return when tokens last moved, by steps, and how many still did at the last sample."""
        of = {"observed": self.observed, "replayed": self.replayed}[side]["last_motion"]
        return freezing(of, self.observed["steps"])

    @cached_property
    def common_share(self) -> float | None:
        """The share of all observed motion, its squares summed, that is the centroid's."""
        return share(self.observed["bulk"], self.observed["thermal"])


def share(bulk: list[float | None], thermal: list[float | None]) -> float | None:
    """Return the share of bulk in both; None where nothing moves."""
    common, own = (sum(value or 0.0 for value in each) for each in (bulk, thermal))
    return common / (common + own) if common + own else None


def freezing(last_motion: list[int], steps: list[int]) -> Row:
    """Return when tokens last moved: quantiles by steps, and how many moved at the last sample.

    `last_motion` counts the tokens whose last motion ended at each sample; at the first are those
    that never moved.
    """
    tokens, found, so_far = sum(last_motion), {}, 0
    for step, many in zip(steps, last_motion, strict=True):
        so_far += many
        for name, part in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
            if name not in found and so_far >= part * tokens:
                found[name] = step
    return {**found, "moving": last_motion[-1], "never": last_motion[0], "tokens": tokens}


def of_page(facts: ReplayFacts) -> dict[str, Any]:
    """Return the names that the template knows."""
    rows, last = facts.rows, facts.rows[-1]
    known = [row for row in rows if row["explained"] is not None]
    picked = sorted({round(k * (len(rows) - 1) / 10) for k in range(11)})
    return {
        "of": facts.observed,
        "rows": [rows[k] for k in picked],
        "first": rows[0],
        "last": last,
        "explained": known[-1]["explained"] if known else None,
        "common_share": facts.common_share,
        "replayed_share": share(facts.replayed["bulk"], facts.replayed["thermal"]),
        "frozen": {side: facts.frozen(side) for side in ("observed", "replayed")},
        "moved": bool(known),
        "new_pairs": {
            side: last[f"{side}_pairs"] - rows[0]["observed_pairs"]
            for side in ("observed", "replayed")
        },
    }

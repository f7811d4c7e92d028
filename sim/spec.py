"""What a drift is: the numbers that fix every bit of it.

sigma       standard deviation of each coordinate of the cloud, absolute
radius      R, how far the cloud is asked to go along the unit direction u
steps       X, the number of steps; each is R/X long (the constant schedule)
record      a step at which the cloud is counted
snapshot    a step whose codes are kept
"""

import dataclasses
import itertools
import math
from typing import Any, Literal, get_args

from sim.errors import BadInput
from sim.streams import MOST_SEED

Snapshots = Literal["none", "ends", "records"]

SMALLEST_SIGMA = 2.0**-100
MOST_RECORDS = 100_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drift:
    """One drift. Raises BadInput, naming the field, for what makes no sense.

    `direction` is "random", "diagonal", "axis" or the path of a .npy vector;
    `at`, where given, are the record steps; otherwise there are `records` + 1 of
    them, evenly spread from 0 to `steps`, repeats dropped.
    """

    sigma: float
    tokens: int = 2212
    dims: int = 2560
    radius: float = 0.371
    steps: int = 100
    direction: str = "random"
    direction_seed: int = 0
    seed: int = 0
    records: int = 50
    at: tuple[int, ...] | None = None
    snapshots: Snapshots = "ends"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise BadInput(f"sigma is {self.sigma:g}; it must be positive and finite")
        if self.sigma < SMALLEST_SIGMA:
            raise BadInput(f"sigma is {self.sigma:g}; the smallest is 2**-100, about 7.9e-31")
        if not (math.isfinite(self.radius) and self.radius >= 0):
            raise BadInput(f"radius is {self.radius:g}; it must be 0 or more, and finite")
        for name in ("tokens", "dims", "steps", "records"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("seed", "direction_seed"):
            if not 0 <= getattr(self, name) <= MOST_SEED:
                raise BadInput(f"{name} is {getattr(self, name)}; it must be in 0 ... 2**64 - 1")
        if self.snapshots not in get_args(Snapshots):
            known = ", ".join(get_args(Snapshots))
            raise BadInput(f"snapshots is {self.snapshots!r}; it must be one of {known}")
        if self.at is not None:
            object.__setattr__(self, "at", tuple(sorted(self.at)))
            self._check_at(self.at)
        elif min(self.records, self.steps) > MOST_RECORDS:
            raise BadInput(f"records is {self.records}; at most {MOST_RECORDS} are kept")

    def _check_at(self, at: tuple[int, ...]) -> None:
        if not at:
            raise BadInput("at is empty; it must name one step or more")
        if at[0] < 0 or at[-1] > self.steps:
            wrong = at[0] if at[0] < 0 else at[-1]
            raise BadInput(f"at names step {wrong}; it must be in 0 ... {self.steps}")
        for step, following in itertools.pairwise(at):
            if step == following:
                raise BadInput(f"at names step {step} twice; each step is recorded once")

    @property
    def record_steps(self) -> tuple[int, ...]:
        """The steps that are counted and kept, rising."""
        if self.at is not None:
            return self.at
        x, n = self.steps, self.records
        if n >= x:
            return tuple(range(x + 1))
        return tuple((2 * k * x + n) // (2 * n) for k in range(n + 1))

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """The steps whose codes are kept, rising."""
        kept = {"none": (), "ends": (0, self.steps), "records": self.record_steps}
        return kept[self.snapshots]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        fields = dataclasses.asdict(self)
        return {**fields, "at": None if self.at is None else list(self.at)}

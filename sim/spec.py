"""What a drift is: the numbers that fix every bit of it.

sigma       standard deviation of each coordinate of a drawn cloud, absolute
origin      the checkpoint whose rows are the cloud instead
radius      R, how far the cloud is asked to go along the unit direction u
steps       X, the number of steps; the schedule says how they share R
master      float32: what is kept between steps; the format is only looked at
jitter      j: token i moves by (1 + j * xi) times each displacement
survivors   K: tokens leave one by one until K are present after the last step
record      a step at which the cloud is counted
snapshot    a step whose codes are kept
"""

import dataclasses
from typing import Any, Literal

from drift.kernels.formats import FLOAT32, FORMATS, Format, Motion, Rounding
from drift.sim import rules

Schedule = Literal["constant", "linear", "cosine", "exponential"]
Snapshots = Literal["none", "ends", "records"]
Master = Literal["none", "float32"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """Rows of a checkpoint, all or a selection. Raises BadInput for one without a tensor."""

    path: str
    """a file, a directory or an index: sim.checkpoint"""
    tensor: str
    near: str | None = None
    """the token they are selected around, largest or its id: sim.selection"""
    exponents: int | None = None
    """how far their exponents may be from its; with `near` alone"""

    def __post_init__(self) -> None:
        rules.check_origin(self)

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values; the path is `from`."""
        fields = dataclasses.asdict(self)
        return {"from": fields.pop("path"), **fields}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drift:
    """One drift. Raises BadInput, naming the field, for what makes no sense.

    The fields are the options of `drift run`. Either `sigma` or `origin` is given;
    drift.from_checkpoint makes a drift of the shape and the format of a checkpoint's rows.
    `radius` is in the units of sigma, so in those of the values. `direction` is "random",
    "diagonal", "axis", "centroid" (that of an origin's rows) or the path of a .npy
    vector; `format` one of kernels.formats, `rounding` of kernels.rounding, `schedule` of
    sim.schedule, with `decay` for the exponential one. `at`, where given, are the record
    steps; otherwise there are `records` + 1 of them, evenly spread from 0 to `steps`,
    repeats dropped.

        >>> import drift
        >>> d = drift.Drift(sigma=1e-9, steps=1000, records=4)
        >>> d.record_steps, d.direction, d.format
        ((0, 250, 500, 750, 1000), 'random', 'bfloat16')
        >>> drift.Drift(sigma=1e-9, steps=0)
        Traceback (most recent call last):
        drift.sim.errors.BadInput: steps is 0; it must be 1 or more
    """

    sigma: float | None = None
    origin: Origin | None = None
    tokens: int = 2212
    dims: int = 2560
    radius: float = 0.371
    steps: int = 100
    direction: str = "random"
    direction_seed: int = 0
    seed: int = 0
    format: str = "bfloat16"
    rounding: Rounding = "nearest"
    schedule: Schedule = "constant"
    decay: float = 0.99
    master: Master = "none"
    jitter: float = 0.0
    survivors: int | None = None
    records: int = 50
    at: tuple[int, ...] | None = None
    snapshots: Snapshots = "ends"

    def __post_init__(self) -> None:
        if self.at is not None:
            object.__setattr__(self, "at", tuple(sorted(self.at)))
        rules.check_cloud(self)
        rules.check_numbers(self)
        rules.check_choices(self)
        rules.check_records(self)

    @property
    def target(self) -> Format:
        """The format that is counted and stored."""
        return FORMATS[self.format]

    @property
    def motion(self) -> Motion:
        """What of this drift is compiled into its kernels."""
        held = FLOAT32 if self.master == "float32" else self.target
        return Motion(held, self.target, self.rounding, self.jitter > 0)

    @property
    def smallest_drawn(self) -> float:
        """Initial magnitudes below it become +0."""
        return max(self.target.smallest_drawn, self.motion.held.smallest_drawn)

    def alive(self, step: int) -> int:
        """How many tokens are present after `step`: N - floor((N - K) * step / X)."""
        kept = self.tokens if self.survivors is None else self.survivors
        return self.tokens - (self.tokens - kept) * step // self.steps

    @property
    def record_steps(self) -> tuple[int, ...]:
        """The steps that are counted and kept, rising."""
        if self.at is not None:
            return self.at
        x, n = self.steps, self.records
        if n >= x:
            return tuple(range(x + 1))
        return recorded(x, n)

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """The steps whose codes are kept, rising."""
        kept = {"none": (), "ends": (0, self.steps), "records": self.record_steps}
        return kept[self.snapshots]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values, an origin's among them."""
        fields = dataclasses.asdict(self)
        del fields["origin"]
        origin = self.origin.as_json() if self.origin else {}
        return {**fields, **origin, "at": None if self.at is None else list(self.at)}

    @classmethod
    def from_json(cls, spec: dict[str, Any]) -> "Drift":
        """What `as_json` gave."""
        fields = dict(spec)
        if "from" in fields:
            taken = {name: fields.pop(name) for name in ("tensor", "near", "exponents")}
            fields["origin"] = Origin(path=fields.pop("from"), **taken)
        at = fields.pop("at")
        return cls(**fields, at=None if at is None else tuple(at))


def recorded(steps: int, records: int) -> tuple[int, ...]:
    """The steps of `records` + 1 records, floor(k * steps / records + 1/2); some may repeat."""
    return tuple((2 * k * steps + records) // (2 * records) for k in range(records + 1))

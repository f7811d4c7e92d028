"""What a drift is: the numbers that fix every bit of it, and the rules they obey.

sigma       standard deviation of each coordinate of a drawn cloud, absolute
origin      the checkpoint whose rows are the cloud instead
radius      R, how far the cloud is asked to go along the unit direction u
steps       X, the number of steps; the schedule says how they share R
master      float32: what is kept between steps; the format is only looked at
jitter      j: token i moves by (1 + j * xi) times each displacement
survivors   K: tokens leave one by one until K are present after the last step
record      a step at which the cloud is counted
snapshot    a step whose codes are kept

Each rule names what was found and what is accepted.
"""

import dataclasses
import itertools
import math
from typing import Any, Literal, get_args

from drift.kernels.formats import FLOAT32, FORMATS, Arithmetic, Format, Rounding
from drift.sim.errors import BadInput
from drift.sim.sampling.philox import MOST_SEED

SMALLEST_SIGMA = 2.0**-100
MOST_JITTER = 10.0
"""Beyond it most tokens would run ten times too far, half of them backwards."""
MOST_RECORDS = 100_000
MOST_STEPS = 2**63 - 1
"""What an integer of a store holds."""


def check_cloud(drift: "Drift") -> None:
    """Raise BadInput unless the cloud is either drawn, within bounds, or a checkpoint's."""
    if drift.origin is not None:
        if drift.sigma is not None:
            raise BadInput(f"sigma is {drift.sigma:g} with --from; it is for a drawn cloud alone")
        return
    if drift.sigma is None:
        raise BadInput("no cloud is named; --sigma draws one, --from takes a checkpoint's rows")
    if not (math.isfinite(drift.sigma) and drift.sigma > 0):
        raise BadInput(f"sigma is {drift.sigma:g}; it must be positive and finite")
    if drift.sigma < SMALLEST_SIGMA:
        raise BadInput(f"sigma is {drift.sigma:g}; the smallest is 2**-100, about 7.9e-31")
    if drift.direction == "centroid":
        raise BadInput("direction is centroid; it is for a cloud of a checkpoint's rows, --from")


def check_origin(origin: "Origin") -> None:
    """Raise BadInput for a selection of which a half is missing, or out of bounds."""
    if (origin.near is None) != (origin.exponents is None):
        given = "exponents" if origin.near is None else "near"
        raise BadInput(
            f"{given} is {getattr(origin, given)}, alone; near names a token, exponents how far"
            " from its size others may be"
        )
    if origin.exponents is not None and origin.exponents < 0:
        raise BadInput(f"exponents is {origin.exponents}; it must be 0 or more")


def check_numbers(drift: "Drift") -> None:
    """Raise BadInput for a number that is out of bounds."""
    if not (math.isfinite(drift.radius) and drift.radius >= 0):
        raise BadInput(f"radius is {drift.radius:g}; it must be 0 or more, and finite")
    for name in ("tokens", "dims", "steps", "records"):
        if getattr(drift, name) < 1:
            raise BadInput(f"{name} is {getattr(drift, name)}; it must be 1 or more")
    if drift.steps > MOST_STEPS:
        raise BadInput(f"steps is {drift.steps}; it must be in 1 ... 2**63 - 1")
    for name in ("seed", "direction_seed"):
        if not 0 <= getattr(drift, name) <= MOST_SEED:
            raise BadInput(f"{name} is {getattr(drift, name)}; it must be in 0 ... 2**64 - 1")
    if not 0 < drift.decay < 1:
        raise BadInput(f"decay is {drift.decay:g}; it must be between 0 and 1, both excluded")
    if not 0 <= drift.jitter <= MOST_JITTER:
        raise BadInput(f"jitter is {drift.jitter:g}; it must be in 0 ... {MOST_JITTER:g}")
    if drift.survivors is not None and not 1 <= drift.survivors <= drift.tokens:
        raise BadInput(f"survivors is {drift.survivors}; it must be in 1 ... {drift.tokens}")


def check_choices(drift: "Drift") -> None:
    """Raise BadInput, listing what is known, for a name that is not."""
    known = {
        "format": tuple(FORMATS),
        "rounding": get_args(Rounding),
        "schedule": get_args(Schedule),
        "master": get_args(Master),
        "snapshots": get_args(Snapshots),
    }
    for name, names in known.items():
        if getattr(drift, name) not in names:
            found = getattr(drift, name)
            raise BadInput(f"{name} is {found!r}; it must be one of {', '.join(names)}")
    if drift.master != "none" and drift.rounding != "nearest":
        raise BadInput(
            f"rounding is {drift.rounding} with master {drift.master};"
            f" a master's view is rounded to nearest"
        )


def check_records(drift: "Drift") -> None:
    """Raise BadInput for record steps that are outside the drift, repeated or too many."""
    if drift.at is None:
        if min(drift.records, drift.steps) > MOST_RECORDS:
            raise BadInput(f"records is {drift.records}; at most {MOST_RECORDS} are kept")
        return
    if not drift.at:
        raise BadInput("at is empty; it must name one step or more")
    if drift.at[0] < 0 or drift.at[-1] > drift.steps:
        wrong = drift.at[0] if drift.at[0] < 0 else drift.at[-1]
        raise BadInput(f"at names step {wrong}; it must be in 0 ... {drift.steps}")
    for step, following in itertools.pairwise(drift.at):
        if step == following:
            raise BadInput(f"at names step {step} twice; each step is recorded once")


Schedule = Literal["constant", "linear", "cosine", "exponential"]
Snapshots = Literal["none", "ends", "records"]
Master = Literal["none", "float32"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """Rows of a checkpoint, all or a selection. Raises BadInput for half a selection.

    drift.from_checkpoint makes a drift that has one, and what the rows say beside.

        >>> import drift
        >>> drift.Origin(path="model", tensor="lm_head.weight", near="largest", exponents=5).near
        'largest'
    """

    path: str
    """a file, a directory or an index: sim.checkpoints.checkpoint"""
    tensor: str
    near: str | None = None
    """the token they are selected around, largest or its id: sim.checkpoints.selection"""
    exponents: int | None = None
    """how far their exponents may be from its; with `near` alone"""

    def __post_init__(self) -> None:
        check_origin(self)

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
    sim.spec.schedule, with `decay` for the exponential one. `at`, where given, are the record
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
        check_cloud(self)
        check_numbers(self)
        check_choices(self)
        check_records(self)

    @property
    def target(self) -> Format:
        """The format that is counted and stored."""
        return FORMATS[self.format]

    @property
    def arithmetic(self) -> Arithmetic:
        """What of this drift is compiled into its kernels."""
        state = FLOAT32 if self.master == "float32" else self.target
        return Arithmetic(state, self.target, self.rounding, self.jitter > 0)

    @property
    def smallest_drawn(self) -> float:
        """Initial magnitudes below it become +0."""
        return max(self.target.smallest_drawn, self.arithmetic.state.smallest_drawn)

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

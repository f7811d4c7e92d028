"""The drift: the numbers that fix every bit of it, and the rules they obey.

Each field is one row (sim.spec.fields), which has whatever the command line, grids, figures,
stores and JSON need. Rules that tie two fields together stand in sim.spec.rules.
"""

import dataclasses
import sys
from typing import TYPE_CHECKING, Any, Literal, get_args

from drift.sim.errors import BadInput
from drift.sim.spec.cloud_fields import CloudFields
from drift.sim.spec.fields import MOST_WHOLE, Field, convert, field, plain_text, rows
from drift.sim.spec.given_cloud import BFLOAT16, settle_cloud
from drift.sim.spec.motion_fields import MotionFields
from drift.sim.spec.motion_rules import check_motion_fields, settle_table, trusted
from drift.sim.spec.origin import ORIGIN, Origin
from drift.sim.spec.rules import check_cloud, check_motion, check_names, check_records, recorded

if TYPE_CHECKING:
    from drift.kernels.formats import Arithmetic, Decay, Format, Rounding

SMALLEST_SIGMA = 2.0**-100
MOST_SEED = 2**64 - 1

FormatName = Literal[
    "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn", "float32"
]
Schedule = Literal["constant", "linear", "cosine", "exponential"]
Master = Literal["none", "float32"]
Snapshots = Literal["none", "ends", "records"]

_COUNT: dict[str, Any] = {"least": 1, "most": MOST_WHOLE, "bounds": "in 1 ... 2**63 - 1"}
_SEED: dict[str, Any] = {"least": 0, "most": MOST_SEED, "bounds": "in 0 ... 2**64 - 1"}


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Drift(MotionFields, CloudFields):
    """One drift. Raises BadInput, naming the field, for what makes no sense.

    The fields are the options of `drift run`. Either `sigma`, `cloud` or `origin` is given: `cloud`
    is an array (tokens, dims) of NumPy, PyTorch or JAX, of values or of codes of `format`, or the
    path of a .npy file; drift.from_checkpoint makes a drift of a checkpoint's rows.
    Numbers may be scalars of NumPy, PyTorch or JAX, and become Python's own. The cloud has `tokens`
    tokens of `dims` values; `direction_seed` is for a random direction, `decay` for the exponential
    schedule; `rounding` is one of nearest, toward-zero and stochastic, ties to even.

        >>> import drift
        >>> d = drift.Drift(sigma=1e-9, steps=1000, records=4)
        >>> d.record_steps, d.direction, d.format
        ((0, 250, 500, 750, 1000), 'random', 'bfloat16')
        >>> drift.Drift(sigma=1e-9, steps=0)
        Traceback (most recent call last):
        drift.sim.errors.BadInput: steps is 0; it must be in 1 ... 2**63 - 1
    """

    sigma: float | None = field(
        *("real", "standard deviation of the cloud", "Cloud"),
        default=None,
        hint=" that is drawn",
        optional=True,
        goes_with="drawn",
        axis=1,
        symbol=r"$\sigma$",
        same_program=True,
        least=SMALLEST_SIGMA,
        most=sys.float_info.max,
        bounds="2**-100 (about 7.9e-31) or more, and finite",
    )
    """of each coordinate, absolute: in the units of the values"""
    origin: Origin | None = None
    """the checkpoint, or the array, whose rows are the cloud instead"""
    cloud: dataclasses.InitVar[Any] = None
    radius: float = field(
        *("real", "target radius", "Motion"),
        default=0.371,
        hint=": how far all steps together would go",
        axis=2,
        symbol="$R$",
        same_program=True,
        least=0,
        most=sys.float_info.max,
        bounds="0 or more, and finite",
    )
    """R, how far the cloud is asked to go along u, in the units of the values"""
    steps: int = field(
        *("whole", "number of steps", "Motion"), default=100, axis=3, symbol="$X$", **_COUNT
    )
    """X; the schedule says how they share R"""
    tokens: int = field(
        *("whole", "number of tokens", "Cloud"),
        default=2212,
        goes_with="drawn",
        axis=5,
        symbol="$N$",
        **_COUNT,
    )
    dims: int = field(
        *("whole", "number of dimensions", "Cloud"),
        default=2560,
        goes_with="drawn",
        axis=6,
        symbol="$D$",
        **_COUNT,
    )
    direction: str = field(
        *("direction", "direction of the drift", "Motion"),
        default="random",
        choices=("random", "diagonal", "axis", "centroid"),
        hint=" (of a checkpoint's rows), or a FILE.npy",
        axis=7,
        caption="{} direction",
        same_program=True,
    )
    """random, diagonal, axis, centroid (of an origin's rows), the path of a .npy vector, or an
    array (dims,), which becomes sha256:… of its unit vector: sim.spec.vector"""
    direction_seed: int = field(
        *("whole", "seed of a random direction", "Motion"),
        default=0,
        axis=8,
        same_program=True,
        **_SEED,
    )
    seed: int = field(
        *("whole", "seed of the cloud", "Cloud"), default=0, axis=4, same_program=True, **_SEED
    )
    """of the drawn cloud, of stochastic rounding and of noise"""
    format: str = field(
        *("text", "format of the values", "Arithmetic"),
        default=BFLOAT16,
        choices=get_args(FormatName),
        shown_default="bfloat16, or the tensor's",
        axis=9,
        caption="{}",
        unusual=True,
    )
    """one of drift.FORMATS"""
    rounding: "Rounding" = field(
        *("text", "rounding after each step", "Arithmetic"),
        default="nearest",
        choices=("nearest", "toward-zero", "stochastic"),
        axis=10,
        caption="{} rounding",
        unusual=True,
    )
    schedule: Schedule = field(
        *("text", "schedule of the steps", "Motion"),
        default="constant",
        choices=get_args(Schedule),
        axis=11,
        caption="{} schedule",
        unusual=True,
    )
    """sim.spec.schedule"""
    decay: float = field(
        *("real", "decay of the exponential schedule", "Motion"),
        default=0.99,
        axis=12,
        unusual=True,
        same_program=True,
        least=0,
        most=1,
        open=True,
        bounds="between 0 and 1, both excluded",
    )
    master: Master = field(
        *("text", "master weights", "Arithmetic"),
        default="none",
        choices=get_args(Master),
        axis=13,
        caption="{} master",
        unusual=True,
    )
    """float32: kept between steps in place of the values, which only show them rounded"""
    survivors: int | None = field(
        *("whole", "tokens present at the end", "Motion"),
        default=None,
        optional=True,
        none="all",
        axis=15,
        unusual=True,
        least=1,
        most=MOST_WHOLE,
        bounds="in 1 ... tokens",
    )
    """K: tokens leave one by one until K are present after the last step; None: all stay"""
    records: int = field(
        *("whole", "number K of intervals between records", "Records"),
        default=50,
        hint=": the cloud is counted at K + 1 steps, 0 to X",
        **_COUNT,
    )
    """evenly spread from step 0 to the last; repeats are dropped"""
    at: tuple[int, ...] | None = field(
        *("steps", "steps to count at", "Records"),
        default=None,
        optional=True,
        hint=", in place of --records",
    )
    """the record steps themselves, rising"""
    snapshots: Snapshots = field(
        *("text", "clouds to keep", "Records"), default="ends", choices=get_args(Snapshots)
    )
    """the steps whose codes are kept: none, the ends, or all records"""

    def __post_init__(self, cloud: Any) -> None:
        settle_cloud(self, cloud)
        convert(self, _DRIFT)
        settle_table(self)
        check_cloud(self)
        check_motion_fields(self)
        check_motion(self)
        check_records(self)

    @property
    def target(self) -> "Format":
        """The format that is counted and stored."""
        from drift.kernels.formats import FORMATS

        return FORMATS[self.format]

    @property
    def arithmetic(self) -> "Arithmetic":
        """The formats and the rounding that are compiled into the kernels."""
        from drift.kernels.formats import FLOAT32, Arithmetic

        state = FLOAT32 if self.master == "float32" else self.target
        decay: Decay = "none"
        if self.weight_decay:
            decay = "fused" if self.fused else "rounded"
        own = self.jitter > 0, decay, self.kahan, self.noise > 0
        return Arithmetic(state, self.target, self.rounding, *own)

    @property
    def smallest_drawn(self) -> float:
        """The magnitude below which initial values become +0."""
        return max(self.target.smallest_drawn, self.arithmetic.state.smallest_drawn)

    def alive(self, step: int) -> int:
        """Return how many tokens are present after `step`: N - floor((N - K) * step / X)."""
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
        """Return the fields as plain JSON values, an origin's among them."""
        fields = {name: getattr(self, name) for name in _DRIFT}
        origin = self.origin.as_json() if self.origin else {}
        at = None if self.at is None else list(self.at)
        for name in ("direction", "motion", "gradient", "centre"):
            fields[name] = plain_text(fields[name])
        return {**fields, **origin, "at": at}

    @classmethod
    def from_json(cls, spec: Any, where: str = "the spec") -> "Drift":
        """Return the drift of what `as_json` gave, or of a part of it; the rest has its defaults.

        Raises BadInput, which begins with `where`, for anything else: anybody may have written it.
        """
        check_names(spec, FIELDS, where)
        own = {name: value for name, value in spec.items() if name in _DRIFT}
        if isinstance(own.get("motion"), str) and "steps" in own:
            own["motion"] = trusted(own["motion"])
        origin = {
            name: spec[row.name] for name, row in ORIGIN.items() if spec.get(row.name) is not None
        }
        try:
            if not origin:
                return cls(**own)
            if not {"path", "tensor"} <= origin.keys():
                named = ", ".join(ORIGIN[name].name for name in origin)
                raise BadInput(f"{named} alone; from and tensor name a matrix")
            return cls(**own, origin=Origin(**origin))
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error


_LATER = rows(MotionFields) | rows(CloudFields)
_DRIFT = {name: row for name, row in rows(Drift).items() if name not in _LATER} | _LATER
_OF_ROWS = {row.name: row for row in ORIGIN.values()}
FIELDS: dict[str, Field] = {"sigma": _DRIFT["sigma"], **_OF_ROWS, **_DRIFT}
"""The row of every field by its JSON name, in the order in which help and captions show them."""

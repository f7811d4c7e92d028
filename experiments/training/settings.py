"""The settings of a training; each is checked when they are put together.

nearest     parameters, activations, gradients and moments in bfloat16, rounded to nearest
master      parameters and moments in float32; the model sees them rounded to bfloat16
stochastic  as nearest, but parameters are rounded up or down at random, without bias
kahan       as nearest, with a compensation in bfloat16 of what rounding took from each parameter
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from drift.experiments.training import model
from drift.sim.errors import BadInput, printable

Kind = Literal["nearest", "master", "stochastic", "kahan"]
Schedule = Literal["constant", "linear", "cosine"]
KINDS, SCHEDULES = get_args(Kind), get_args(Schedule)

_LIMITS: dict[str, tuple[float, float, str]] = {
    "vocabulary": (2, 1 << 24, "in 2 ... 2^24"),
    "dead": (0, 1, "in 0 ... 1, and leave two tokens that occur"),
    "batch": (1, 1 << 16, "in 1 ... 65,536"),
    "length": (1, 1 << 16, "in 1 ... 65,536"),
    "steps": (1, 1 << 30, "in 1 ... 2^30"),
    "lr": (1e-12, 1, "in 1e-12 ... 1"),
    "warmup": (0, 1 << 30, "in 0 ... steps"),
    "weight_decay": (0, 1e6, "0 or more, and 1 over the learning rate at most"),
    "beta1": (0, 1 - 2**-24, "in 0 ... 1, less than 1"),
    "beta2": (0, 1 - 2**-24, "in 0 ... 1, less than 1"),
    "eps": (1e-30, 1, "in 1e-30 ... 1"),
    "sigma": (2.0**-100, 1, "in 2^-100 ... 1"),
    "seed": (0, (1 << 63) - 1, "in 0 ... 2^63 - 1"),
    "record_every": (1, 1 << 30, "in 1 ... steps"),
}


@dataclass(frozen=True)
class Settings:
    """A training. Raises BadInput, which names the field, for what makes no sense."""

    vocabulary: int = 512
    """number of tokens"""
    dead: float = 0.25
    """share of the tokens that never occur"""
    batch: int = 8
    """sequences of a step"""
    length: int = 32
    """tokens of a sequence that are predicted from those before"""
    steps: int = 800
    """steps of the optimizer"""
    lr: float = 1e-3
    """learning rate, at its highest"""
    lr_schedule: Schedule = "cosine"
    """how it falls after the warm-up: sim.motions.learning_rate"""
    warmup: int = 50
    """steps in which it rises"""
    weight_decay: float = 0.0
    """decoupled decay, of every parameter"""
    beta1: float = 0.9
    """decay of the first moment"""
    beta2: float = 0.95
    """decay of the second moment"""
    eps: float = 1e-8
    """number that is added to the second moment's root"""
    sigma: float = 0.02
    """standard deviation of the embeddings before the first step"""
    arithmetic: Kind = "nearest"
    """kind of arithmetic, as above"""
    seed: int = 0
    """seed of the parameters, the corpus and stochastic rounding"""
    record_every: int = 8
    """steps between records of the embeddings; the last step is recorded too"""

    def __post_init__(self) -> None:
        for each in fields(self):
            self._check(each.name, getattr(self, each.name), each.type)
        if self.live < 2:
            raise self._wrong("dead")
        if self.warmup > self.steps:
            raise self._wrong("warmup")
        if self.record_every > self.steps:
            raise self._wrong("record_every")
        if self.lr * self.weight_decay > 1:
            raise self._wrong("weight_decay")

    def _check(self, name: str, value: Any, kind: Any) -> None:
        if name in ("arithmetic", "lr_schedule"):
            choices = KINDS if name == "arithmetic" else SCHEDULES
            if value not in choices:
                told = printable(repr(value))
                raise BadInput(f"{_option(name)} is {told}; it must be one of {', '.join(choices)}")
            return
        whole = kind is int
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            what = "a whole number" if whole else "a number"
            raise BadInput(f"{_option(name)} is {printable(repr(value))}; it must be {what}")
        least, most, _ = _LIMITS[name]
        if not least <= value <= most:
            raise self._wrong(name)
        object.__setattr__(self, name, int(value) if whole else float(value))

    def _wrong(self, name: str) -> BadInput:
        value = getattr(self, name)
        return BadInput(f"{_option(name)} is {value:,}; it must be {_LIMITS[name][2]}")

    @property
    def live(self) -> int:
        """The number of tokens that occur: those with the lowest ids, the most frequent first."""
        return self.vocabulary - round(self.dead * self.vocabulary)

    @property
    def records(self) -> int:
        """The number of records of W."""
        return 1 + -(-self.steps // self.record_every)

    @property
    def record_steps(self) -> list[int]:
        """The steps after which W is recorded; 0 is before the first."""
        every = list(range(0, self.steps + 1, self.record_every))
        return every if every[-1] == self.steps else [*every, self.steps]

    @property
    def record_bytes(self) -> int:
        """The size of all records of W together."""
        return self.records * self.vocabulary * model.DIMS * 2

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def _option(name: str) -> str:
    return name.replace("_", "-")

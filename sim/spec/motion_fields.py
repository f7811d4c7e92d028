"""The fields that say how a drift moves beside radius, direction and schedule.

A motion is straight, a table of displacements, or an optimizer that a gradient drives which all
tokens share. Each motion uses some of the fields: sim.spec.motion_rules.
"""

import dataclasses
from typing import Any, Literal, get_args

from drift.sim.spec.fields import MOST_WHOLE, field

Optimizer = Literal["sgd", "adamw"]
LearningRateSchedule = Literal["constant", "linear", "cosine"]
OptimizerState = Literal["format", "float32"]

MOST_JITTER = 10.0
"""Beyond it most tokens would run ten times too far, half of them backwards."""
MOST_NOISE = 1e6
"""Beyond it nothing would be left of the motion."""

_SHARE: dict[str, Any] = {"least": 0, "most": 1, "bounds": "in 0 ... 1", "unusual": True}
_BETA: dict[str, Any] = {**_SHARE, "bounds": "0 or more, and below 1", "open": "most"}


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class MotionFields:
    """The fields of a drift that its motion is made of, and those that go with any."""

    def __repr__(self) -> str:
        own = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        usual = {each.name: each.default for each in dataclasses.fields(self)}
        told = [f"{name}={value!r}" for name, value in own.items() if value != usual[name]]
        return f"{type(self).__name__}({', '.join(told)})"

    jitter: float = field(
        *("real", "relative spread of the step between tokens", "Motion"),
        default=0.0,
        axis=14,
        unusual=True,
        least=0,
        most=MOST_JITTER,
        bounds=f"in 0 ... {MOST_JITTER:g}",
    )
    """j: token i moves by (1 + j * xi) times each displacement, xi from N(0, 1)"""
    noise: float = field(
        *("real", "noise of each step, relative to its displacement", "Motion"),
        default=0.0,
        hint=": its standard deviation over the root mean square of the displacement",
        axis=38,
        unusual=True,
        least=0,
        most=MOST_NOISE,
        bounds=f"in 0 ... {MOST_NOISE:g}",
    )
    """s: each coordinate moves by a_t * xi beside each displacement, a_t = s * rms(c_t), xi from
    N(0, 1) for every step, token and dimension anew"""
    kahan: bool = field(
        *("flag", "compensated (Kahan's) sums", "Arithmetic"),
        default=False,
        hint=": what rounding takes from a step is kept, and added to the next",
        axis=39,
        caption="kahan {}",
        unusual=True,
    )
    """true where each value has a compensation in its format: kernels.stepping.step"""
    motion: str = field(
        *("motion", "motion", "Motion"),
        default="straight",
        choices=("straight", *get_args(Optimizer)),
        hint=", or a FILE of displacements (.npy, .safetensors, .zarr, .h5)",
        axis=21,
        caption="{}",
        unusual=True,
    )
    """straight, sgd, adamw, the path of a file of displacements (steps, dims), or such an array,
    which becomes sha256:… of its values: sim.displacements"""
    motion_tensor: str | None = field(
        *("text", "array of the file of displacements", "Motion"),
        default=None,
        optional=True,
        shown_default="the only one",
        axis=22,
        caption="tensor {}",
        unusual=True,
    )
    """the name of a tensor, or of an array in a group, where the file holds several"""
    weight_decay: float = field(
        *("real", "weight decay", "Motion"),
        default=0.0,
        hint=": before each displacement a value is multiplied by 1 - DECAY (an optimizer: 1 - LR *"
        " DECAY)",
        axis=23,
        symbol=r"$\lambda$",
        unusual=True,
        least=0,
        most=2.0**64,
        bounds="0 or more, and finite",
    )
    """λ, decoupled: x becomes Q(x * float32(1 - λ_t)) before the displacement is added; λ_t is λ,
    times the learning rate of an optimizer"""
    lr: float = field(
        *("real", "learning rate", "Optimizer"),
        default=1e-3,
        axis=24,
        unusual=True,
        least=0,
        most=2.0**64,
        bounds="0 or more, and finite",
    )
    """of an optimizer, after its warm-up"""
    lr_schedule: LearningRateSchedule = field(
        *("text", "schedule of the learning rate", "Optimizer"),
        default="constant",
        choices=get_args(LearningRateSchedule),
        axis=25,
        caption="{} learning rate",
        unusual=True,
    )
    """constant, or to 0 over the steps after the warm-up: sim.motions.learning_rate"""
    warmup: int = field(
        *("whole", "steps in which the learning rate rises to its value", "Optimizer"),
        default=0,
        axis=26,
        unusual=True,
        least=0,
        most=MOST_WHOLE,
        bounds="in 0 ... steps",
    )
    """W: the first W steps have lr * t / W"""
    beta1: float = field(
        *("real", "decay of AdamW's first moment", "Optimizer"),
        default=0.9,
        axis=27,
        symbol=r"$\beta_1$",
        **_BETA,
    )
    """how much of the mean of gradients a step keeps"""
    beta2: float = field(
        *("real", "decay of AdamW's second moment", "Optimizer"),
        default=0.999,
        axis=28,
        symbol=r"$\beta_2$",
        **_BETA,
    )
    """how much of the mean of their squares a step keeps"""
    eps: float = field(
        *("real", "AdamW's epsilon", "Optimizer"),
        default=1e-8,
        axis=29,
        unusual=True,
        least=0,
        most=2.0**64,
        bounds="0 or more, and finite",
    )
    """added to the root of the second moment; rounded to the format of the state"""
    momentum: float = field(
        *("real", "momentum of SGD", "Optimizer"), default=0.0, axis=30, **_SHARE
    )
    """how much of the last displacement a step keeps; without it nothing is kept"""
    dampening: float = field(
        *("real", "dampening of SGD's momentum", "Optimizer"), default=0.0, axis=31, **_SHARE
    )
    """the share of a new gradient that momentum leaves out, after the first step"""
    nesterov: bool = field(
        *("flag", "Nesterov's momentum, of SGD", "Optimizer"),
        default=False,
        axis=32,
        caption="nesterov {}",
        unusual=True,
    )
    """true where a step looks ahead along the momentum"""
    state: OptimizerState = field(
        *("text", "format of the optimizer's state", "Optimizer"),
        default="format",
        choices=get_args(OptimizerState),
        shown_default="format, that of the values",
        axis=33,
        caption="state in {}",
        unusual=True,
    )
    """in which an optimizer keeps its moments: that of the values, or float32"""
    fused: bool = field(
        *("flag", "the arithmetic of PyTorch's fused=True", "Optimizer"),
        default=False,
        hint=": rounded once, after displacement and decay",
        axis=34,
        caption="fused {}",
        unusual=True,
    )
    """true where moments go unrounded into a displacement, and a decay is rounded with it"""
    gradient: float | str | None = field(
        *("size", "size of the gradient, per token", "Optimizer"),
        default=None,
        optional=True,
        hint=": a number, or a CSV with the columns step and size",
        axis=35,
        unusual=True,
        least=0,
        most=2.0**64,
        bounds="0 or more, and finite",
    )
    """A, the norm of the gradient that all tokens share; it points against the direction"""
    gradient_decay: float = field(
        *("real", "factor of the gradient's size from step to step", "Optimizer"),
        default=1.0,
        axis=36,
        **{**_SHARE, "bounds": "above 0, and at most 1", "open": "least"},
    )
    """what the size is multiplied by from step to step, where it is a number"""
    autocorrelation: float = field(
        *("real", "cosine between the gradient's directions at successive steps", "Optimizer"),
        default=1.0,
        axis=37,
        **_SHARE,
    )
    """ρ: the direction walks on the unit sphere, u <- ρ u + sqrt(1 - ρ²) e: sim.motions.walk"""

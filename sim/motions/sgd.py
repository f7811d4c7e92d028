"""SGD, as PyTorch's for-loop has it, with momentum, dampening and Nesterov's step.

Q rounds to the format of the state; scalars are float32, or rounded by Q where that is said:

    b <- g at the first step, then Q(Q(b momentum) + Q(1 - dampening) g)
    d = b;   with nesterov Q(g + Q(momentum) b);   without momentum g
    c = Q(-lr) d

Fused, as its kernel for a CPU has it, nothing is rounded but the momentum that is kept:

    b' <- g at the first step, then fma(1 - dampening, g, b momentum);   b = Q(b')
    d = b';   with nesterov fma(b', momentum, g)
    c = -lr d
"""

import numpy as np

from drift.sim.motions.arithmetic import fma, rounding_to
from drift.sim.motions.optimizer import OptimizerMotion


class SGDMotion(OptimizerMotion):
    """The steps of SGD; a weight decay is decoupled, and no part of the gradient."""

    def block(
        self, first: int, gradients: np.ndarray, moments: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the displacements of steps from `first` on, and the momentum after them."""
        drift, rounded, f32 = self.drift, rounding_to(self.state), np.float32
        rates = (-self.rates(first, first + len(gradients) - 1)).astype(f32)
        if not drift.fused:
            rates = rounded(rates)
        if drift.momentum == 0:
            return rates[:, None] * gradients, ()
        keep, new = f32(drift.momentum), f32(1 - drift.dampening)
        ahead, new_held = (rounded(np.array([each]))[0] for each in (keep, new))
        made = np.empty_like(gradients)
        for k, g in enumerate(gradients):
            if drift.fused:
                b = fma(new, g, moments[0] * keep) if moments else g
                d = fma(keep, b, g) if drift.nesterov else b
                b = rounded(b)
            else:
                b = rounded(rounded(moments[0] * keep) + new_held * g) if moments else g
                d = rounded(g + ahead * b) if drift.nesterov else b
            moments = (b,)
            made[k] = rates[k] * d
        return made, moments

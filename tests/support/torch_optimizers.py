"""PyTorch's own optimizers on bfloat16 parameters, on a CPU; it makes tests/data/optimizers.npz.

    python -m tests.support.torch_optimizers tests/data/optimizers.npz

Lengths are whole multiples of a vector: what is left over PyTorch adds by another loop, in which
some sums are rounded otherwise. Nothing else here needs torch.
"""

import sys

import numpy as np


def inputs(dims, steps, seed):
    """Values and gradients, float32 that are bfloat16; some gradients are tiny, some huge."""
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(1, 1e-4, steps)
    gradients = -sizes[:, None] * rng.standard_normal(dims)
    gradients[:, 0] *= 1e-20
    gradients[:, 1] *= 1e18
    return [cut(each) for each in (rng.standard_normal(dims) * 0.02, gradients)]


def cut(values):
    """The values with the lower half of their bits cut off, which makes them bfloat16."""
    return (values.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


def course(fields, more, p, gradients):
    """The values and the moments after each step, as bfloat16's bits, uint16 (steps, …, dims)."""
    import torch

    options = {"lr": fields["lr"], "fused": more["fused"], "foreach": False}
    if fields["motion"] == "adamw":
        options |= {"betas": (fields["beta1"], fields["beta2"]), "eps": 1e-8}
        kind, options["weight_decay"] = torch.optim.AdamW, more["weight_decay"]
        kept = ("exp_avg", "exp_avg_sq")
    else:
        names = ("momentum", "dampening")
        kind, options = torch.optim.SGD, options | {name: fields[name] for name in names}
        options["nesterov"], kept = more["nesterov"], ("momentum_buffer",)
    parameter = torch.nn.Parameter(torch.tensor(p).to(torch.bfloat16))
    made, found = kind([parameter], **options), []
    for g in gradients:
        parameter.grad = torch.tensor(g).to(torch.bfloat16)
        made.step()
        state = made.state[parameter]
        tensors = [parameter.detach(), *(state[k] for k in kept if state.get(k) is not None)]
        found.append(np.stack([each.float().numpy().view(np.uint32) >> 16 for each in tensors]))
    return np.stack(found)


if __name__ == "__main__":
    from tests.sim.motions.test_optimizers import CASES

    values, all_gradients = inputs(64, 16, seed=5)
    kept = {name: course(*case, values, all_gradients) for name, case in CASES.items()}
    kept |= {"p": values.view(np.uint32) >> 16, "g": all_gradients.view(np.uint32) >> 16}
    np.savez_compressed(sys.argv[1], **{name: each.astype("<u2") for name, each in kept.items()})

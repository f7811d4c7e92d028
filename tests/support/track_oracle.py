"""What a track says, computed the slow and obvious way: one token, one sample at a time."""

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np


def coordinate(code, target):
    """The lattice coordinate of one code, as a Python integer; None for what is not finite."""
    code = int(code)
    magnitude = code & (target.sign - 1)
    if magnitude > target.largest_magnitude:
        return None
    return -magnitude if code & target.sign else magnitude


def track(codes, target, present=None):
    """All of a track's numbers of `codes` (samples, tokens, dims), as its JSON has them."""
    samples, tokens, dims = codes.shape
    ranks = [[[coordinate(c, target) for c in row] for row in sample] for sample in codes]
    values = [[[float(target.value(int(c))) for c in row] for row in sample] for sample in codes]
    here = [
        [
            None not in row and (present is None or bool(present[t][i]))
            for i, row in enumerate(sample)
        ]
        for t, sample in enumerate(ranks)
    ]
    per_step, cells = defaultdict(list), []
    for t in range(samples):
        cells.append(cells_of(ranks[t], here[t]))
        for name, number in counts(cells[t]).items():
            per_step[name].append(number)
        for name, number in places(values[t], here[t]).items():
            per_step[name].append(number)
    tokens_seen = {name: [-1] * tokens for name in ("last_early", "last_midlife", "last_motion")}
    path, motions, still = [0.0] * tokens, [], []
    before_displacements = {}
    for t in range(samples):
        if t == 0:
            for name in MOTION:
                per_step[name].append(None)
            continue
        has = [i for i in range(tokens) if here[t][i] and here[t - 1][i]]
        apart = {
            i: [abs(a - b) for a, b in zip(ranks[t][i], ranks[t - 1][i], strict=True)] for i in has
        }
        squares = {i: sum(d * d for d in apart[i]) for i in has}
        displacements = {
            i: [a - b for a, b in zip(values[t][i], values[t - 1][i], strict=True)] for i in has
        }
        for i in has:
            path[i] += math.sqrt(squares[i])
            if squares[i] > dims:
                tokens_seen["last_early"][i] = t
            if max(apart[i]) > 1:
                tokens_seen["last_midlife"][i] = t
            if max(apart[i]) > 0:
                tokens_seen["last_motion"][i] = t
        moved = sum(d > 0 for i in has for d in apart[i])
        per_step["moved_tokens"].append(sum(max(apart[i]) > 0 for i in has))
        per_step["moved_values"].append(moved)
        still.append(moved == 0 and here[t] == here[t - 1])
        per_step["l1"].append(quantiles([sum(apart[i]) for i in has]))
        per_step["l2"].append(quantiles([math.sqrt(squares[i]) for i in has]))
        per_step["linf"].append(quantiles([max(apart[i]) for i in has]))
        motion = [mean([displacements[i][d] for i in has]) for d in range(dims)] if has else None
        motions.append(motion)
        bulk = math.fsum(m * m for m in motion) if has else None
        per_step["bulk"].append(bulk)
        per_step["centroid_step"].append(None if bulk is None else math.sqrt(bulk))
        per_step["thermal"].append(
            math.fsum(
                (x - m) ** 2 for i in has for x, m in zip(displacements[i], motion, strict=True)
            )
            / len(has)
            if has
            else None
        )
        known = [m for m in motions if m is not None]
        length = math.fsum(norm(m) for m in known)
        per_step["centroid_path"].append(length)
        net = norm([math.fsum(m[d] for m in known) for d in range(dims)]) if known else 0
        per_step["efficiency"].append(net / length if length else None)
        per_step["cosine"].append(cosine(motions[-1], motions[-2]) if t > 1 else None)
        turns = [
            cosine(displacements[i], before_displacements[i])
            for i in has
            if i in before_displacements
        ]
        turns = [turn for turn in turns if turn is not None]
        per_step["mover_cosine"].append(math.fsum(turns) / len(turns) if turns else None)
        before_displacements = displacements
    shared = [[len(c) > 1 and i in c for c in each for i in c] and each for each in cells]
    first_shared, last_shared = [-1] * tokens, [-1] * tokens
    for t, each in enumerate(shared):
        for cell in each:
            for i in cell if len(cell) > 1 else ():
                last_shared[i] = t
                first_shared[i] = t if first_shared[i] < 0 else first_shared[i]
    net = [
        math.sqrt(sum((a - b) ** 2 for a, b in zip(ranks[-1][i], ranks[0][i], strict=True)))
        if here[0][i] and here[-1][i]
        else None
        for i in range(tokens)
    ]
    return {
        "per_step": dict(per_step),
        "per_token": {
            **tokens_seen,
            "path": path,
            "net": net,
            "first_shared": first_shared,
            "last_shared": last_shared,
        },
        "all_still": stretches(still),
        "black_holes": [[c for c in each if len(c) > 1] for each in cells],
    }


MOTION = (
    *("moved_tokens", "moved_values", "l1", "l2", "linf", "centroid_step", "centroid_path"),
    *("bulk", "thermal", "cosine", "efficiency", "mover_cosine"),
)


def cells_of(ranks, here):
    """Lists of tokens that share a cell, by their first tokens."""
    found = defaultdict(list)
    for i, row in enumerate(ranks):
        if here[i]:
            found[tuple(row)].append(i)
    return list(found.values())


def counts(cells):
    sizes = [len(each) for each in cells]
    holes = [n for n in sizes if n > 1]
    return {
        "distinct": len(sizes),
        "black_holes": len(holes),
        "black_hole_tokens": sum(holes),
        "singletons": sizes.count(1),
        "largest": max(sizes, default=0),
        "pairs": sum(n * (n - 1) // 2 for n in sizes),
        "alive": sum(sizes),
    }


def places(values, here):
    those = [row for row, there in zip(values, here, strict=True) if there]
    names = ("centroid_norm", "mean_radius", "bounding_radius")
    if not those:
        return dict.fromkeys((*names, "mean_radius_origin", "bounding_radius_origin"))
    centroid = [mean(column) for column in zip(*those, strict=True)]
    radii = [norm([x - c for x, c in zip(row, centroid, strict=True)]) for row in those]
    norms = [norm(row) for row in those]
    return {
        "centroid_norm": norm(centroid),
        "mean_radius": mean(radii),
        "bounding_radius": max(radii),
        "mean_radius_origin": mean(norms),
        "bounding_radius_origin": max(norms),
    }


def mean(numbers):
    return float(sum(map(Fraction, numbers)) / len(numbers))


def norm(vector):
    return math.sqrt(math.fsum(x * x for x in vector))


def cosine(a, b):
    if a is None or b is None or not norm(a) or not norm(b):
        return None
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / (norm(a) * norm(b))


def quantiles(numbers):
    if not numbers:
        return None
    tenth, ninth = np.quantile(np.array(numbers, np.float64), [0.1, 0.9]).tolist()
    middle = float(np.median(np.array(numbers, np.float64)))
    return {"median": middle, "p10": tenth, "p90": ninth, "max": float(max(numbers))}


def stretches(still):
    """[first, last] samples of each run of True, where still[k] is between samples k and k + 1."""
    found, begun = [], None
    for k, each in enumerate([*still, False]):
        if each and begun is None:
            begun = k
        if not each and begun is not None:
            found.append([begun, k])
            begun = None
    return found

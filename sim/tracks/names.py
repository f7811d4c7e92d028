"""Names of what a track holds, as the JSON and the store have them, and their meanings."""

from typing import NamedTuple

_QUANTILES = {
    "median": "median over tokens of",
    "p10": "tenth percentile over tokens of",
    "p90": "ninetieth percentile over tokens of",
    "max": "largest over tokens of",
}
_NORMS = {
    "l1": "sum of distances in all dimensions",
    "l2": "Euclidean length of the displacement",
    "linf": "largest distance in any dimension",
}
QUANTILES = tuple(_QUANTILES)
"""Names of the quantiles of each norm."""
NORMS = tuple(_NORMS)
"""Norms of a token's displacement, in lattice ranks."""


class Meaning(NamedTuple):
    """The meaning of an array."""

    text: str
    """what it is, for people"""
    units: str = "1"
    """1, or value units: those of sigma"""


_VALUES = "value units"
COUNTS = {
    "distinct": Meaning("occupied cells"),
    "black_holes": Meaning("cells of two tokens or more"),
    "black_hole_tokens": Meaning("tokens in black holes"),
    "singletons": Meaning("cells of one token"),
    "largest": Meaning("tokens in the fullest cell"),
    "pairs": Meaning("coalesced pairs of tokens"),
    "alive": Meaning("tokens that are counted"),
}
PLACES = {
    "centroid_norm": Meaning("norm of the centroid", _VALUES),
    "mean_radius": Meaning("mean distance of tokens from the centroid", _VALUES),
    "bounding_radius": Meaning("largest distance of a token from the centroid", _VALUES),
    "mean_radius_origin": Meaning("mean distance of tokens from the origin", _VALUES),
    "bounding_radius_origin": Meaning("largest distance of a token from the origin", _VALUES),
}
MOVED = {
    "moved_tokens": Meaning("tokens that moved since the sample before"),
    "moved_values": Meaning("values that moved since the sample before"),
}
MOTION = {
    "centroid_step": Meaning("length of the centroid's motion", _VALUES),
    "centroid_path": Meaning("sum of these lengths so far", _VALUES),
    "bulk": Meaning("square of the centroid's motion", "squared value units"),
    "thermal": Meaning("mean square of motions about the centroid's", "squared value units"),
    "cosine": Meaning("cosine of the centroid's motion and the one before"),
    "efficiency": Meaning("net over path of the centroid so far"),
    "mover_cosine": Meaning("mean cosine of a token's successive displacements, where both moved"),
}
QUANTILE_ARRAYS = {
    f"{norm}_{name}": Meaning(f"{how} the {text}", "lattice ranks")
    for norm, text in _NORMS.items()
    for name, how in _QUANTILES.items()
}
PER_STEP = {**COUNTS, **PLACES, **MOVED, **QUANTILE_ARRAYS, **MOTION}
"""Numbers of each sample; those of a motion, of the one that ends there."""
PER_TOKEN = {
    "last_early": Meaning("sample at which the last displacement ended with L2 above sqrt(dims)"),
    "last_midlife": Meaning("sample at which the last displacement ended with L∞ above 1"),
    "last_motion": Meaning("sample at which the last displacement ended"),
    "path": Meaning("sum of the displacements' L2", "lattice ranks"),
    "net": Meaning("L2 of the displacement from the first sample to the last", "lattice ranks"),
    "first_shared": Meaning("first sample at which the token is in a black hole"),
    "last_shared": Meaning("last sample at which the token is in a black hole"),
}
"""Numbers of each token; samples by their step, -1 for never."""
WHATS = (
    *("born", "grown", "shrunk", "exchanged"),
    *("split", "merged", "split and merged", "dissolved"),
)
"""Words for events, which sim.structures.lineage defines."""


def kind_of(name: str) -> str:
    """Return the type of the array of a per-step or per-token number."""
    whole = name in COUNTS or name in MOVED or name.startswith(("last_", "first_"))
    return "int64" if whole else "float64"

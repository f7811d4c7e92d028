"""A checkpoint's rows as a cloud: every bit, what is refused, what is told."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT16, FLOAT32, FORMATS
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE
from drift.sim.clouds import checkpoint_rows
from drift.sim.clouds.initial import initial_cloud
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.spec.origin import Origin
from tests.support import builders, oracle

NAME = "lm_head.weight"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Where a file may be written again and again."""
    return tmp_path_factory.mktemp("taken") / "model.safetensors"


def start(path, codes, source, target=None, **others):
    """The initial cloud of a drift that starts from a file of these codes."""
    builders.write(path, {NAME: builders.matrix(codes, source)}, padding=others.pop("odd", 0))
    origin = Origin(path=str(path), tensor=NAME)
    tokens, dims = codes.shape
    fields = {"tokens": tokens, "dims": dims, "format": (target or source).name, **others}
    return initial_cloud(Drift(origin=origin, **fields))


@st.composite
def matrices(draw):
    """Finite codes of a format that checkpoints have, any or within a few exponents."""
    source = draw(st.sampled_from(list(FORMATS_BY_DTYPE.values())))
    shape = draw(st.integers(1, 20)), draw(st.sampled_from([1, 3, 8]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    low = draw(st.integers(0, source.largest_magnitude))
    span = draw(st.sampled_from([1, 3, 300])) << (source.precision - 1)
    codes = rng.integers(low, min(low + span, source.largest_magnitude) + 1, shape)
    codes[rng.random(shape) < 0.2] = 0
    return (codes | rng.integers(0, 2, shape) * source.sign).astype(source.storage), source


@given(
    matrices(),
    st.sampled_from(list(FORMATS.values())),
    st.booleans(),
    st.sampled_from(["none", "float32"]),
    st.integers(0, 1),
)
def test_codes_are_those_of_ml_dtypes(path, matrix, other, converted, master, odd):
    codes, source = matrix
    target = other if converted else source
    values = codes.view(oracle.dtype(source.name)).astype(np.float32)
    with np.errstate(over="ignore"):
        rounded = values.astype(oracle.dtype(target.name)).astype(np.float64)
    beyond = ~np.isfinite(rounded) | ((np.abs(values) >= 7) & (target.name == "float4_e2m1fn"))
    options = {"master": master, "odd": odd}
    if beyond.any():
        with pytest.raises(BadInput, match=f"does not fit {target.name}: token "):
            start(path, codes, source, target, **options)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint_rows, "_BLOCK_BYTES", 10)
        cloud = start(path, codes, source, target, **options)
    tokens = len(codes)
    d = Drift(origin=Origin(path="", tensor=""), format=target.name, master=master)
    states = oracle.taken(d, codes.view(oracle.dtype(source.name)))
    expected = oracle.bits(oracle.quantise(states.astype(np.float32), target.name, "nearest"))
    np.testing.assert_array_equal(cloud.codes(0, tokens), expected)
    np.testing.assert_array_equal(cloud.codes(tokens // 3, tokens), expected[tokens // 3 :])
    np.testing.assert_array_equal(cloud.states(0, tokens), oracle.bits(states))
    assert cloud.token_ids.tolist() == list(range(tokens))
    p = 24 if master == "float32" else oracle.precision(target.name)
    held = values if master == "float32" else rounded
    small = (held != 0) & (np.abs(held) < 2.0 ** (p - 127))
    ids = np.arange(tokens, dtype=np.int64)
    # Masters are what is held, where they hold more than the format.
    digested = oracle.bits(states) if master == "float32" and source != target else expected
    changed = 0 if master == "float32" else np.count_nonzero(rounded != values)
    kept = "float32" if master == "float32" and source != target else target.name
    assert cloud.facts == {
        "matrix": f"model.safetensors, {NAME}",
        "format": source.name,
        "sha256": hashlib.sha256(ids.tobytes() + digested.tobytes()).hexdigest(),
        "zeroed": np.count_nonzero(small),
    } | ({} if source.name == kept else {"rounded": changed})


def test_rows_stay_in_their_file_and_zeros_keep_their_signs(path):
    codes = np.array([[0x8000, 0, 0x3F80], [0x0400, 0x8400, 0x8000]], np.uint16)  # 2**-119
    cloud = start(path, codes, BFLOAT16)
    found = cloud.codes(0, 2)
    np.testing.assert_array_equal(found, codes)
    assert np.shares_memory(found, cloud.codes(0, 2))  # nobody made a copy
    assert not found.flags.writeable
    assert cloud.facts["zeroed"] == 0


def test_what_is_too_small_becomes_plus_zero_and_is_counted(path):
    codes = np.array([[0x03FF, 0x83FF, 0x8000], [0x0001, 0x8001, 0x0400]], np.uint16)
    cloud = start(path, codes, BFLOAT16)
    assert cloud.codes(0, 2).tolist() == [[0, 0, 0x8000], [0, 0, 0x0400]]
    assert cloud.facts["zeroed"] == 4
    # A master's float32 holds less: 2**-103, and what is below it is zero.
    codes = np.array([[0x0C00, 0x0BFF, 0x8BFF]], np.uint16)
    assert start(path, codes, BFLOAT16).facts["zeroed"] == 0
    assert start(path, codes, BFLOAT16, master="float32").codes(0, 1).tolist() == [[0x0C00, 0, 0]]


def test_a_selection_keeps_its_ids(path):
    codes = np.array([[0x7F80], [0x4000], [0x3F80], [0x3000], [0x3F80]], np.uint16)
    builders.write(path, {NAME: builders.matrix(codes, BFLOAT16)})
    origin = Origin(path=str(path), tensor=NAME, near="largest", exponents=1)
    cloud = initial_cloud(Drift(origin=origin, tokens=3, dims=1))
    assert cloud.token_ids.tolist() == [1, 2, 4]
    assert cloud.codes(1, 3).tolist() == [[0x3F80], [0x3F80]]


@pytest.mark.parametrize(
    ("codes", "source", "fields", "message"),
    [
        (
            [[0, 0], [0x7FC0, 0], [0, 0xFF80]],
            BFLOAT16,
            {},
            f"model.safetensors, {NAME} has rows that are not finite: 2, the first for token 1;"
            " --near selects among the others",
        ),
        (
            [[0, 0], [0, 0xC780]],
            BFLOAT16,
            {"target": FLOAT16},
            f"model.safetensors, {NAME} does not fit float16: token 1 has -65536, beyond its"
            " largest, 65504",
        ),
        (
            [[0, 0], [0x7F7FFFFF, 0]],
            FLOAT32,
            {"target": BFLOAT16},
            "does not fit bfloat16: token 1 has 3.4028e+38, beyond its largest, 3.3895e+38",
        ),
        (
            [[0], [0]],
            BFLOAT16,
            {"tokens": 3},
            f"tokens and dims are 3 and 1; in model.safetensors, {NAME} they are 2 and 1",
        ),
        ([[0]], BFLOAT16, {"dims": 2}, "tokens and dims are 1 and 2; in model.safetensors"),
    ],
)
def test_what_cannot_be_a_cloud_is_named(path, codes, source, fields, message):
    with pytest.raises(BadInput) as refused:
        start(path, np.array(codes, source.storage), source, **fields)
    assert message in str(refused.value)

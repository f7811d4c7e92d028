"""The reader of headers beside the safetensors library, and on files that are wrong."""

import json
import os
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from drift.sim.checkpoints.safetensors import read_header
from drift.sim.errors import BadInput
from tests.support.builders import header, write_raw

NAMES = {
    np.dtype(ml_dtypes.bfloat16): "BF16",
    np.dtype(np.float16): "F16",
    np.dtype(np.float32): "F32",
    np.dtype(ml_dtypes.float8_e4m3fn): "F8_E4M3",
    np.dtype(ml_dtypes.float8_e5m2): "F8_E5M2",
    np.dtype(np.int64): "I64",
    np.dtype(bool): "BOOL",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("headers") / "model.safetensors"


def ours(path, whole):
    """What we find in the file `whole`: {name: (dtype, shape, bytes)}, or the message."""
    path.write_bytes(whole)
    try:
        found = read_header(path)
    except BadInput as error:
        said = str(error)
        fit = said.startswith(str(path)) and said.isprintable() and len(said) < 1000
        return said if fit else pytest.fail(said)
    assert all(name == tensor.name for name, tensor in found.items())
    return {
        name: (tensor.dtype, tensor.shape, whole[tensor.start : tensor.start + tensor.size])
        for name, tensor in found.items()
    }


def theirs(whole):
    """The same by the safetensors library."""
    try:
        found = safetensors.deserialize(whole)
    except safetensors.SafetensorError as error:
        return str(error)
    return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in found}


@st.composite
def arrays(draw):
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    dtype = draw(st.sampled_from(list(NAMES)))
    raw = np.random.default_rng(draw(st.integers(0, 99))).bytes(64 * 8)
    return (
        np.frombuffer(raw, np.uint8)[: np.prod(shape, dtype=int) * dtype.itemsize]
        .view(dtype)
        .reshape(shape)
    )


@given(st.dictionaries(st.text(max_size=5), arrays(), max_size=5), st.none() | st.just({"a": "b"}))
def test_files_of_the_library_are_read_as_they_were_written(path, tensors, metadata):
    tensors.pop("__metadata__", None)
    found = ours(path, save(tensors, metadata))
    assert found == {
        name: (NAMES[array.dtype], array.shape, array.tobytes()) for name, array in tensors.items()
    }


VALID = {
    "__metadata__": {"format": "pt"},
    "x": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
    "y": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]},
    "z": {"dtype": "I64", "shape": [0, 4], "data_offsets": [16, 16]},
}
WRONG = [
    *(True, None, 1.5, 1e2, -1, 2**63, 2**64, 10**30, float("nan"), "a", "", [], {}),
    *(0, 1, 3, 12, 16, "BF16", "Q9", [2, 3], [[2], 3], [0, 12], [12, 0], [True, 12]),
    *([12, 16], [16, 16], [0, 16], [4, 16], [0, 2**64 + 16], "\ud800", "\x1b[31m"),
]


@st.composite
def mutated(draw):
    """The valid header with a value or two replaced, dropped or renamed, in JSON."""
    found = json.loads(json.dumps(VALID))
    for _ in range(draw(st.integers(1, 2))):
        inside = found
        if draw(st.integers(0, 3)):
            inside = draw(st.sampled_from([part for part in found.values() if part != 0]))
        if not isinstance(inside, dict) or not inside:
            continue
        key = draw(st.sampled_from(sorted(inside)))
        value = inside.pop(key)
        if draw(st.integers(0, 4)):
            inside[key] = draw(st.sampled_from(WRONG))
        elif draw(st.booleans()):
            inside[draw(st.sampled_from(["x", "w", "", "dtype"]))] = value
    return json.dumps(found).encode()


@st.composite
def scribbled(draw):
    """The valid header with some of its bytes changed, added or taken away."""
    raw = bytearray(json.dumps(VALID).encode())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw) - 1))
        raw[at : at + draw(st.integers(0, 2))] = draw(
            st.binary(max_size=2)
            | st.sampled_from([b"{", b"}", b"[", b'"', b",", b"9", b" ", b"\\"])
        )
    return bytes(raw)


@pytest.mark.slow
@settings(max_examples=600)
@given(mutated() | scribbled() | st.binary(max_size=40), st.integers(-2, 2), st.integers(13, 18))
def test_a_mutated_header_is_refused_or_read_as_the_library_reads_it(path, raw, longer, data):
    whole = max(0, len(raw) + (longer if data == 13 else 0)).to_bytes(8, "little")
    whole += raw + bytes(range(16 if data < 16 else data))
    mine, other = ours(path, whole), theirs(whole)
    if "unknown variant" in other:  # a dtype: it does no harm to the tensors beside it
        return
    if isinstance(mine, str) and "twice" in mine:
        return
    assert isinstance(mine, dict) == isinstance(other, dict), (mine, other)
    assert mine == other or isinstance(mine, str)


@given(st.binary(max_size=200))
def test_random_bytes_get_one_line(path, whole):
    assert isinstance(ours(path, whole), str) == isinstance(theirs(whole), str)


def entry(dtype="U8", shape=(4,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


SHORT = {
    b"": "has 0 bytes; a safetensors file has 8 or more",
    b"1234567": "has 7 bytes",
    b"\x40" + bytes(7) + b"{}": "its header would have 64 bytes; the file has 10",
    b"\xff" * 8 + b"{}": "its header would have 18,446,744,073,709,551,615 bytes",
    bytes(8): "its header is not a JSON object",
}
BAD = {
    "not UTF-8": (b'{"\xff": 1}', "its header is not UTF-8, from byte 2"),
    "not JSON": (b"{'x': 1}", "its header is not JSON"),
    "UTF-16": ("{}".encode("utf-16-le"), "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not a JSON object"),
    "a list": (b"[]", "not a JSON object"),
    "a space before": (b" {}", "which starts with { at byte 8"),
    "deep": (b'{"x":' + b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"x":' * 100_000, "nested too deeply"),
    "a name twice": (b'{"x": 1, "x": 2}', "'x' stands there twice"),
    "a field twice": (b'{"x": {"dtype": "U8", "dtype": "I8"}}', "'dtype' stands there twice"),
    "a long number": (b'{"x": ' + b"9" * 5000 + b"}", "a number is too long"),
    "infinity": (b'{"x": Infinity}', "Infinity is no number"),
    "half a character": (b'{"\\ud800": 1}', "is not Unicode"),
    "metadata of numbers": ({"__metadata__": {"a": 1}}, "__metadata__ must be an object of texts"),
    "metadata a text": ({"__metadata__": "a"}, "__metadata__ must be an object of texts"),
    "no entry": ({"x": 1}, "tensor 'x': its dtype is not a text"),
    "no dtype": ({"x": {"shape": [4], "data_offsets": [0, 4]}}, "its dtype is not a text"),
    "dtype a number": ({"x": entry(dtype=8)}, "its dtype is not a text"),
    "no shape": ({"x": {"dtype": "U8", "data_offsets": [0, 4]}}, "its shape is not a list"),
    "shape negative": ({"x": entry(shape=[-4, -1])}, "its shape is not a list of whole"),
    "shape of floats": ({"x": entry(shape=[4.0])}, "its shape is not a list of whole"),
    "shape true": ({"x": entry(shape=[True, 4])}, "its shape is not a list of whole"),
    "shape huge": ({"x": entry(shape=[2**64])}, "its shape is not a list of whole"),
    "three offsets": ({"x": entry(offsets=[0, 2, 4])}, "data_offsets are not two whole numbers"),
    "offsets of floats": ({"x": entry(offsets=[0, 4.0])}, "data_offsets are not two whole"),
    "offset negative": ({"x": entry(offsets=[-4, 0])}, "data_offsets are not two whole"),
    "offset huge": ({"x": entry(offsets=[0, 10**40])}, "data_offsets are not two whole"),
    "begin after end": ({"x": entry(offsets=[4, 0])}, "begin at 4 and end before, at 0"),
    "outside": ({"x": entry(shape=[8], offsets=[0, 8])}, "it is truncated"),
    "wide shape": ({"x": entry(shape=[2**62, 2**62, 8])}, "does not fit its 4 bytes"),
    "endless shape": (
        {"x": entry(shape=[2**62] * 4 * 10**5)},
        "of 400000 dimensions of U8 does not",
    ),
    "long shape": ({"x": entry(shape=[3] * 10**5)}, "shape of 100000 dimensions of U8 does not"),
    "shape too small": ({"x": entry("BF16", [1])}, "shape [1] of BF16 does not fit its 4 bytes"),
    "overlap": (
        {"x": entry(shape=[3], offsets=[0, 3]), "y": entry(shape=[2], offsets=[2, 4])},
        "tensor 'y' begins at byte 115, inside the one before it",
    ),
    "twice the same bytes": ({"x": entry(), "y": entry()}, "inside the one before it"),
    "a hole": (
        {"x": entry(shape=[1], offsets=[0, 1]), "y": entry(shape=[2], offsets=[2, 4])},
        "tensor 'y' begins at byte 115, after a gap from 114",
    ),
    "a rest": ({"x": entry(shape=[3], offsets=[0, 3])}, "to the end at 65 belong to no tensor"),
    "a hostile name": ({"\x1b[2Jx" * 99: 1}, "tensor '\\x1b[2Jx\\x1b"),
}


@pytest.mark.parametrize("whole", SHORT)
def test_a_file_cut_short_gets_one_line(path, whole):
    assert SHORT[whole] in ours(path, whole)


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_file_gets_one_line_that_names_it(path, name):
    found, message = BAD[name]
    raw = found if isinstance(found, bytes) else json.dumps(found, separators=(",", ":")).encode()
    said = ours(path, write_raw(path, raw, b"abcd").read_bytes())
    assert isinstance(said, str)
    assert message in said


def test_a_tensor_of_an_unknown_dtype_does_no_harm(path):
    tensors = {"q": ("Q3_K", [7], b"abc"), "x": ("U8", [2], b"de"), "empty": ("F4", [0], b"")}
    write_raw(path, json.dumps(header(tensors)).encode(), b"abcde")
    found = ours(path, path.read_bytes())
    assert found == {
        "q": ("Q3_K", (7,), b"abc"),
        "x": ("U8", (2,), b"de"),
        "empty": ("F4", (0,), b""),
    }


def test_what_is_no_file_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    for name, message in (
        ("pipe.safetensors", "is not a regular file"),
        ("gone.safetensors", "there is no such file"),
        (".", "is not a regular file"),
        ("n" * 300, "can't be read: File name too long"),
    ):
        with pytest.raises(BadInput, match=message):
            read_header(tmp_path / name)


def test_a_header_that_would_be_long_is_not_read(tmp_path):
    """A hole in the file where a header of the longest allowed length, and one more, would be."""
    path = tmp_path / "model.safetensors"
    for length, message in (
        (10**8, "not a JSON object"),
        (10**8 + 1, "the format allows 100,000,000"),
    ):
        with path.open("wb") as file:
            file.write(length.to_bytes(8, "little"))
            file.truncate(2 * 10**8)
        tracemalloc.start()
        with pytest.raises(BadInput, match=message):
            read_header(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < (1.1e8 if length == 10**8 else 1e6)

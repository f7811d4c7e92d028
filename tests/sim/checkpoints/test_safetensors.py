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
from tests.support.builders import header, write, write_raw

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
    bytes(8): "refuses its header",
}
BAD = {
    "not UTF-8": (b'{"\xff": 1}', "refuses its header: invalid UTF-8"),
    "not JSON": (b"{'x': 1}", "refuses its header: invalid JSON"),
    "UTF-16": ("{}".encode("utf-16-le"), "invalid JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
    "a list": (b"[]", "invalid type: sequence"),
    "nothing": (b"", "EOF while parsing"),
    "a space before": (b" {}", "the bytes from 11 to the end at 15 belong to no tensor"),
    "deep": (b'{"x":' + b"[" * 100_000, "recursion limit exceeded"),
    "deep objects": (b'{"x":' * 100_000, "recursion limit exceeded"),
    "a field twice": (b'{"x": {"dtype": "U8", "dtype": "I8"}}', "duplicate field `dtype`"),
    "a long number": (b'{"x": ' + b"9" * 5000 + b"}", "number out of range"),
    "infinity": (b'{"x": Infinity}', "expected value"),
    "half a character": (b'{"\\ud800": 1}', "unexpected end of hex escape"),
    "metadata of numbers": ({"__metadata__": {"a": 1}}, "integer `1`, expected a string"),
    "metadata a text": ({"__metadata__": "a"}, 'string "a", expected a map'),
    "metadata a list": ({"__metadata__": []}, "sequence, expected a map"),
    "no entry": ({"x": 1}, "integer `1`, expected struct TensorInfo"),
    "no dtype": ({"x": {"shape": [4], "data_offsets": [0, 4]}}, "missing field `dtype`"),
    "dtype a number": ({"x": entry(dtype=8)}, "integer `8`, expected"),
    "dtype unknown, no shape": (
        {"x": {"dtype": "Q", "data_offsets": [0, 4]}},
        "unknown variant `Q`",
    ),
    "dtype unknown, a shape of texts": (
        {"x": {"dtype": "Q", "shape": ["4"], "data_offsets": [0, 4]}},
        "unknown variant `Q`",
    ),
    "dtype unknown, and a rest": (
        {"x": {"dtype": "Q", "shape": [3], "data_offsets": [0, 3]}},
        "from 63 to the end at 64 belong to no tensor",
    ),
    "dtype unknown, truncated": (
        {"x": {"dtype": "Q", "shape": [8], "data_offsets": [0, 8]}},
        "end at byte 68, the file at 64; it is truncated",
    ),
    "dtype unknown, and broken JSON": (
        b'{"x":{"dtype":"Q","shape":[4],"data_offsets":[0,4]},}',
        "trailing comma at line 1 column 53",
    ),
    "no shape": ({"x": {"dtype": "U8", "data_offsets": [0, 4]}}, "missing field `shape`"),
    "shape negative": ({"x": entry(shape=[-4, -1])}, "integer `-4`, expected usize"),
    "shape of floats": ({"x": entry(shape=[4.0])}, "floating point `4.0`, expected usize"),
    "shape true": ({"x": entry(shape=[True, 4])}, "boolean `true`, expected usize"),
    "shape huge": ({"x": entry(shape=[2**64])}, "expected usize"),
    "three offsets": ({"x": entry(offsets=[0, 2, 4])}, "invalid length 3, expected 2"),
    "offsets of floats": ({"x": entry(offsets=[0, 4.0])}, "expected usize"),
    "offset negative": ({"x": entry(offsets=[-4, 0])}, "integer `-4`, expected usize"),
    "offset huge": ({"x": entry(offsets=[0, 10**40])}, "expected usize"),
    "begin after end": ({"x": entry(offsets=[4, 0])}, "invalid offset for tensor `x`"),
    "outside": (
        {"x": entry(shape=[8], offsets=[0, 8])},
        "end at byte 69, the file at 65; it is truncated",
    ),
    "wide shape": ({"x": entry(shape=[2**62, 2**62, 8])}, "overflow computing buffer size"),
    "endless shape": ({"x": entry(shape=[2**62] * 4 * 10**5)}, "overflow computing buffer size"),
    "long shape": ({"x": entry(shape=[3] * 10**5)}, "overflow computing buffer size"),
    "shape too small": ({"x": entry("BF16", [1])}, "invalid shape, data type, or offset"),
    "overlap": (
        {"x": entry(shape=[3], offsets=[0, 3]), "y": entry(shape=[2], offsets=[2, 4])},
        "invalid offset for tensor `y`",
    ),
    "twice the same bytes": ({"x": entry(), "y": entry()}, "invalid offset for tensor `"),
    "a hole": (
        {"x": entry(shape=[1], offsets=[0, 1]), "y": entry(shape=[2], offsets=[2, 4])},
        "invalid offset for tensor `y`",
    ),
    "a rest": (
        {"x": entry(shape=[3], offsets=[0, 3])},
        "the bytes from 64 to the end at 65 belong to no tensor",
    ),
    "a hostile name": (
        {"\x1b[2Jx" * 99: entry(offsets=[4, 0])},
        "invalid offset for tensor `\\x1b[2Jx\\x1b",
    ),
    "too many values": (
        b'{"x": [' + b"0," * 4_000_000,
        "its header has about 4,000,002 values; up to 4,000,000 are read, as many as 500,000",
    ),
}
RIGHT = {
    "a space before": b" \n\t\r%s",
    "spaces after": b"%s \n  ",
    "metadata null": b'{"__metadata__":null,%s',
    "metadata empty": b'{"__metadata__":{},%s',
    "metadata twice the same": b'{"__metadata__":{"a":"b","a":"b"},%s',
    "metadata last": b'%s,"__metadata__":{"format":"pt"}}',
    "a field more": b'%s,"y":{"dtype":"U8","shape":[0],"data_offsets":[4,4],"stride":[[8],1]}}',
    "a name twice": b'{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},%s',
}
"""Headers that the library reads; %s is the header of one tensor, less a brace beside a comma."""


@pytest.mark.parametrize("name", RIGHT)
def test_a_header_that_the_library_reads_is_read(path, name):
    plain = json.dumps({"x": entry(dtype="BF16", shape=[2, 1])}).encode()
    before, after = RIGHT[name].split(b"%s")
    raw = before + plain[before.endswith(b",") : -1 if after.startswith(b",") else None] + after
    whole = write_raw(path, raw, b"abcd").read_bytes()
    assert ours(path, whole) == theirs(whole)
    assert ours(path, whole)["x"] == ("BF16", (2, 1), b"abcd")


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
        (10**8, "expected value at line 1 column 1"),
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


def test_memory_for_a_header_is_asked_for_first(tmp_path, monkeypatch):
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: 1 << 20)
    tensors = {str(k): ("U8", [0], b"") for k in range(1000)}
    path = write(tmp_path / "model.safetensors", tensors)
    with pytest.raises(
        BadInput, match=r"its header needs .* GiB of memory; 0\.000977 GiB are free"
    ):
        read_header(path)


def test_a_file_beyond_the_address_space_is_not_mapped(tmp_path, monkeypatch):
    path = write(tmp_path / "model.safetensors", {"x": ("U8", [5000], bytes(5000))})
    monkeypatch.setattr("drift.sim.checkpoints.safetensors.free_address_space", lambda: 4096)
    with pytest.raises(BadInput, match=r"address space; 3\.81e-06 GiB are free \(ulimit -v\)"):
        read_header(path)

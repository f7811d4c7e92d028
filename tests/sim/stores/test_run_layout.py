"""The chunks of a run's codes."""

from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT8_E5M2, FLOAT32
from drift.sim.stores.run_layout import _CHUNK_BYTES, rows_together

FORMATS = (BFLOAT16, FLOAT8_E5M2, FLOAT32)


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 14), st.sampled_from(FORMATS))
def test_chunks_are_as_few_as_fit_and_nearly_all_alike(tokens, dims, held):
    rows, row_bytes = rows_together((tokens, dims), held), held.storage.itemsize * dims
    assert 1 <= rows <= tokens
    assert rows == 1 or rows * row_bytes <= _CHUNK_BYTES
    most = max(1, _CHUNK_BYTES // row_bytes)
    chunks = -(-tokens // rows)
    assert chunks == -(-tokens // most)
    missing = chunks * rows - tokens
    assert missing < chunks, "which the last chunk is padded with"


def test_the_default_cloud_is_two_halves():
    assert rows_together((2212, 2560), BFLOAT16) == 1106

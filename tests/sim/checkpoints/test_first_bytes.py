"""A file that is no safetensors file is called what it is; a safetensors file never is."""

import gzip
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.first_bytes import recognised
from drift.sim.errors import BadInput

GOOD = save({"lm_head.weight": np.ones((100, 16), np.float32)})


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", bytes(2000))
    return file.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 4961\n"
OTHERS = {
    "a pointer": (POINTER, "a Git LFS pointer to 4,961 bytes that were not fetched; git lfs pull"),
    "torch's": (zipped(), "a zip archive, as torch.save writes; convert it with: python -c"),
    "a pickle": (pickle.dumps({"a": [1] * 300}), "a pickle, as torch.save once wrote"),
    "llama.cpp's": (b"GGUF\x03\0\0\0" + bytes(2000), "a GGUF file; the model in safetensors form"),
    "compressed": (gzip.compress(GOOD), "compressed with gzip; gunzip unpacks it"),
    "a page": (b"<!DOCTYPE html>\n<html><head>" * 3, "a web page, perhaps the error of a download"),
    "an error": (json.dumps({"error": "restricted"}).encode(), "JSON, perhaps the error of a"),
    "zeros": (bytes(4096), "zeros, as a download leaves that was broken off"),
    "nothing": (b"", "empty, as a download leaves that was broken off; fetch it again"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_called_what_it_is_whatever_its_name(tmp_path, name):
    raw, message = OTHERS[name]
    for path in (tmp_path / "model.safetensors", tmp_path / "pytorch_model.bin"):
        path.write_bytes(raw)
        with pytest.raises(BadInput) as found:
            Checkpoint(path)
        assert str(found.value).startswith(f"{path} is {message}")
        assert "\n" not in str(found.value)


@given(st.dictionaries(st.text(max_size=5), st.integers(1, 300), min_size=1, max_size=20))
def test_a_safetensors_file_is_never_taken_for_anything_else(tmp_path_factory, sizes):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(save({name: np.zeros(size, np.uint8) for name, size in sizes.items()}))
    assert recognised(path) == ""

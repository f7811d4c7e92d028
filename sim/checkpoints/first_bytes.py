"""Kinds of files that stand in place of a safetensors file, told by their first bytes.

A safetensors file begins with the length of its header, then "{". Whatever is recognised here
would be a header longer than the file, so no safetensors file is ever taken for something else.
"""

import re
from pathlib import Path

from drift.sim.strict_json import open_regular

_TORCH = (
    "convert it with: python -c 'import torch, safetensors.torch as s;"
    ' w = torch.load("IN", weights_only=True);'
    ' s.save_file(w if isinstance(w, dict) else {"W": w}, "OUT.safetensors")\''
)
_KINDS: tuple[tuple[bytes, str], ...] = (
    (rb"PK\x03\x04", f"a zip archive, as torch.save writes; {_TORCH}"),
    (rb"\x80[\x02-\x05]", f"a pickle, as torch.save once wrote; {_TORCH}"),
    (rb"GGUF", "a GGUF file; the model in safetensors form is needed"),
    (rb"\x1f\x8b", "compressed with gzip; gunzip unpacks it"),
    (rb"\x28\xb5\x2f\xfd", "compressed with Zstandard; unzstd unpacks it"),
    (rb"\x89HDF", "an HDF5 file; the model in safetensors form is needed"),
    (rb"\x93NUMPY", "a NumPy array; safetensors.numpy.save_file makes a safetensors file of it"),
    (rb"\s*<(!doctype|html|\?xml)", "a web page, perhaps the error of a download; fetch it again"),
    (rb"\s*[{\[]", "JSON, perhaps the error of a download or an index; fetch the weights"),
    (rb"\x00{64}", "zeros, as a download leaves that was broken off; fetch it again"),
)
_LFS = re.compile(rb"version https://git-lfs[^\n]*\n(?:.*\n)*?size (\d{1,19})")
_READ = 1024


def recognised(path: Path) -> str:
    """Return what the file at `path` is, for people; empty where its bytes tell nothing.

    Raises BadInput where it is missing, or not a regular file.
    """
    with open_regular(path) as file:
        first = file.read(_READ)
        file_bytes = file.seek(0, 2)
    if not first:
        return "empty, as a download leaves that was broken off; fetch it again"
    if int.from_bytes(first[:8], "little") <= file_bytes - 8 and first[:64].strip(b"\0"):
        return ""
    if pointer := _LFS.match(first):
        return (
            f"a Git LFS pointer to {int(pointer[1]):,} bytes that were not fetched;"
            " git lfs pull fetches them"
        )
    return next((what for bytes_, what in _KINDS if re.match(bytes_, first, re.IGNORECASE)), "")

"""Quantised forms of a matrix that hold no rows of floats, told by names and dtypes.

companion  a tensor beside the codes that only one form has

A form is named so that people know what they have; none of them is read.
"""

import re
from collections.abc import Collection

from drift.sim.checkpoints.scales import names_beside
from drift.sim.errors import printable_name

_LAST = re.compile(r"\.?(weight(_packed)?|qweight|W_q|_?blocks|weight\._data)$")
_FORMS: tuple[tuple[str, str], ...] = (
    (r"weight\.quant_state\..*nf4", "4-bit blocks of bitsandbytes (NF4)"),
    (r"weight\.quant_state\..*fp4", "4-bit blocks of bitsandbytes (FP4)"),
    (r"weight\.(absmax|quant_map|nested_absmax)", "4-bit blocks of bitsandbytes"),
    (r"SCB|weight\.SCB", "8-bit codes of bitsandbytes, with scales in SCB"),
    (r"weight_packed", "packed codes of compressed-tensors"),
    (r"g_idx", "packed codes of GPTQ"),
    (r"qweight", "packed codes of AWQ or GPTQ"),
    (r"W_q", "packed codes of HQQ"),
    (r"weight\._data|weight\._scale", "packed codes of Quanto"),
    (r"_?blocks", "blocks of 4-bit floats (MXFP4), with scales beside them"),
    (r"weight_scale_2|weight_global_scale", "pairs of 4-bit floats (NVFP4), with scales of blocks"),
)
"""Companions, or the codes themselves, of each form; the first one that is there tells it."""
_CODES = {
    "I8": "int8 codes",
    "U8": "uint8 codes",
    "I4": "int4 codes",
    "I32": "packed codes",
    "U32": "packed codes",
    "F4": "4-bit floats",
    "F6_E2M3": "6-bit floats",
    "F6_E3M2": "6-bit floats",
    "F8_E4M3FNUZ": "8-bit floats (E4M3FNUZ)",
    "F8_E5M2FNUZ": "8-bit floats (E5M2FNUZ)",
}


def form(name: str, dtype: str, names: Collection[str]) -> str:
    """Return which quantised form a tensor has, for people; empty where nothing tells it.

    `names` are all names of tensors there.
    """
    stem = _LAST.sub("", name)
    if dtype not in _CODES and not _LAST.search(name):
        return ""
    beside = [each[len(stem) :].lstrip(".") for each in names if each.startswith(stem)]
    for pattern, what in _FORMS:
        if any(re.fullmatch(pattern, each) for each in beside):
            return what
    if dtype not in _CODES:
        return ""
    if dtype == "U32" and {"scales", "biases"} <= set(beside):
        return "packed codes of MLX"
    scales = names_beside(name, names)
    which = f" with scales in {printable_name(scales[0])}" if scales else ""
    return f"{_CODES[dtype]}{which}"

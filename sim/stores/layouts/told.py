"""Attributes of a store, such that every format of files takes them, NetCDF among them.

plain   a text, a number, or a list of either
told    of another attribute: its JSON text; the attribute `json` names all of these. Yes and no
        are 1 and 0

Stores of layout 1 hold the values themselves, dictionaries and all.
"""

import json
from collections.abc import Mapping
from typing import Any

TOLD = "json"
"""The attribute that names those whose text is JSON, separated by spaces."""
FIRST_WITH = 2
"""The first layout whose attributes are written so."""


def written(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as a store keeps them."""
    if int(attributes["layout"]) < FIRST_WITH:
        return dict(attributes)
    given = {name: value for name, value in attributes.items() if name != TOLD}
    texts = [name for name, value in given.items() if not _is_plain(value)]
    kept = {
        name: json.dumps(value) if name in texts else int(value) if value is True or value is False
        else value
        for name, value in given.items()
    }  # fmt: skip
    return {**kept, TOLD: " ".join(sorted(texts))}


def read(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that a store keeps, as they were given."""
    texts = str(attributes.get(TOLD, "")).split()
    found = {name: value for name, value in attributes.items() if name != TOLD}
    return {
        **found,
        **{name: json.loads(found[name]) for name in texts if isinstance(found.get(name), str)},
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and len({type(each) for each in value}) == 1 and isinstance(
            value[0], str | int | float
        )  # fmt: skip
    return isinstance(value, str | int | float)

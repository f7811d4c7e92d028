"""From what is written to where a store is: a path, or s3://BUCKET/KEY."""

import os
import re
from pathlib import Path

from drift.sim.errors import BadInput
from drift.sim.stores.location import SCHEME, AnyLocation, LocalLocation, StoreLocation


def locate(given: AnyLocation) -> StoreLocation:
    """The address that is meant. Raises BadInput for one that can be none."""
    if isinstance(given, StoreLocation):
        return given
    text = os.fspath(given)
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text)
    if scheme and scheme[0] == SCHEME:
        from drift.sim.stores.objects.location import S3Location

        return S3Location.named(text)
    if scheme:
        raise BadInput(f"{scheme[0]}… is not supported; a store is a path or {SCHEME}BUCKET/NAME")
    if isinstance(given, Path) and given.parts[:1] == ("s3:",) != given.parts:
        raise BadInput(f"{text} is an {SCHEME} address turned into a Path; give it as a text")
    return LocalLocation(Path(text))

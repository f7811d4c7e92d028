"""May a store be begun, resumed or replaced? One rule for those of runs and of sweeps.

A place is free, or holds the very same work: its unfinished beginning, which is then resumed, or
all of it, which is the result. Anything else is refused, and nothing that drift did not write is
ever replaced.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drift.sim.errors import BadInput, Damaged, NotBegun
from drift.sim.source_digest import LIBRARIES, short_digest, version
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.store import Store

_REPLACES = "--overwrite replaces it"
_Store = TypeVar("_Store", bound=Store)


def held(
    kind: type[_Store],
    out: StoreLocation,
    asked: Mapping[str, Any],
    overwrite: bool,
    shown: Callable[[Any], str] = str,
) -> _Store | None:
    """The store at `out` of what is `asked`, field by field; None where out is free.

    It is free too where nobody else's store is there and `overwrite` is given. `shown` writes a
    field's value. Raises BadInput where anything else is in the way, Damaged for a store that
    is damaged, unless `overwrite`.
    """
    if not out.exists():
        return None
    try:
        store = kind(out)
        theirs, finished = store.asked(asked), store.finished
    except NotBegun:
        return None
    except Damaged as error:
        if overwrite:
            return None
        raise Damaged(f"{error}; {_REPLACES}") from error
    if overwrite:
        return None
    differing = [name for name, mine in asked.items() if mine != theirs.get(name)]
    if differing:
        found = " and ".join(
            f"{name} {shown(theirs.get(name))}, not {shown(asked[name])}" for name in differing
        )
        if finished:
            again = f"--overwrite {kind.verb}s it anew, --out names another place"
            raise BadInput(f"{out} is a complete {kind.verb} with {found}; {again}")
        raise BadInput(f"{out} is an unfinished {kind.verb} with {found}; {_REPLACES}")
    if not finished and (other := other_programs(store)):
        raise BadInput(f"{out} was begun {other}; go on with that one, or {_REPLACES}")
    return store


def other_programs(store: Store) -> str | None:
    """Return by which programs an unfinished store was begun, and which are here, in words.

    None where they are the same, and so count alike. Stores of older versions know their own
    version alone.
    """
    begun, number = store.attrs["versions"], version("bf16-drift")
    if begun["bf16-drift"] != number:
        return f"by version {begun['bf16-drift']}, this is {number}"
    sources = store.attrs.get("sources")
    if sources is None:
        return None
    if sources != short_digest():
        return f"by drift {number} of other code (its sources are {sources}, here {short_digest()})"
    for name in LIBRARIES:
        if begun.get(name) != version(name):
            return f"with {name} {begun.get(name)}, here it is {version(name)}"
    return None

"""The summary of a run, from its store: what `drift run --json` prints."""

from typing import Any

from drift.sim.clouds.initial import starts_from
from drift.sim.stores.run_store import RunStore


def summary(store: RunStore) -> dict[str, Any]:
    """Return what `drift run --json` prints of a complete store."""
    attrs = store.attrs
    final = {**attrs["final"], "populations": store.read("populations").tolist()}
    taken = {"cloud": attrs["cloud"]} if "cloud" in attrs else {}
    return {
        "spec": attrs["spec"],
        **taken,
        "starts_from": starts_from(attrs["spec"], attrs.get("cloud")),
        "engine": attrs["engine"],
        "engine_reason": attrs.get("engine_reason"),
        "device": attrs["device"],
        "initial": attrs["initial"],
        "final": final,
        "records": [counts.as_json() for counts in store.records()],
        "store": str(store.address),
        "seconds": attrs["seconds"],
    }

"""The check of a device, as Python users ask for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift.sim.results.page import ShownAsTable

if TYPE_CHECKING:
    from drift.sim.device_check import Check


@dataclass(frozen=True, repr=False)
class Checked(ShownAsTable):
    """The checks of a device."""

    platform: str
    """cpu, gpu or tpu"""
    kind: str
    """name of the device"""
    checks: "tuple[Check, ...]"
    """all checks, in turn"""

    @property
    def ok(self) -> bool:
        """True where all of them hold."""
        return all(each.ok for each in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return what `drift check --json` prints."""
        from dataclasses import asdict

        return {
            "ok": self.ok,
            "device": {"platform": self.platform, "kind": self.kind},
            "checks": [asdict(each) for each in self.checks],
        }

    def title(self) -> str:
        """Return the device and the verdict."""
        wrong = sum(not each.ok for each in self.checks)
        verdict = "all hold" if self.ok else f"{wrong} of {len(self.checks)} do not hold"
        return f"{self.platform} ({self.kind}): {verdict}"

    def head(self) -> list[str]:
        """Return the columns of the table."""
        return ["check", "ok", "detail"]

    def body(self) -> list[list[Any]]:
        """Return a row for each check, those that do not hold first."""
        ordered = sorted(self.checks, key=lambda each: each.ok)
        return [[each.name, each.ok, each.detail] for each in ordered]


def check(device: str = "auto", *, progress: "Callable[[Check], None] | None" = None) -> Checked:
    """Compare every kernel on a device with NumPy and ml_dtypes, bit for bit.

    `device` is auto, cpu, gpu or tpu; `progress` is told of each check. Raises BadInput for a
    device that is not there.

        >>> import drift
        >>> drift.check("cpu").ok  # doctest: +SKIP
        True
    """
    from drift.sim import device_check
    from drift.sim.devices import device as devices

    chosen = devices.find_device(device)
    found = []
    for each in device_check.checks(chosen):
        found.append(each)
        if progress is not None:
            progress(each)
    return Checked(chosen.platform, chosen.device_kind, tuple(found))

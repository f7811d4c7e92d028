"""`drift check`: does this device round as it must?"""

import json
import sys
from typing import TYPE_CHECKING

import typer

from drift.experiments.cli.execution import Device
from drift.experiments.cli.options import AsJson

if TYPE_CHECKING:
    from drift.sim.device_check import Check

EXAMPLE = "drift check"


def command(
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Compare every kernel on this device with NumPy and ml_dtypes, bit for bit.

    There is one check for each format and rounding, then fused, edges, cloud and
    run. Exits with 1 and names the first differing input where one fails.
    """
    from drift.sim.devices import device as devices
    from drift.sim.sources.check import check

    devices.configure(device)

    def say(each: "Check") -> None:
        print(f"{'ok   ' if each.ok else 'WRONG'}  {each.name:26}  {each.detail}", flush=True)

    found = check(device, progress=None if as_json else say)
    print(json.dumps(found.as_json()) if as_json else found.title())
    if not found.ok:
        sys.stdout.flush()
        raise typer.Exit(1)

"""`drift check`: does this device round as it must?"""

import json
import sys

import typer

from drift.experiments.cli.execution import Device
from drift.experiments.cli.options import AsJson

EXAMPLE = "drift check"


def command(
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Compare every kernel on this device with NumPy and ml_dtypes, bit for bit.

    There is one check for each format and rounding, then fused, edges, cloud and
    run. Exits with 1 and names the first differing input where one fails.
    """
    from drift.sim import device_check
    from drift.sim.devices import device as devices

    devices.configure(device)
    chosen = devices.find_device(device)
    found = []
    for each in device_check.checks(chosen):
        found.append(each)
        if not as_json:
            print(f"{'ok   ' if each.ok else 'WRONG'}  {each.name:26}  {each.detail}", flush=True)
    report = device_check.report(chosen, found)
    if as_json:
        print(json.dumps(report))
    else:
        wrong = sum(not each.ok for each in found)
        verdict = "all hold" if report["ok"] else f"{wrong} of {len(found)} do not hold"
        print(f"{chosen.platform} ({chosen.device_kind}): {verdict}")
    if not report["ok"]:
        sys.stdout.flush()
        raise typer.Exit(1)

"""Check, test and measure the accelerator that is here, and write its page.

    python -m drift.experiments.accelerator results/bench

Takes less than five minutes. Where there is no accelerator it says so and exits with 2; where
something is wrong on the one that is there it exits with 1, and nothing is measured.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

DEVICE = "DRIFT_TEST_DEVICE"
"""The environment variable that tells tests which platform to look for."""


def main(arguments: list[str]) -> int:
    """Write KIND.md and KIND.json to the directory that the arguments name; return the status."""
    from drift.sim.devices import device

    device.configure("auto")
    found = device.find_device("auto")
    if found.platform == "cpu":
        print("gpu: JAX finds no accelerator here, only a CPU: nothing to do", file=sys.stderr)
        return 2
    folder = Path(arguments[0]) if arguments else Path("results/bench")
    return written(found, folder, tests_of(found.platform), _say)


def written(
    device: Any, folder: Path, tests: dict[str, Any], say: Callable[[str], None], **sizes: Any
) -> int:
    """Check and measure a device, write its page beside what its `tests` said; the status."""
    from drift.experiments.accelerator import page
    from drift.experiments.accelerator.cases import cases
    from drift.experiments.bench.runner import measure
    from drift.experiments.bench.setting import Setting, machine
    from drift.experiments.console.files import write_text_atomically
    from drift.sim import device_check

    checks = []
    for check in device_check.checks(device):
        checks.append(asdict(check))
        say(f"{'ok   ' if check.ok else 'WRONG'}  {check.name:26}  {check.detail}")
    right = tests["ok"] and all(check["ok"] for check in checks)
    with tempfile.TemporaryDirectory(prefix="drift-accelerator-") as scratch:
        setting = Setting(device, Path(scratch), quick=bool(sizes))
        results = [measure(case, 2, say) for case in cases(setting, **sizes)] if right else []
        about = machine(setting)
    document = {"machine": about, "checks": checks, "tests": tests, "results": results}
    name = re.sub(r"[^a-z0-9]+", "-", f"{device.platform} {device.device_kind}".lower()).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"json": json.dumps(document, indent=1) + "\n", "md": page.markdown(document)}
    for suffix, text in texts.items():
        write_text_atomically(folder / f"{name}.{suffix}", text)
    say(f"written: {folder / name}.md, {folder / name}.json")
    return 0 if right else 1


def tests_of(platform: str) -> dict[str, Any]:
    """Run the tests that need an accelerator in a process of their own; whether they pass."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "tests/accelerator"]
    # This process holds the device's memory; the tests take what they need, and no more.
    environment = {
        **os.environ,
        DEVICE: platform,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = done.stdout.strip().splitlines()[-1:] or done.stderr.strip().splitlines()[-1:]
    _say(f"tests: {' '.join(said)}")
    # A run in which all were skipped is no success.
    ok = done.returncode == 0 and " passed" in done.stdout
    if not ok:
        _say(done.stdout[-3000:])
    return {"ok": ok, "said": " ".join(said).strip("= ")}


def _say(line: str) -> None:
    print(f"gpu: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

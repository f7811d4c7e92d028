"""A real Chromium without a window, from Debian's packages or wherever it is; none is downloaded.

Where there is none, Debian's package manager is asked for it, if this process may.
"""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 240
"""That the installation may take."""


def _found():
    """The browser and the program that drives it, where both are there."""
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


def _install():
    """Ask Debian's package manager; why not, where that is no use."""
    if not shutil.which("apt-get"):
        return "there is no apt-get to install it"
    if os.geteuid() != 0:
        return "only root may install it: apt-get install chromium chromium-driver"
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (["apt-get", "update"], install):
            subprocess.run(
                command, check=True, capture_output=True, env=environment, timeout=_SECONDS
            )
    except (subprocess.SubprocessError, OSError) as error:
        return f"apt-get does not install it: {error}"
    return "apt-get installed something else"


@contextmanager
def opened():
    """The driver of a Chromium; skips where none can be had."""
    found, why = _found(), ""
    if not found:
        why = _install()
        found = _found()
    if not found:
        pytest.skip(f"no Chromium and chromedriver: {why}")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    browser, driver = found
    options = ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def look(chrome, width, **features):
    """Show the page so wide, with media features such as prefers_color_scheme="dark"."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


def complaints(chrome):
    """What the console said since the last time."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def requests(chrome):
    """The addresses asked for since the last time, but for what stands in the page itself."""
    messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    asked = [each for each in messages if each["method"] == "Network.requestWillBeSent"]
    addresses = [each["params"]["request"]["url"] for each in asked]
    return [address for address in addresses if not address.startswith("data:")]

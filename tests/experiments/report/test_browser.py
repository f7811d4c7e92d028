"""The page in a real browser: it asks for nothing, and what is to be touched works."""

import re

import numpy as np
import pytest

from drift.experiments.cli import main
from drift.experiments.report.document import render
from drift.experiments.report.page import page_of
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support import browser
from tests.support.builders import sweep_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@pytest.fixture(scope="module")
def chrome():
    with browser.opened() as driver:
        yield driver


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run and a sweep, and their pages."""
    place = tmp_path_factory.mktemp("pages")
    drift = Drift(sigma=1e-9, tokens=300, dims=200, steps=100, records=20)
    run.run(drift, place / "run.zarr", on="cpu")
    axes = {"sigma": (1e-9, 1e-8, 1e-7, 1e-6), "steps": (1, 10), "seed": (0, 1)}
    sweep_store(place / "sweep.zarr", axes, lambda sigma, **others: min(1.0, sigma * 1e6))
    for name in ("run", "sweep"):
        arguments = ["report", str(place / f"{name}.zarr"), "-o", str(place / f"{name}.html")]
        assert main.outcome(arguments) == 0
    return place


@pytest.fixture
def page(chrome, folder):
    """The page of the run, opened anew and wide."""
    return opened(chrome, folder / "run.html")


def opened(chrome, path):
    chrome.get("about:blank")
    browser.requests(chrome)
    browser.complaints(chrome)
    browser.look(chrome, 1280, prefers_color_scheme="light", prefers_reduced_motion="reduce")
    chrome.get(path.as_uri())
    return chrome


def find(chrome, selector):
    return chrome.find_element("css selector", selector)


def said(chrome):
    return find(chrome, "output").text


def picture(chrome):
    return find(chrome, ".lattice svg").get_attribute("innerHTML")


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_it_opens_from_disk_without_a_request_or_a_complaint(chrome, folder, name):
    opened(chrome, folder / f"{name}.html")
    press(find(chrome, "input[name=record]"), "End")
    assert browser.requests(chrome) == [(folder / f"{name}.html").as_uri()]
    assert browser.complaints(chrome) == []
    assert "Step" in said(chrome)  # the script ran: the policy names its hash


PAYLOAD = (
    "</script><script>window.ran=1</script><img src=x onerror=window.ran=1>\"'"
    "\u2028{{7*7}}<svg onload=window.ran=1>\x1b]0;x\x07"
)


def test_hostile_texts_run_nothing_and_ask_for_nothing(chrome, tmp_path):
    run.run(Drift(sigma=1e-9, tokens=9, dims=8, steps=3), tmp_path / "a.zarr", on="cpu")
    store = RunStore(tmp_path / "a.zarr", writing=True)
    spec = {**store.attrs["spec"], "direction": f"{PAYLOAD}.npy"}
    device = {"platform": PAYLOAD, "kind": PAYLOAD}
    store.update(spec=spec, device=device, engine=PAYLOAD, versions={PAYLOAD: PAYLOAD})
    page = tmp_path / "page.html"
    page.write_text(render(page_of([store.address], PAYLOAD, PAYLOAD)), encoding="utf-8")
    opened(chrome, page)
    assert browser.requests(chrome) == [page.as_uri()]
    assert browser.complaints(chrome) == []
    assert chrome.execute_script("return window.ran") is None
    assert "{{7*7}}" in find(chrome, "body").text


def press(element, *keys):
    from selenium.webdriver.common.keys import Keys

    element.send_keys(*(getattr(Keys, key.upper()) for key in keys))


def test_arrow_keys_move_the_record_and_the_picture_follows(page, folder):
    slider, seen = find(page, "input[name=record]"), [picture(page)]
    records = RunStore(folder / "run.zarr").records()
    for k, counts in enumerate(records[:4]):
        assert f"Step {counts.step} of 100: the 256 tokens shown occupy" in said(page)
        assert f"all 300 tokens occupy {counts.distinct:,} cells of all 200 dim" in said(page)
        assert slider.get_attribute("value") == str(k)
        assert slider.get_attribute("aria-valuetext").startswith(f"step {counts.step},")
        press(slider, "arrow_right")
        seen.append(picture(page))
    press(slider, "end")
    assert f"all 300 tokens occupy {records[-1].distinct} cell" in said(page)
    assert records[-1].distinct < records[0].distinct
    assert len(set(seen)) == len(seen)


def test_the_cells_it_counts_are_those_of_the_snapshots(page, folder):
    store = RunStore(folder / "run.zarr")
    bits = store.read("bits")[:, :256]
    coordinate = Drift.from_json(store.attrs["spec"]).target.coordinate
    slider = find(page, "input[name=record]")
    for choice in ("0", "3"):
        up = find(page, "select[name=up]")
        find(up, f"option[value='{choice}']").click()
        dims = shown_dims(page)
        for key, codes in (("home", bits[0]), ("end", bits[-1])):
            press(slider, key)
            cells = {tuple(row) for row in coordinate(codes[:, dims]).tolist()}
            assert f"the 256 tokens shown occupy {len(cells):,} cell" in said(page)
            holes = page.find_elements("css selector", ".lattice svg:first-of-type .hole")
            rows = [tuple(row) for row in coordinate(codes[:, dims]).tolist()]
            assert len(holes) == sum(rows.count(cell) > 1 for cell in cells)


def test_tokens_lie_where_their_values_say(page, folder):
    store = RunStore(folder / "run.zarr")
    target = Drift.from_json(store.attrs["spec"]).target
    dims = shown_dims(page)
    places = (
        "return [...document.querySelectorAll('.token')].map((token) =>"
        " new DOMMatrix(getComputedStyle(token).transform)).map((m) => [m.e, 400 - m.f])"
    )
    for key, codes in (("home", store.read("bits")[0]), ("end", store.read("bits")[-1])):
        press(find(page, "input[name=record]"), key)
        drawn = np.array(page.execute_script(places))
        for at, values in zip(drawn.T, target.value(codes[:256, dims]).T, strict=True):
            if np.ptp(values):
                slope, start = np.polyfit(values, at, 1)
                np.testing.assert_allclose(slope * values + start, at, atol=1e-3)
                assert slope > 0
            assert at.mean() == pytest.approx(200, abs=1e-3)
            assert (at > 0).all()
            assert (at < 400).all()
        widths = re.findall("2⁻([⁰¹²³⁴-⁹]+)", find(page, ".scale").text)
        cells = [target.ulp(mean) for mean in target.value(codes[:256, dims]).mean(axis=0)]
        powers = [-int(each.translate(DIGITS)) for each in widths]
        np.testing.assert_array_equal(np.ldexp(1.0, powers), cells)


def shown_dims(page):
    """The dimensions that are chosen, across and up."""
    chosen = [f"select[name={axis}] option:checked" for axis in ("across", "up")]
    return [int(find(page, each).text.split()[1].strip(",")) for each in chosen]


def test_play_runs_to_the_end_and_can_be_stopped(page):
    from selenium.webdriver.support.wait import WebDriverWait

    slider, button = find(page, "input[name=record]"), find(page, "button[name=play]")
    press(slider, "end", "arrow_left")
    assert button.text == "Play"
    button.click()
    assert (button.text, find(page, "output").get_attribute("aria-live")) == ("Pause", "off")
    WebDriverWait(page, 5, 0.05).until(lambda _: button.text == "Play")
    assert slider.get_attribute("value") == slider.get_attribute("max")
    assert find(page, "output").get_attribute("aria-live") == "polite"
    button.click()  # from the start again
    assert slider.get_attribute("value") == "0"
    press(slider, "arrow_right")
    assert (button.text, slider.get_attribute("value")) == ("Play", "1")


def test_motion_is_left_out_where_nobody_wants_it(page):
    panel = find(page, ".lattice")
    assert "moving" not in panel.get_attribute("class")
    browser.look(page, 1280, prefers_reduced_motion="no-preference")
    press(find(page, "input[name=record]"), "arrow_right")
    assert "moving" in panel.get_attribute("class")


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_a_phone_needs_no_sideways_scrolling_and_can_be_read(chrome, folder, name):
    opened(chrome, folder / f"{name}.html")
    for width in (320, 390, 1280):
        browser.look(chrome, width)
        wide = "return [document.documentElement.scrollWidth, innerWidth]"
        assert chrome.execute_script(wide) == [width, width]
    browser.look(chrome, 390)
    letters = chrome.execute_script(
        "return [...document.querySelectorAll('.figure text')].map((text) =>"
        " parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a)"
    )
    assert len(letters) > 20
    assert sorted(letters)[len(letters) // 2] > 9.5  # pixels, as small print is
    for region in chrome.find_elements("css selector", ".scroll"):
        assert region.get_attribute("tabindex") == "0"  # by keyboard too
        assert region.accessible_name


def test_wide_tables_use_the_margins_and_rulers_have_numbers(page):
    browser.look(page, 1200)
    widths = page.execute_script(
        "return [...document.querySelectorAll('.scroll')]"
        ".map((each) => [each.scrollWidth, each.clientWidth])"
    )
    for needed, there in widths:
        assert needed <= there or there > 1100
    assert max(there for _, there in widths) > 800
    press(find(page, "input[name=record]"), "End")
    numbers = [each.text for each in page.find_elements("css selector", ".ruler .number")]
    assert numbers.count("0") == 2
    assert len(numbers) >= 4


def test_dark_pages_are_dark_and_printed_ones_light(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    ink = "return getComputedStyle(document.body).color"
    colours = page.execute_script(ground), page.execute_script(ink)
    assert colours == ("rgb(255, 255, 255)", "rgb(26, 26, 26)")
    browser.look(page, 1280, prefers_color_scheme="dark")
    colours = page.execute_script(ground), page.execute_script(ink)
    assert colours == ("rgb(20, 22, 26)", "rgb(232, 232, 230)")
    card = "return getComputedStyle(document.querySelector('.figure')).backgroundColor"
    letters = "return getComputedStyle(document.querySelector('.figure text')).fill"
    assert page.execute_script(card) == "rgb(255, 255, 255)"  # figures stay light
    assert page.execute_script(letters) == "rgb(0, 0, 0)"
    media = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    assert page.execute_script(ground) == "rgb(255, 255, 255)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_pictures_and_controls_have_names(page):
    for element in page.find_elements("css selector", "svg.figure, .lattice svg[role=img]"):
        assert element.aria_role == "image"
        assert len(element.accessible_name) > 10
    for selector in ("input[name=record]", "select[name=across]", "select[name=up]"):
        assert find(page, selector).accessible_name in ("Record", "Horizontal", "Vertical")

"""What networks say as they learn: seen, read as words and as a table, clicked through to rows."""

from __future__ import annotations

import json
import re

import pytest
from browsing import PHONE, serious, window
from playwright.sync_api import expect
from sklearn.datasets import load_digits

TWO_NETWORKS = "lab/mlp?seeds=1&epochs=2&compare=hidden,xor"
DIGITS = "lab/momentum?seeds=1&epochs=2&compare=plain,heavy_ball"


def trained(page, app, path):
    """Run what an address says; returns the part of the page on what networks say."""
    page.goto(app.at(path))
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()
    return as_it_learns(page)


def as_it_learns(page):
    heading = page.get_by_role("heading", name="As it learns")
    heading.scroll_into_view_if_needed()
    return page.locator("section", has=heading)


def colours(canvas):
    """How many different colours a canvas shows."""
    return canvas.evaluate(
        """canvas => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )


def kept(app, page, name):
    """What the journal of the run on the page holds under a name, of its first network."""
    run = re.search(r"run=([\w.-]+)", page.url)[1]
    lines = (app.folder / "runs" / run / "journal.jsonl").read_text().splitlines()
    events = [e for e in map(json.loads, lines) if e["kind"] == "snapshot"]
    return [e["values"][name][e["members"].index(0)] for e in events if 0 in e["members"]]


def test_decision_surfaces_are_drawn_told_and_go_through_the_epochs(page, app):
    panel = trained(page, app, TWO_NETWORKS)
    drawings = panel.get_by_role("img")
    expect(drawings).to_have_count(2)
    words = re.compile(r"Surface of hidden, epoch 2: class 0 wins at \d+ %, class 1 wins at \d+ %")
    expect(drawings.first).to_have_attribute("aria-label", words)
    assert min(colours(drawings.nth(i).locator("canvas")) for i in (0, 1)) > 100
    last = drawings.first.screenshot()
    slider = panel.get_by_role("slider", name="Frame")
    slider.press("Home")
    expect(drawings.first).to_have_attribute("aria-label", re.compile("epoch 0: "))
    assert drawings.first.screenshot() != last
    panel.get_by_role("button", name="Table").click()
    table = panel.get_by_role("region", name=re.compile("^Surface of hidden, epoch 0"))
    expect(table.get_by_role("row")).to_have_count(3)
    assert serious(page) == []


def test_a_cell_of_a_confusion_table_shows_its_digits(page, app):
    panel = trained(page, app, DIGITS)
    table = kept(app, page, "confusion")[-1]
    (label, taken, numbers), *_ = [s for s in table["samples"] if s[0] != s[1]]
    times = table["counts"][label][taken]
    cell = panel.get_by_role(
        "button", name=f"{times} of class {label} taken for {taken}: show some"
    )
    cell.focus()
    page.keyboard.press("Enter")
    rows = panel.get_by_role("region", name="Rows of the chosen cell")
    pictures = rows.get_by_role("img")
    expect(pictures).to_have_count(len(numbers))
    told = f"Row {numbers[0]}, a picture of class {label} taken for {taken}"
    expect(pictures.first).to_have_attribute("aria-label", told)
    pixels, digits = load_digits(return_X_y=True)
    assert {digits[number] for number in numbers} == {label}
    shades = pictures.first.locator("canvas").evaluate(
        """canvas => [...canvas.getContext('2d').getImageData(0, 0, 8, 8).data]
          .filter((_, i) => i % 4 === 3)"""
    )
    first = pixels[numbers[0]]
    assert shades == pytest.approx(255 * (first - first.min()) / (first.max() - first.min()), abs=1)
    assert serious(page) == []


def test_a_page_at_rest_asks_for_nothing(page, app):
    panel = trained(page, app, DIGITS)
    expect(panel.get_by_role("table")).to_be_visible()
    page.wait_for_timeout(1000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)  # frames are fetched every two seconds while it trains
    assert asked == []


def test_another_network_has_another_table(page, app):
    panel = trained(page, app, DIGITS)
    before = panel.get_by_role("table").inner_text()
    panel.get_by_role("combobox", name="Network").select_option("heavy ball")
    expect(panel.get_by_role("table")).not_to_have_text(before)


def test_panels_fit_a_phone_and_a_dark_page(chromium, app):
    with window(chromium, app, color_scheme="dark", **PHONE) as context:
        page = context.pages[0]
        for path in (TWO_NETWORKS, DIGITS):
            panel = trained(page, app, path)
            expect(panel.get_by_role("slider", name="Frame")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == 360
            assert serious(page) == []


def test_signals_by_layer_are_a_table_too(page, app):
    trained(page, app, DIGITS)
    heading = page.get_by_role("heading", name="Inside the network")
    heading.scroll_into_view_if_needed()
    panel = page.locator("section", has=heading)
    panel.get_by_role("button", name="Table").click()
    table = panel.get_by_role("region", name=re.compile("by layer after"))
    expect(table.get_by_role("columnheader")).to_have_text(["layer", "plain", "heavy ball"])


def test_a_lab_shows_what_networks_said_before_anything_is_run(page, app):
    """Of the run that comes along; its rows are made again from the lab's data."""
    page.goto(app.at("lab/momentum"))
    panel = as_it_learns(page)
    panel.get_by_role("button", name=re.compile("^[1-9].*: show some")).first.click()
    rows = panel.get_by_role("region", name="Rows of the chosen cell")
    expect(rows.get_by_role("img").first).to_be_visible()
    assert serious(page) == []

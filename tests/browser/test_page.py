"""The page itself: quick, for a keyboard, dark, on a phone, for a screen reader, below a prefix."""

from __future__ import annotations

import gzip
import re

import pytest
from browsing import PHONE, serious, window
from playwright.sync_api import expect

from pilotlight.server.page import HOME

PAGES = {
    "": ("Every idea is a claim", "labs lit"),
    "lab/momentum": ("Does momentum need fewer steps", "Copy as command"),
    "lab/backprop": ("Does the chain rule", "holds"),
    "practice": ("Write the idea yourself", "A formula as a graph"),
    "practice/adam": ("Adam", "Give me a hint"),
    "runs": ("Runs", "A run folder that is copied there"),
    "data": ("Can a network predict this", "To try"),
    "data?data=penguins&target=species": ("Can a network predict this", "Copy as command"),
    "nowhere": ("There is no such page", "Back to the map"),
}
"""Each page: what its headline says, and what is there once all has come."""
BUDGET = 200_000


def open_page(page, app, path):
    page.goto(app.at(path))
    headline, last = PAGES[path]
    expect(page.get_by_role("heading", level=1)).to_contain_text(headline)
    expect(page.get_by_text(last).first).to_be_visible()


def test_its_javascript_is_small():
    scripts = [f for f in (HOME / "assets").glob("*.js") if not f.name.startswith("Editor")]
    assert sum(len(gzip.compress(f.read_bytes())) for f in scripts) < BUDGET


def test_it_is_painted_within_a_second(page, app):
    page.goto(app.at(""))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    first = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    assert page.evaluate(first) < 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium, app, theme):
    with window(chromium, app, color_scheme=theme, reduced_motion="reduce") as context:
        found = {}
        for path in PAGES:
            open_page(context.pages[0], app, path)
            found[path] = serious(context.pages[0])
        assert {path: problems for path, problems in found.items() if problems} == {}


def test_axe_finds_nothing_serious_where_something_was_done(page, app):
    page.goto(app.at("lab/ring?epochs=3&seeds=1"))
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()
    page.get_by_role("button", name="Show the script").click()
    expect(page.get_by_role("region", name="The plain script")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name="All of this run").click()
    page.get_by_role("button", name="Table").first.click()
    page.get_by_role("button", name="Diagnose").click()
    expect(page.get_by_role("button", name="Diagnose")).to_be_hidden()
    assert serious(page) == []
    page.goto(app.at("practice/sgd"))
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    assert serious(page) == []


def test_nothing_is_wider_than_a_phone(chromium, app):
    with window(chromium, app, **PHONE) as context:
        widths = {}
        for path in PAGES:
            open_page(context.pages[0], app, path)
            widths[path] = context.pages[0].evaluate("document.documentElement.scrollWidth")
        assert set(widths.values()) == {360}, widths


def test_dark_follows_the_system_until_a_person_says_otherwise(chromium, app):
    with window(chromium, app, color_scheme="dark") as context:
        page = context.pages[0]
        ground = "getComputedStyle(document.body).backgroundColor"
        open_page(page, app, "")
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Light page").click()
        light = page.evaluate(ground)
        page.reload()
        expect(page.get_by_role("button", name="Dark page")).to_be_visible()
        assert page.evaluate(ground) == light
        assert (
            sum(map(int, re.findall(r"\d+", dark)))
            < 150
            < 700
            < sum(map(int, re.findall(r"\d+", light)))
        )


def test_a_recorded_figure_is_dark_on_a_dark_page(chromium, app):
    with window(chromium, app, color_scheme="dark") as context:
        page = context.pages[0]
        page.goto(app.at("lab/dropout"))
        drawing = page.locator(".picture svg.house")
        expect(drawing).to_be_visible()
        word = drawing.get_by_text("epoch").first
        fill = word.evaluate("text => getComputedStyle(text).fill")
        assert sum(map(int, re.findall(r"\d+", fill))) > 400, fill
        assert (
            drawing.evaluate("svg => getComputedStyle(svg).backgroundColor") == "rgba(0, 0, 0, 0)"
        )


def test_a_keyboard_is_enough_to_find_a_lab_and_run_it(page, app):
    open_page(page, app, "")
    page.keyboard.press("/")
    page.keyboard.type("ring sooner")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Does a wider network")
    run = page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled()
    for _ in range(30):
        page.keyboard.press("Tab")
        if run.evaluate("button => button === document.activeElement"):
            break
    assert run.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()


def test_arrow_keys_move_on_the_map(page, app):
    open_page(page, app, "")
    page.get_by_role("link", name=re.compile("^Backprop")).focus()
    page.keyboard.press("ArrowRight")
    name = page.evaluate("document.activeElement.dataset.lab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/lab/{name}")
    assert name not in (None, "backprop")


def test_links_work_below_a_prefix(chromium, behind):
    app, _ = behind
    with window(chromium, app) as context:
        page = context.pages[0]
        for room in ("Practice", "Runs", "Own data", "Map"):
            page.get_by_role("link", name=room, exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert page.url.startswith(app.base)
        page.get_by_role("link", name="Open the lab").click()
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_contain_text("?")


def test_no_address_ever_holds_the_token(page, app):
    assert "token" not in page.url
    assert page.evaluate("document.referrer") == ""

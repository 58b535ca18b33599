"""Training, seen in a browser: to a verdict, stopped, reloaded, killed, cut off, by ten tabs."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from browsing import App, window
from playwright.sync_api import Page, expect

LONG = "lab/ring?patience=1000&epochs=1000"
"""A run of the small lab that does not end while a test looks."""
ROUNDED = 0.0011
"""Tables show three digits."""


def start(page: Page, app: App, lab: str = LONG) -> str:
    """Open a lab and run it; the name of the run."""
    page.goto(app.at(lab))
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"[?&]run="))
    return re.search(r"run=([\w-]+)", page.url)[1]


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile("^Stopped"))).to_be_visible()


def rows(page: Page) -> list[list[float]]:
    """The table of curves: epochs, and the numbers beside them."""
    toggle = page.get_by_role("button", name="Table").first  # the curves', panels come below
    if toggle.get_attribute("aria-pressed") == "false":
        toggle.click()
    region = page.get_by_role("region", name=re.compile("as a table"))
    expect(region.locator("tbody tr").first).to_be_visible()
    texts = region.locator("tbody tr").all_inner_texts()
    return [[float(n) for n in re.findall(r"[\d.]+", text)] for text in texts]


def same(one: list[list[float]], other: list[list[float]]) -> bool:
    """Whether two tables say the same, but for the last digit."""
    pairs = zip(one, other, strict=True)
    return all(a == pytest.approx(b, abs=ROUNDED) for a, b in pairs)


def journal(app: App, run: str) -> list[dict]:
    lines = (app.folder / "runs" / run / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_lab_runs_to_its_verdict(page, app):
    run = start(page, app, "lab/ring")
    expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()
    result = json.loads((app.folder / "runs" / run / "result.json").read_text())
    for claim in result["claims"]:
        shown = page.locator("li", has_text=claim["statement"])
        expect(shown.get_by_text(claim["verdict"], exact=True)).to_be_visible()
    expect(page.locator(".curves canvas")).to_be_visible()
    page.goto(app.at(""))
    expect(page.get_by_role("link", name=re.compile("^Ring.*Run: "))).to_be_visible()


def test_stopped_it_says_so_and_goes_on_where_it_was(page, app):
    start(page, app)
    expect(page.locator(".curves canvas")).to_be_visible()
    page.wait_for_timeout(500)
    stop(page)
    before = rows(page)
    latest = page.get_by_role("region", name=re.compile("as a table")).locator("tbody tr").last
    stopped_at = latest.inner_text()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(re.compile(r"^Training"))).to_be_visible()
    expect(latest).not_to_have_text(stopped_at)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile(r"^Paused"))).to_be_visible()
    now = {row[0]: row for row in rows(page)}  # long tables leave epochs out
    early = [row for row in before[:3] if row[0] in now]  # later ones may have lacked networks
    assert early
    assert same([now[row[0]] for row in early], early)


def test_a_reload_in_mid_run_loses_nothing(page, app):
    run = start(page, app)
    expect(page.locator(".curves canvas")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
    page.wait_for_timeout(500)
    stop(page)
    live = rows(page)
    page.goto(app.at(f"runs/{run}"))
    assert same(rows(page), live)
    measured = {e["epoch"] for e in journal(app, run) if e["kind"] == "measured"}
    assert len(live) == min(len(measured), 40)


def test_a_killed_worker_is_said(page, app):
    run = start(page, app)
    expect(page.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
    holder = (app.folder / "runs" / run / ".lock").read_text()
    os.kill(int(re.search(r"\d+", holder)[0]), signal.SIGKILL)
    expect(page.get_by_text(re.compile(r"signal 9.*resume goes on from there"))).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_a_dropped_stream_is_said_and_caught_up(chromium, behind):
    app, cable = behind
    with window(chromium, app) as context:
        page = context.pages[0]
        run = start(page, app)
        assert page.url.startswith(app.base)
        expect(page.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
        cable.cut()
        expect(page.get_by_text("The line to Pilotlight is broken")).to_be_visible()
        missed = len(journal(app, run))
        cable.mend()
        expect(page.get_by_text("The line to Pilotlight is broken")).to_be_hidden()
        page.wait_for_timeout(500)
        stop(page)
        caught_up = rows(page)
        assert len(journal(app, run)) > missed
        page.reload()
        assert same(rows(page), caught_up)


def test_ten_tabs_watch_one_training(context, app):
    first = context.pages[0]
    run = start(first, app)
    others = [context.new_page() for _ in range(9)]
    for tab in others:
        tab.goto(app.at(f"runs/{run}"), wait_until="commit")
    for tab in others:
        expect(tab.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
    stop(first)
    for tab in others:
        expect(tab.get_by_text(re.compile("^Stopped"))).to_be_visible()
    assert same(rows(others[0]), rows(others[-1]))


def test_without_shared_workers_tabs_take_turns_at_the_stream(context, app):
    context.add_init_script("delete window.SharedWorker")
    first = context.pages[0]
    run = start(first, app)
    second = context.new_page()
    second.goto(app.at(f"runs/{run}"))
    expect(second.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
    first.close()
    stop(second)


def test_runs_are_compared_deleted_and_brought_back(page, app):
    for lab in ("lab/ring?epochs=2&seeds=1", "lab/ring?epochs=2&seeds=1&rate=0.3"):
        start(page, app, lab)
        expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()
    page.get_by_role("link", name="Runs").click()
    boxes = page.get_by_role("checkbox", name=re.compile("Compare Ring"))
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^rate"))).to_contain_text("0.3")
    count = boxes.count()
    page.get_by_role("button", name=re.compile("Delete the run")).first.click()
    expect(boxes).to_have_count(count - 1)
    page.get_by_role("button", name="Undo").click()
    expect(boxes).to_have_count(count)


def test_a_setting_out_of_range_is_refused_in_words(page, app):
    page.goto(app.at("lab/ring?rate=7"))
    expect(page.get_by_role("alert")).to_contain_text("rate is a number from 0.0001 to 1")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()


def test_what_goes_wrong_is_one_click_and_stands_in_the_address(page, app):
    page.goto(app.at("lab/ring"))
    page.get_by_role("button", name="rate = 1").click()
    page.wait_for_url(re.compile(r"\?rate=1$"))
    expect(page.get_by_text("for exploring")).to_be_visible()
    page.reload()
    expect(page.get_by_role("textbox", name="rate")).to_have_value("1")


def test_what_to_try_stands_beside_each_setting_and_says_what_comes_of_it(page, app):
    page.goto(app.at("lab/ring"))
    page.get_by_role("button", name="rate: try 1").click()
    page.wait_for_url(re.compile(r"\?rate=1$"))
    settings = page.locator(".settings")
    expect(settings.get_by_text("It jumps about.")).to_be_visible()
    expect(page.get_by_role("button", name="rate: try 1")).to_be_hidden()
    page.get_by_role("button", name="patience: try 0 with epochs 30").click()
    expect(page.get_by_role("textbox", name="epochs")).to_have_value("30")
    page.get_by_role("button", name="rate back to").click()
    expect(settings.get_by_text("It jumps about.")).to_be_hidden()


@pytest.mark.parametrize("lab", ["momentum", "backprop"])
def test_a_figure_is_there_before_anything_runs(page, app, lab):
    before = set(Path(app.folder, "runs").glob(f"{lab}-*"))  # of other tests
    page.goto(app.at(f"lab/{lab}"))
    expect(page.locator(".curves canvas, .picture svg").first).to_be_visible()
    expect(page.get_by_text("as expected").or_(page.get_by_text("holds")).first).to_be_visible()
    assert set(Path(app.folder, "runs").glob(f"{lab}-*")) == before

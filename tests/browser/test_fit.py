"""Own data in a browser, from a dropped file over a fit to predictions for new rows."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from browsing import PHONE, serious, window
from playwright.sync_api import Page, expect

COLUMNS = ["length", "day", "kind"]


def rows(count: int, seed: int) -> list[str]:
    """Lines of a table whose kind can be told from length but for some overlap."""
    draw = np.random.default_rng(seed)
    kinds = draw.permutation(np.arange(count) % 2)
    lengths = 3 * kinds + draw.normal(size=count)
    days = draw.integers(7, size=count)
    return [f"{x:.3f},{d},{'ab'[k]}" for x, d, k in zip(lengths, days, kinds, strict=True)]


def table(folder, name, columns, lines):
    path = folder / name
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


def drop(page: Page, path) -> None:
    """Drop a file as a mouse does."""
    box = page.locator("label", has=page.locator("input[type=file]"))
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], name));
            return transfer;
        }""",
        [path.name, path.read_text()],
    )
    box.dispatch_event("drop", {"dataTransfer": transfer})


@pytest.fixture(scope="module")
def fitted(chromium, app, tmp_path_factory) -> str:
    """The address of a fit that was asked for, watched and seen to its end."""
    mice = table(tmp_path_factory.mktemp("mice"), "mice.csv", COLUMNS, rows(80, seed=0))
    with window(chromium, app) as context:
        page = context.pages[0]
        page.goto(app.at("data"))
        drop(page, mice)
        page.get_by_role("combobox", name="What kind is for").select_option("predict this")
        page.get_by_role("combobox", name="What day is for").select_option("leave it out")
        page.get_by_role("combobox", name="How long it may take").select_option("30 seconds")
        page.wait_for_url(re.compile("budget=30s"))
        page.get_by_role("combobox", name="How long it may take").select_option("as usual")
        page.get_by_role("button", name="Fit", exact=True).click()
        page.wait_for_url(re.compile("/runs/fit-mice"))
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_text(re.compile(r"Training, \d+ %"))).to_be_visible()
        expect(page.get_by_text(re.compile("^Finished in"))).to_be_visible()
        return page.url


def test_a_finished_fit_says_first_whether_it_is_worth_it(page, app, fitted):
    page.goto(fitted)
    expect(page.get_by_role("heading", name=re.compile("^The network is"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^majority"))).to_contain_text("0.500")
    run = fitted.rsplit("/", 1)[1]
    assert (app.folder / "runs" / run / "result.json").exists()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report").click()
    expect(opened.value.get_by_role("heading", name=re.compile("Model card"))).to_be_visible()


def test_new_rows_are_dropped_predicted_and_taken_home(page, fitted, tmp_path):
    new = table(tmp_path, "new.csv", ["length"], ["-1", "4", "1.5"])
    page.goto(fitted)
    expect(page.get_by_text("predict from 1 column: length")).to_be_visible()
    drop(page, new)
    lines = page.get_by_role("region", name="Predictions").locator("tbody tr")
    expect(lines).to_have_count(3)
    page.wait_for_url(re.compile("predict=new.csv"))
    expect(lines.nth(0).locator("td").first).to_have_text("a")
    expect(lines.nth(1).locator("td").first).to_have_text("b")
    expect(page.get_by_text("The score belongs to the procedure")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="All as CSV").click()
    assert taken.value.suggested_filename == "predictions-new.csv"
    taken.value.save_as(tmp_path / "taken.csv")
    header, *said = csv.reader((tmp_path / "taken.csv").read_text().splitlines())
    assert header == ["prediction", "probability_a", "probability_b"]
    assert [line[0] for line in said[:2]] == ["a", "b"]


def test_columns_that_do_not_fit_are_refused_in_words(page, fitted, tmp_path):
    page.goto(fitted)
    drop(page, table(tmp_path, "other.csv", ["lenght"], ["-1", "4"]))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("other.csv lacks column 'length'. Did you mean 'lenght'?")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_predictions_keep_nobody_out(chromium, app, fitted, theme, tmp_path):
    with window(chromium, app, color_scheme=theme, reduced_motion="reduce", **PHONE) as context:
        page = context.pages[0]
        page.goto(fitted)
        page.locator("input[type=file]").set_input_files(
            table(tmp_path, "more.csv", ["length", "more"], ["-1,2", "4,2"])
        )
        expect(page.get_by_text("Not used: more.")).to_be_visible()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360

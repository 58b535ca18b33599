"""How quick the app is as a person sees it, and whether it stays small: in a real browser.

python -m benchmarks.page              from a click on Run to a curve, on Stop to "Stopped"
python -m benchmarks.page memory 10    memory of page and server while ten minutes are streamed

Needs Playwright (it is among the development tools) and a chromium.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from benchmarks.app import App, served

REPEATS = 7
LOOK_SECONDS = 5.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LONG = "lab/ring?patience=1000&epochs=1000&seeds=10&batch=2"
"""A run of minutes that is measured many times a second."""
CLICKED = """([name, sign, beginning]) => new Promise((tell) => {
    const all = [...document.querySelectorAll('button')];
    const button = all.find((each) => each.innerText.trim() === name);
    const begin = performance.now();
    const look = () => {
        const there = document.querySelector(sign)?.textContent ?? null;
        if (there === null || !there.startsWith(beginning)) return requestAnimationFrame(look);
        tell((performance.now() - begin) / 1000);
    };
    button.click();
    look();
})"""
"""Seconds from a click on a button until an element is there that begins with a text, and drawn."""


@contextmanager
def shown(app: App) -> Iterator[Page]:
    """A window of a browser that was let in."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        sys.exit(f"A chromium is needed: one of {', '.join(NAMES)}.")
    with sync_playwright() as started:
        switches = ["--no-sandbox", "--disable-background-networking"]
        browser = started.chromium.launch(executable_path=found, args=switches)
        page = browser.new_page()
        page.goto(app.address)
        yield page
        browser.close()


def run(app: App, page: Page) -> float:
    """Open the lab and run it; seconds from the click to the first curve."""
    page.goto(app.at(LONG))
    page.get_by_text("for exploring").first.wait_for()  # what would be run is known
    return float(page.evaluate(CLICKED, ["Run", ".curves canvas", ""]))


def stop(page: Page) -> float:
    """Seconds from the click on Stop until the page says that it is stopped."""
    return float(page.evaluate(CLICKED, ["Stop", ".state strong", "Stopped"]))


def quickness(app: App, page: Page) -> None:
    """What a person waits for."""
    ran, stopped = [], []
    for _ in range(REPEATS):
        ran.append(run(app, page))
        time.sleep(1)
        stopped.append(stop(page))
    for words, values in (("Run to the first curve", ran), ("Stop to stopped", stopped)):
        print(f"{words}: median {statistics.median(values):.2f} s, worst {max(values):.2f} s")


def memory(app: App, page: Page, minutes: float) -> None:
    """Memory of page and server while runs are streamed, and its slope after the first fifth."""
    run(app, page)
    tools = page.context.new_cdp_session(page)
    begin, found = time.monotonic(), []
    while (now := (time.monotonic() - begin) / 60) < minutes:
        tools.send("HeapProfiler.collectGarbage")
        heap = tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        nodes = tools.send("Memory.getDOMCounters")["nodes"]
        found.append((now, heap, float(nodes), app.memory()))
        page.wait_for_timeout(1000 * LOOK_SECONDS)
        if (again := page.get_by_role("button", name="Run again")).is_visible():
            again.click()
    for words, column in (("page, MB", 1), ("page, nodes", 2), ("server, MB", 3)):
        _tell(words, [(row[0], row[column]) for row in found], minutes)


def _tell(words: str, found: Sequence[tuple[float, float]], minutes: float) -> None:
    later = [pair for pair in found if pair[0] > minutes / 5]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope
    print(f"{words}: {found[0][1]:.1f} at first, {later[0][1]:.1f} after a fifth, ", end="")
    print(f"{later[-1][1]:.1f} at the end; slope {slope:+.3f} a minute")


def main(arguments: list[str]) -> None:
    """Measure and say."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with served() as app, shown(app) as page:
        if arguments[:1] == ["memory"]:
            memory(app, page, float(arguments[1]))
        else:
            quickness(app, page)


if __name__ == "__main__":
    main(sys.argv[1:])

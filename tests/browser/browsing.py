"""The app as a person starts it, and a window of a real browser at it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

RING = Path(__file__).parents[1] / "end_to_end" / "ring.py"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
PATIENCE = 60_000
"""Milliseconds that a test waits for what must come; a busy machine trains slowly."""


@dataclass(frozen=True)
class App:
    """A running app: where it is, the address that lets a browser in, its folder of runs."""

    base: str
    entrance: str
    folder: Path

    def at(self, path: str) -> str:
        """The address of a page."""
        return self.base + path


@contextmanager
def running(folder: Path, *options: str, python: Path = Path(sys.executable)) -> Iterator[App]:
    """`pilotlight app` in a folder of its own, with a small lab of a person's own."""
    command = [str(python), "-m", "pilotlight", "app", str(RING), "--no-browser", "--port", "0"]
    log = folder / "said.txt"
    with log.open("w") as said:
        process = subprocess.Popen([*command, *options], cwd=folder, stdout=said, stderr=said)
    try:
        entrance = _printed(process, log)
        parts = urlsplit(entrance)
        yield App(f"{parts.scheme}://{parts.netloc}{parts.path}", entrance, folder)
    finally:
        process.terminate()
        process.wait(20)


def _printed(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address with the token, once it is said."""
    for _ in range(600):
        if found := re.search(r"http://\S+token=\S+", log.read_text()):
            return found[0]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"The app did not start: {log.read_text()}")


@contextmanager
def window(browser: Browser, app: App, **options: object) -> Iterator[BrowserContext]:
    """A browser window that was let in. Whatever its pages ask for is on this machine.

    Nothing may go wrong on a page unseen: what its scripts throw fails the test.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(PATIENCE)
    asked: list[str] = []
    faults: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    try:
        context.new_page().goto(app.entrance)
        yield context
    finally:
        context.close()
    own = urlsplit(app.base).netloc
    strangers = [a for a in asked if not a.startswith("blob:") and urlsplit(a).netloc != own]
    assert strangers == []
    assert faults == []


def serious(page: Page) -> list[tuple[str, str]]:
    """What axe-core finds on a page that keeps people out."""
    problems = Axe().run(page).response["violations"]
    return [
        (p["id"], p["nodes"][0]["html"][:200])
        for p in problems
        if p["impact"] in ("serious", "critical")
    ]

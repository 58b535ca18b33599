"""The app and a browser for all tests of the page.

Skipped where there is no chromium or where the page is not built (`make web`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
from browsing import NAMES, PATIENCE, SWITCHES, App, running, window
from cable import Cable

from pilotlight.server.page import is_built


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All or nothing: a page that is not built cannot be looked at."""
    if not is_built():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="the page is not built: make web"))


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[App]:
    """One app for all tests that need nothing special."""
    with running(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture(scope="session")
def behind(tmp_path_factory) -> Iterator[tuple[App, Cable]]:
    """An app behind a proxy, with a prefix, and the cable between, which can be cut."""
    prefix = "/hub/user/me"
    options = ("--root-path", prefix, "--allow-host", "127.0.0.1")
    with running(tmp_path_factory.mktemp("behind"), *options) as direct:
        parts = urlsplit(direct.entrance)
        with Cable(parts.port or 0) as cable:
            base = f"http://127.0.0.1:{cable.port}{parts.path}"
            yield App(base, f"{base}?{parts.query}", direct.folder), cable


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has a window of its own."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs a chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium, app) -> Iterator[BrowserContext]:
    """A window at the app."""
    with window(chromium, app) as opened:
        yield opened


@pytest.fixture
def page(context) -> Page:
    """Its first tab, on the map."""
    return context.pages[0]

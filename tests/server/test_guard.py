"""Nobody gets in without the token, from another site, or by a name that is not ours."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from serving import serving

from pilotlight.server.guard import CSP, Guard, Keys
from pilotlight.server.routes import ROUTES, application

EVERY = [
    (method, re.sub(r"{\w+(:path)?}", "one", route.path))
    for route in ROUTES
    for method in sorted(route.methods - {"HEAD"})
]
"""Method and address of all that can be asked for, from the server's own table."""


@pytest.fixture(scope="module")
def asked(served):
    """Ask for everything in turn; returns the statuses and all problems that were told."""

    def ask(cookie="right", **headers):
        right = {"right": f"{served.keys.cookie}={served.keys.session}"}
        sent = {name.capitalize(): value.encode() for name, value in headers.items()}
        if cookie:
            sent["Cookie"] = right.get(cookie, cookie).encode()
        statuses, told = set(), set()
        with httpx.Client(base_url=served.client.base_url) as browser:
            for method, path in EVERY:
                answer = browser.request(method, path, headers=sent)
                statuses.add(answer.status_code)
                told |= set(answer.json()["problems"])
        return statuses, " ".join(told)

    return ask


def test_the_table_is_whole(laboratory):
    assert application(laboratory, Keys(1)).routes == ROUTES
    assert len(EVERY) >= 45
    assert {("GET", "/api/events"), ("POST", "/api/runs"), ("GET", "/one")} <= set(EVERY)
    assert ("GET", "/api/runs/one/predictions/one/file") in EVERY


def test_without_the_cookie_nothing_is_told_or_done(asked):
    statuses, told = asked(cookie="")
    assert statuses == {401}
    assert "holds the token" in told


@pytest.mark.parametrize(
    "cookie", ["{cookie}={token}", "{cookie}=ü", "{cookie}=", "pilotlight-1={session}", "x"]
)
def test_with_a_wrong_cookie_neither(cookie, asked, served):
    keys = served.keys
    sent = cookie.format(cookie=keys.cookie, token=keys.token, session=keys.session)
    assert asked(cookie=sent)[0] == {401}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:80", "localhost.evil"]
)
def test_under_another_name_neither_though_the_cookie_is_right(host, asked, served):
    statuses, told = asked(host=host.format(port=served.keys.port))
    assert statuses == {403}
    assert "does not know itself by that name" in told


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "https://evil.example:{port}", "x"],
)
def test_from_a_page_of_another_site_neither_though_the_cookie_is_right(origin, asked, served):
    statuses, told = asked(origin=origin.format(port=served.keys.port))
    assert statuses == {403}
    assert "another site" in told


@pytest.mark.parametrize("host", ["localhost", "[::1]", "LOCALHOST"])
def test_under_its_own_names_it_answers(host, served):
    named = f"{host}:{served.keys.port}"
    headers = {"Host": named, "Origin": f"http://{named}"}
    assert served.client.get("/api/app", headers=headers).status_code == 200


@pytest.fixture
def stranger(served):
    """A browser that was not let in."""
    with httpx.Client(base_url=served.client.base_url) as browser:
        yield browser


@pytest.fixture
def keys(served):
    """The token and the cookie."""
    return served.keys


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(stranger, keys):
    answer = stranger.get(f"/lab/momentum?rate=0.1&token={keys.token}&seeds=3")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/lab/momentum?rate=0.1&seeds=3",
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"pilotlight-{keys.port}={keys.session}; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert keys.token not in cookie
    stranger.cookies.set(keys.cookie, keys.session)
    assert stranger.get("/api/app").status_code == 200


def test_the_exchange_leads_nowhere_else(stranger, keys):
    for path in ("//evil.example/", "/%2f%2fevil.example", "/\\evil.example"):
        where = stranger.get(f"{path}?token={keys.token}").headers.get("location", "/")
        assert not where.startswith(("//", "/\\", "http"))


def test_a_wrong_token_is_refused(stranger):
    assert stranger.get("/?token=wrong").status_code == 401
    assert stranger.get("/?token=").status_code == 401


def test_a_person_who_is_refused_gets_a_page(stranger):
    answer = stranger.get("/lab/momentum", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 401
    assert "pilotlight app" in answer.text
    assert '<a href="">' in answer.text  # a link from another site brings no cookie, this one does


@pytest.mark.parametrize("path", ["/api/app", "/nowhere.js", "/api/runs/no"])
def test_every_answer_says_what_a_browser_may_do_with_it(path, stranger, served):
    for answer in (stranger.get(path), served.client.get(path)):
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_the_policy_allows_no_other_host():
    allowed = {word for part in CSP.split(";") for word in part.split()[1:]}
    assert allowed <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
    assert "script-src 'self';" in CSP


def test_web_sockets_are_closed():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(Guard(None, Keys(1))(scope, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_fault_of_ours_is_said_and_the_server_lives_on(client, laboratory, monkeypatch, capsys):
    monkeypatch.setattr(laboratory.shelf, "all", lambda: 1 / 0)
    answer = client.get("/api/runs")
    assert answer.status_code == 500
    assert "Pilotlight itself" in answer.json()["problems"][0]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert "ZeroDivision" not in answer.text
    assert client.get("/api/app").status_code == 200


PREFIX = "/user/me/proxy/8766"


@pytest.fixture
def behind(laboratory):
    """Behind a proxy that is known to browsers by a name and puts a prefix before all addresses."""
    with serving(laboratory, root_path=PREFIX, allowed=["hub.example.org"]) as (browser, keys):
        browser.headers["Host"] = "hub.example.org"
        yield browser, keys


@pytest.mark.parametrize("kept", [PREFIX, ""], ids=["prefix kept", "prefix taken off"])
def test_behind_a_proxy_that_keeps_the_prefix_or_takes_it_off(kept, behind):
    browser, keys = behind
    entry = browser.get(f"{kept}/lab/adam?token={keys.token}")
    assert entry.headers["location"] == f"{PREFIX}/lab/adam"
    assert f"Path={PREFIX}/" in entry.headers["set-cookie"]
    browser.cookies.clear()
    origin = {"Origin": "https://hub.example.org"}
    own = {"Cookie": f"{keys.cookie}={keys.session}"}
    asked = f"{kept}/api/app"
    assert browser.get(asked, headers=own | origin).status_code == 200
    assert browser.get(asked, headers=origin).status_code == 401
    other = "other.example.org"
    assert browser.get(asked, headers=own | {"Origin": f"https://{other}"}).status_code == 403
    assert browser.get(asked, headers=own | {"Host": other}).status_code == 403


def test_the_address_that_is_printed_lets_in():
    keys = Keys(8766, PREFIX)
    assert keys.address == f"http://127.0.0.1:8766{PREFIX}/?token={keys.token}"
    assert len(keys.token) >= 32
    assert Keys(1).token != Keys(1).token

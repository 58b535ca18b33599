"""The page: index.html for its addresses, files as they are, words where it is not built."""

from __future__ import annotations

import pytest
from serving import let_in, serving

from pilotlight.server import page


@pytest.fixture
def built(tmp_path, monkeypatch):
    home = tmp_path / "page"
    (home / "assets").mkdir(parents=True)
    (home / "index.html").write_text("<!doctype html><head><title>x</title></head>")
    (home / "assets" / "app-1a2b.js").write_text("let a")
    (home / "icon.svg").write_text("<svg/>")
    monkeypatch.setattr(page, "HOME", home)


@pytest.mark.parametrize("path", ["/", "/lab/momentum", "/runs/x.y?seeds=3", "/practice/adam"])
def test_every_address_of_the_page_is_the_page(path, built, client):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert '<head><base href="/">' in answer.text


def test_below_a_prefix_the_page_knows_where_it_is(built, laboratory):
    with serving(laboratory, root_path="/a/<b>") as (browser, keys):
        text = let_in(browser, keys).get("/lab/momentum").text
    assert '<base href="/a/&lt;b&gt;/">' in text


def test_files_are_sent_as_they_are(built, client):
    script = client.get("/assets/app-1a2b.js")
    assert script.text == "let a"
    assert "javascript" in script.headers["content-type"]
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/icon.svg").headers["cache-control"] == "no-cache"
    assert client.get("/assets/old.js").status_code == 404
    assert client.get("/index.html").text.startswith("<!doctype html><head><base")


def test_without_the_page_it_is_said_what_to_do(client, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "HOME", tmp_path / "nothing")
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text
    assert client.get("/api/app").json()["page"] is False

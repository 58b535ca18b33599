"""`pilotlight app`: what is typed is checked before anything is served."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from pilotlight.cli import main


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--port", "99999"], "--port 99999: a port is a number from 1 to 65535."),
        (["--root-path", "a/b"], "--root-path a/b: it begins with /"),
        (["./no_lab.py"], "there is no such file"),
        (["momentum"], "momentum"),
    ],
)
def test_wrong_use_is_said(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["app", "--no-browser", *typed]) == 2
    assert said in capsys.readouterr().err


def test_all_that_is_wrong_is_said_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("a file")
    assert main(["app", "--no-browser", "--port", "-1", "--root-path", "a"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_port_that_is_taken_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--no-browser", "--port", str(port)]) == 2
    assert "Leave it out, and a free one is found." in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process there")
def test_it_prints_an_address_that_answers_and_ends_at_ctrl_c(tmp_path):
    typed = [sys.executable, "-m", "pilotlight", "app", "--no-browser", "--port", "0"]
    with subprocess.Popen(typed, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            address = re.fullmatch(r"Pilotlight is at (http://127.0.0.1:\d+/\?token=\S+)\n", line)
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            host = address[1].partition("/?")[0]
            with opener.open(address[1].replace("/?", "/api/app?"), timeout=60) as answer:
                assert b'"version"' in answer.read()
            with opener.open(f"{host}/api/labs", timeout=60) as answer:
                assert b"momentum" in answer.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()

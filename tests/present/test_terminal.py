"""The summary: 80 columns, no colour when piped, nothing missing, nothing read as markup."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from pilotlight.core.report import Report
from pilotlight.present import terminal

KINDS = ["statistical", "exact", "exploring", "stopped", "hostile"]


def piped(report: Report, encoding: str = "utf-8") -> str:
    """What arrives at the other end of a pipe."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    Console(file=file, width=80).print(terminal.summary(report))
    file.flush()
    return raw.getvalue().decode(encoding)


def flat(text: str) -> str:
    """With every run of blanks as one."""
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_piped_it_has_80_columns_and_no_colour(kind, request):
    text = piped(request.getfixturevalue(kind))
    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_does_not_apply_is_shown(kind, request):
    text = piped(request.getfixturevalue(kind))
    assert not re.search(r"\b(nan|none|null|inf)\b", text, re.IGNORECASE)


def test_each_claim_has_verdict_effect_interval_p_seeds_and_scope(statistical: Report):
    text = piped(statistical)
    first = next(line for line in text.splitlines() if line.startswith("supported"))
    assert re.search(r"At a small rate.* \+0\.201 accuracy +< 0\.0001 +5", first)
    assert "0.152 to 0.251" in text
    assert "99.67 % interval" in text
    assert text.count("Scope: digits 8x8, 1,078 rows for training, MLP 64-64-10") == 1
    assert "momentum: Does momentum need fewer steps, and why?" in text
    assert "15 networks in 3 comparisons, 3.7 seconds" in text
    assert "as expected" in text
    assert "not as expected" in text
    assert "(undecided)" in text


def test_scopes_that_differ_stand_with_their_claims(statistical: Report):
    first, *others = statistical.claims
    claims = (replace(first, scope="two moons"), *others)
    text = piped(replace(statistical, claims=claims))
    assert "Scope: two moons" in text
    assert text.count("Scope:") == 3


def test_exhibits_notes_and_the_page_follow(statistical: Report, exact: Report):
    text = flat(piped(statistical))
    assert "2 of 2 exhibits passed" in text
    assert "passed The update equals torch.optim.SGD. 0 1e-12" in text
    assert "- 1 network diverged: larger_step, seed 1002, at step 102." in text
    assert "- 1 of 5 networks of larger_step diverged and counts" in text
    assert "Report: runs/momentum-20250131-8c1f/report.html" in text
    assert "failed It has a left inverse. not finite 1e-6" in flat(piped(exact))


def test_a_run_for_exploring_says_why(exploring: Report):
    text = flat(piped(exploring))
    assert "For exploring: no verdict. Why: 1 seed instead of 12; rate was changed" in text
    assert text.count("no interval") == 3
    assert "supported" not in text


def test_a_stopped_run_says_how_to_go_on(stopped: Report):
    text = flat(piped(stopped))
    assert "was stopped before its end" in text
    assert "To go on: pilotlight run --resume runs/momentum-20250131-8c1f" in text


def test_brackets_are_text_and_not_markup(statistical: Report):
    text = piped(replace(statistical, question="[bold]Is [0, 1] closed?[/bold]"))
    assert "[bold]Is [0, 1] closed?[/bold]" in text


def test_what_the_stream_cannot_write_becomes_a_question_mark(hostile: Report):
    text = piped(hostile, "ascii")
    assert "? ? ?? & $x_1$" in text


def test_in_a_terminal_the_verdict_has_a_colour(statistical: Report):
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    console.print(terminal.summary(statistical))
    assert "\x1b[1;32msupported" in file.getvalue()


def test_a_long_folder_is_folded_but_whole(statistical: Report):
    long = "runs/" + "a-long-name-" * 12
    text = piped(replace(statistical, run=long))
    assert f"{long}/report.html" in re.sub(r"\s", "", text)


def test_the_terminal_needs_no_matplotlib():
    import subprocess

    code = "import sys, pilotlight.present.terminal\nsys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""`pl.check` in a cell."""

from __future__ import annotations

import pytest

import pilotlight as pl


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def momentum_step(weight, gradient, velocity, rate, momentum):
    velocity.mul_(momentum).add_(gradient)
    weight.sub_(rate * velocity)


def test_what_passes_says_what_was_shown():
    view = pl.check("momentum", momentum_step)
    assert view.passed
    assert repr(view).startswith("All 6 checks of momentum passed.\n\nOne step\n  passed ")


def test_what_fails_is_message_first():
    def late(weight, gradient, velocity, rate, momentum):
        weight.sub_(rate * velocity)
        velocity.mul_(momentum).add_(gradient)

    view = pl.check("momentum", late)
    assert not view.passed
    assert "The weight moves by the old velocity" in repr(view)


def test_a_wrong_name_is_one_line():
    with pytest.raises(ValueError, match="Did you mean 'momentum'") as caught:
        pl.check("momentun", momentum_step)
    assert len(vars(caught.value)["_render_traceback_"]()) == 1

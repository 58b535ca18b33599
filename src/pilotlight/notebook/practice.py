"""`pl.check`: the checks of an exercise, on what a cell has defined."""

from __future__ import annotations

from typing import Any

from pilotlight.app.practising import Checked, check_here
from pilotlight.notebook.running import told_briefly
from pilotlight.present.practice import verdict_text


class CheckView:
    """What the checks say, as text; `passed` for a program to read."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    @property
    def passed(self) -> bool:
        """All checks ran and passed."""
        return self.checked.verdict.passed

    def __repr__(self) -> str:
        return verdict_text(self.checked.verdict)


@told_briefly()
def check(exercise: str, *answers: Any) -> CheckView:
    """Check what you wrote in a cell: `pl.check("momentum", momentum_step)`.

    It runs in this kernel, so without limits of time and memory: the interrupt button stops it.

    Args:
        exercise: its name; `pilotlight practice` lists them.
        answers: the function or class that the exercise asks for; several in its order.

    Raises:
        UsageError: an unknown name, or not what the exercise asks for.
    """
    return CheckView(check_here(exercise, *answers))

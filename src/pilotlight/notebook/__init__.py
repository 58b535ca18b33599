"""Pilotlight in a notebook: a bar that redraws in place, a table, a plot."""

import random

_STATE = random.getstate()  # rich draws a number when it is imported; a person's seed is theirs

from pilotlight.notebook.display import Bar  # noqa: E402
from pilotlight.notebook.running import open_run, run  # noqa: E402
from pilotlight.notebook.view import RunView  # noqa: E402

random.setstate(_STATE)

__all__ = ["Bar", "RunView", "open_run", "run"]

"""Pilotlight in a notebook: a bar that redraws in place, a table, a plot."""

from pilotlight.notebook.display import Bar
from pilotlight.notebook.running import open_run, run
from pilotlight.notebook.view import RunView

__all__ = ["Bar", "RunView", "open_run", "run"]

"""The command line: words in, text out."""

from pilotlight.cli.entry import main

__all__ = ["main"]

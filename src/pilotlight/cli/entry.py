"""The way in and out: arguments to a command, its result or its error to an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError
from cyclopts.exceptions import CoercionError, UnusedCliTokensError

from pilotlight.cli.codes import FINE, STOPPED, WRONG_USE
from pilotlight.cli.commands import app
from pilotlight.cli.text import tell
from pilotlight.core.errors import PilotlightError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; `argv` is without the program's name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old console may lack a character
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        _tell("stopped.")
        return STOPPED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except PilotlightError as error:
        _tell(*error.problems)
        return WRONG_USE
    except CycloptsError as error:
        _tell(_parse_problem(error))
        return WRONG_USE
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pilotlight"):
            raise
        _tell(f"the package {error.name!r} is missing. `pilotlight doctor` says what to do.")
        return WRONG_USE
    return code


def _run(argv: list[str]) -> int:
    command, bound, _ = app.parse_args(argv, exit_on_error=False, print_error=False)
    return int(command(*bound.args, **bound.kwargs) or FINE)


def _tell(*problems: str) -> None:
    tell(*(f"pilotlight: {problem}" for problem in problems))


def _parse_problem(error: CycloptsError) -> str:
    """What is wrong with the words typed, in one line."""
    error.verbose = False
    text = str(error)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        text = f"there is nothing that takes {' '.join(error.unused_tokens)!r} here."
    elif isinstance(error, CoercionError) and error.target_type is int and error.token:
        text = f"{error.token.keyword} {error.token.value}: a whole number is needed."
    if "Did you mean" in text:
        return text
    return f"{text} See: {' '.join(['pilotlight', *(error.command_chain or ()), '--help'])}"

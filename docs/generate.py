"""Write what is generated from the code, or check that it is in step.

python docs/generate.py            write the lists, commands.md, quickstart.ipynb and the tree
python docs/generate.py --check    exit 1 and name what is not in step
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jupytext
import nbformat
from cyclopts import App
from rich.console import Console
from typescript import types_page

from pilotlight.cli.commands import app
from pilotlight.labs.catalogue import Entry, entries
from pilotlight.practice import catalogue as practice
from pilotlight.present.words import count, seconds

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made by docs/generate.py. Change the code, then say: make docs -->"


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write all documents, or with --check name those that are not in step."""
    check = list(arguments) == ["--check"]
    if arguments and not check:
        print(f"docs/generate.py takes --check or nothing, not {' '.join(arguments)}.")
        return 2
    stale = [(path, text) for path, text in documents(root) if _found(path) != text]
    for path, text in stale:
        print(f"{path.relative_to(root)} is {'not in step: make docs' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return int(check and bool(stale))


def documents(root: Path) -> Iterator[tuple[Path, str]]:
    """Each generated file and what it should hold."""
    docs, architecture = root / "docs", root / "ARCHITECTURE.md"
    yield docs / "commands.md", commands_page(app)
    yield docs / "labs.md", labs_page(entries())
    yield docs / "practice.md", practice_page(practice.entries())
    yield docs / "quickstart.ipynb", notebook(_read(docs / "quickstart.py"))
    yield root / "web" / "src" / "lib" / "types.ts", types_page()
    yield architecture, between_marks(_read(architecture), tree(root))


def _found(path: Path) -> str | None:
    return _read(path) if path.exists() else None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# Commands


def commands_page(app: App) -> str:
    """All commands with their options, from their own help."""
    names = [name for name in app if not name.startswith("-")]
    parts = ["# Commands", NOTE, *_help_parts(app, [])]
    for name in names:
        parts += [f"## {name}", *_help_parts(app, [name])]
    return "\n\n".join(parts) + "\n"


def _help_parts(app: App, tokens: list[str]) -> list[str]:
    """One help text as Markdown: its sections become lists."""
    file = io.StringIO()
    app.help_print(tokens, console=Console(file=file, width=10_000, color_system=None))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    return ["\n".join(_markdown(lines)).strip()]


def _markdown(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        name, colon, text = line.strip().partition(": ")
        if line.startswith("  ") and colon:
            yield f"- `{name}`: {text}"
        elif name in ("Usage", "Example"):
            yield f"{name}: `{text}`"
        elif re.fullmatch(r"\w+:", line):  # a section, such as "Parameters:"
            yield from (f"**{line[:-1]}**", "")
        else:
            yield line


# Labs

LAB_HEADS = ("lab", "question", "week", "needs", "time", "expected")


def labs_page(found: Sequence[Entry]) -> str:
    """A table of labs for each area."""
    intro = (
        "Each lab is one file and one question. `pilotlight show NAME` tells all about it, "
        "`pilotlight run NAME` runs it. Time is that of a full run on two cores, at most. "
        "Expected is what full runs gave: verdicts of claims, and exact demonstrations."
    )
    parts = ["# Labs", NOTE, intro]
    for area in dict.fromkeys(entry.area for entry in found):
        rows = [_lab_row(entry) for entry in found if entry.area == area]
        parts += [f"## {area[:1].upper()}{area[1:]}", _table(LAB_HEADS, rows)]
    return "\n\n".join(parts) + "\n"


def _lab_row(entry: Entry) -> list[str]:
    verdicts = Counter(entry.expected.values())
    expected = [f"{number} {verdict}" for verdict, number in verdicts.items()]
    if entry.exhibits:
        expected.append(count(len(entry.exhibits), "exhibit"))
    file = f"../src/pilotlight/labs/{entry.path.parent.name}/{entry.path.name}"
    return [
        f"[{entry.name}]({file})",
        entry.question,
        str(entry.week or ""),
        ", ".join(entry.needs),
        seconds(entry.seconds),
        ", ".join(expected),
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_line(cells) for cells in (heads, ["---"] * len(heads), *rows))


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


# Practice

EXERCISE_HEADS = ("exercise", "what it is", "needs", "time", "known mistakes", "lab")


def practice_page(found: Sequence[practice.Entry]) -> str:
    """A table of exercises for each area."""
    intro = (
        "Each exercise is something to write, with checks that know the usual mistakes. "
        "`pilotlight practice NAME` begins one, `pilotlight check NAME` checks it. Time is what a "
        "learner may need. The lab shows what it is good for."
    )
    mistakes = sum(entry.mistakes for entry in found)
    total = f"{count(len(found), 'exercise')}, {count(mistakes, 'known mistake')}."
    parts = ["# Practice", NOTE, intro, total]
    for area in dict.fromkeys(entry.area for entry in found):
        rows = [_exercise_row(entry) for entry in found if entry.area == area]
        parts += [f"## {area[:1].upper()}{area[1:]}", _table(EXERCISE_HEADS, rows)]
    return "\n\n".join(parts) + "\n"


def _exercise_row(entry: practice.Entry) -> list[str]:
    return [
        f"[{entry.name}](../src/pilotlight/practice/exercises/{entry.file})",
        entry.title,
        ", ".join(entry.needs),
        f"{entry.minutes} min",
        str(entry.mistakes),
        entry.lab,
    ]


# Notebook


def notebook(script: str) -> str:
    """A notebook without outputs from a script in jupytext's percent format."""
    made = jupytext.reads(script.replace("  # noqa: B018", ""), fmt="py:percent")
    made.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(made.cells, 1):
        cell["id"] = f"cell-{number}"  # drawn at random otherwise
    return str(nbformat.writes(made, version=4)) + "\n"


# Tree


def tree(root: Path) -> str:
    """Rooms from the top layer down, their modules, and the first sentence of each docstring."""
    settings = tomllib.loads(_read(root / "pyproject.toml"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    package = root / "src" / "pilotlight"
    lines: list[str] = []
    for room in (room.strip() for layer in layers for room in layer.split("|")):
        for path in sorted((package / room).rglob("*.py"), key=_folders_first):
            parts = path.relative_to(package).parts
            name = f"**{'/'.join(parts[:-1])}/**" if _is_room(path) else f"`{parts[-1]}`"
            indent = "  " * (len(parts) - (2 if _is_room(path) else 1))
            lines.append(f"{indent}- {name} {_first_sentence(path)}")
    return "\n".join(lines)


def _is_room(path: Path) -> bool:
    return path.name == "__init__.py"


def _folders_first(path: Path) -> tuple[str, ...]:
    """A folder's own line stands before those of what is in it."""
    return (*path.parts[:-1], "" if _is_room(path) else path.name)


def _first_sentence(path: Path) -> str:
    paragraph = (ast.get_docstring(ast.parse(_read(path))) or "").partition("\n\n")[0]
    return re.split(r"(?<=[.?])\s", " ".join(paragraph.split()), maxsplit=1)[0]


def between_marks(page: str, text: str) -> str:
    """The page with `text` between its two marks.

    Raises:
        ValueError: it lacks them.
    """
    first, last = "<!-- tree -->\n", "<!-- /tree -->"
    head, found, rest = page.partition(first)
    _, ended, tail = rest.partition(last)
    if not (found and ended):
        raise ValueError(f"ARCHITECTURE.md lacks the marks {first.strip()} and {last}.")
    return f"{head}{first}{text}\n{last}{tail}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What labs there are, read from their files as text: no lab is imported, torch is not touched.

`entries` and `find` read the docstring and the literal fields of `lab = Lab(...)` from the file's
syntax tree, so that a list or a help text appears at once. `load` imports one lab for use.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from pilotlight.core.errors import PilotlightError, UsageError, raise_all, unknown
from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Lab
from pilotlight.core.needs import depth
from pilotlight.core.parsing import parse

HOME = Path(__file__).parent
_VERDICTS = {"SUPPORTED": SUPPORTED, "REFUTED": REFUTED, "UNDECIDED": UNDECIDED}


@dataclass(frozen=True)
class Entry:
    """One lab as its file tells it.

    `seconds` is the declared time of a full run; `expected` maps claim id to expected verdict;
    `exhibits` are the names of its exact demonstrations; `text` is the lab's text, empty when it
    is not written as a literal.
    """

    name: str
    area: str
    week: int
    needs: tuple[str, ...]
    question: str
    systems: tuple[int, ...]
    seconds: float
    expected: Mapping[str, str]
    path: Path
    text: str = ""
    seeds: int = 12
    exhibits: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The documented fields, in order."""
        return {
            "name": self.name,
            "area": self.area,
            "week": self.week,
            "needs": list(self.needs),
            "question": self.question,
            "systems": list(self.systems),
            "seconds": self.seconds,
            "expected": dict(self.expected),
        }


def entries(unreadable: list[str] | None = None) -> list[Entry]:
    """All labs, by week; within a week what a lab needs comes before it.

    With a list given, what is wrong with files that cannot be read is added to it.

    Raises:
        UsageError: all lab files that cannot be read, at once, where no list was given.
    """
    found: list[Entry] = []
    problems: list[str] = []
    for path in files():
        try:
            found.append(_read(path))
        except UsageError as error:
            problems += error.problems
    if unreadable is None:
        raise_all(problems)
    else:
        unreadable += problems
    needs = {entry.name: entry.needs for entry in found}
    return sorted(found, key=lambda e: (e.week, depth(e.name, needs), e.name))


def find(name_or_path: str) -> Entry:
    """The lab of this name, or the lab in this file.

    Raises:
        UsageError: an unknown name, or a file that cannot be read as a lab.
    """
    if is_path(name_or_path):
        return _read(Path(name_or_path))
    known = {name_of(path): path for path in files()}
    if name_or_path not in known:
        hint = "A lab of your own is named by its file, as in ./my_lab.py."
        raise UsageError(f"{unknown('lab', name_or_path, known)} {hint}")
    return _read(known[name_or_path])


def is_path(name_or_path: str) -> bool:
    """Whether this is the path of a lab file, not the name of a lab."""
    return name_or_path.endswith(".py") or any(s and s in name_or_path for s in (os.sep, os.altsep))


def load(name_or_path: str) -> Lab:
    """Import the lab of this name, or in this file, and tell it its name, question and source.

    Raises:
        UsageError: as `find`; or a person's file fails when it is run; or its `lab` is not a Lab.
    """
    entry = find(name_or_path)
    path = entry.path.resolve()
    own = path.is_relative_to(HOME.resolve())
    module = _import_own(path) if own else _import_file(path, entry.path)
    lab = getattr(module, "lab", None)
    if not isinstance(lab, Lab):
        raise UsageError(f"{entry.path}: `lab` is of type {type(lab).__name__}, not a Lab.")
    return replace(lab, name=entry.name, question=entry.question, source=str(path))


def files() -> list[Path]:
    """The files of all labs of the package."""
    return sorted(path for path in HOME.glob("*/*.py") if not path.name.startswith("_"))


def name_of(path: Path) -> str:
    """The name of the lab in a file."""
    return path.stem.replace("_", "-")


# Reading a file as text


def _read(path: Path) -> Entry:
    tree = _parse(path)
    call = _lab_call(tree)
    if call is None:
        raise UsageError(f"{path}: no `lab = Lab(...)` at the top level of the file.")
    question = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    if not question:
        raise UsageError(f"{path}: no docstring. Its first line is the question that the lab asks.")
    keywords = _keywords(call)
    fields, problems = _fields(call)
    expected, more = _expected(keywords.get("claims"))
    raise_all([f"{path}, {problem}" for problem in problems + more])
    return Entry(
        name=name_of(path),
        question=question,
        expected=expected,
        path=path,
        text=_literal(keywords.get("text"), ""),
        exhibits=_names(keywords.get("exhibits")),
        **fields,
    )


def _parse(path: Path) -> ast.Module:
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name the lab file in it.")
    try:
        return parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except SyntaxError as error:
        where = f"{path}, line {error.lineno}" if error.lineno else str(path)
        code = f": {error.text.strip()}" if error.text else ""
        raise UsageError(f"{where}: {error.msg}{code}") from None


def _lab_call(tree: ast.Module) -> ast.Call | None:
    """The call in the last top-level `lab = Lab(...)`."""
    for statement in reversed(tree.body):
        match statement:
            case ast.Assign([ast.Name("lab")], value) | ast.AnnAssign(ast.Name("lab"), _, value):
                return value if _calls(value, "Lab") else None
    return None


def _calls(node: ast.expr | None, word: str) -> TypeGuard[ast.Call]:
    """Whether it is `word(...)` or `pl.word(...)`."""
    return isinstance(node, ast.Call) and _word(node.func) == word


def _word(node: ast.expr) -> str:
    """The last word of a name: `Lab` of `Lab` and of `pl.Lab`."""
    match node:
        case ast.Name(word) | ast.Attribute(_, word):
            return word
    return ""


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _literal(node: ast.expr | None, otherwise: Any) -> Any:
    try:
        return otherwise if node is None else ast.literal_eval(node)
    except ValueError:
        return otherwise


def _all(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(isinstance(v, kind) for v in value)


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "area": ("a text", lambda value: isinstance(value, str)),
    "week": ("a whole number", lambda value: isinstance(value, int)),
    "needs": ("a list of names of labs", _all(str)),
    "systems": ("a list of whole numbers", _all(int)),
    "seconds": ("a number", lambda value: isinstance(value, int | float)),
    "seeds": ("a whole number", lambda value: isinstance(value, int)),
}
_DEFAULTS: dict[str, Any] = {"week": 0, "needs": (), "systems": (), "seeds": 12}


def _fields(call: ast.Call) -> tuple[dict[str, Any], list[str]]:
    """The literal fields of the entry, and what is wrong with them."""
    values, problems = dict(_DEFAULTS), list[str]()
    keywords = _keywords(call)
    for name, (words, fits) in _FIELDS.items():
        if name in keywords:
            line, value = keywords[name].lineno, _literal(keywords[name], None)
            values[name] = tuple(value) if isinstance(value, list) else value
            if not fits(value):
                problems.append(f"line {line}: write {name} out as {words}; it is read as text.")
        elif name not in _DEFAULTS:
            problems.append(f"line {call.lineno}: Lab(...) lacks {name}: {words}.")
    return values, problems


def _expected(claims: ast.expr | None) -> tuple[dict[str, str], list[str]]:
    """Claim id to expected verdict; claims that are not written out are left out."""
    expected: dict[str, str] = {}
    problems: list[str] = []
    for name, claim in _items(claims):
        if not _calls(claim, "Claim"):
            continue
        node = _keywords(claim).get("expected")
        verdict = UNDECIDED if node is None else _literal(node, _VERDICTS.get(_word(node)))
        if verdict in _VERDICTS.values():
            expected[name] = verdict
        else:
            allowed = ", ".join(_VERDICTS)
            problems.append(f"line {claim.lineno}: claim {name!r}: expected is one of {allowed}.")
    return expected, problems


def _items(node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    """What `dict(a=...)` or `{"a": ...}` holds."""
    if _calls(node, "dict"):
        yield from _keywords(node).items()
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), value


def _names(node: ast.expr | None) -> tuple[str, ...]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return tuple(word for element in elements if (word := _word(element)))


# Importing a lab


def _import_own(path: Path) -> ModuleType:
    return importlib.import_module(f"pilotlight.labs.{path.parent.name}.{path.stem}")


def _import_file(path: Path, shown: Path) -> ModuleType:
    """Run a person's file as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"lab_{path.stem}", path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    # Compiled here: Python's own cache takes an edit within the same second for the old file.
    code = compile(path.read_bytes(), str(path), "exec")
    try:
        with _beside(path):
            exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        raise UsageError(_told(error, path, shown)) from error
    return module


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Modules that lie beside the file can be imported, as they could by `python my_lab.py`."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        sys.path.remove(str(path.parent))


def _told(error: BaseException, path: Path, shown: Path) -> str:
    """One line: the file, the line of it where things went wrong, and what happened."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next(f.lineno for f in reversed(frames) if f.filename == str(path))
    what = " ".join(str(error).split())
    kind = "" if isinstance(error, PilotlightError) else type(error).__name__ + ": "
    return f"{shown}, line {line}: {kind}{what}"

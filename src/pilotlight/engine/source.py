"""Gather the source of a few functions and of all they need, so that it stands alone.

Works on the text of modules (by `ast`), never on live objects: what comes from this package is
copied in, what comes from elsewhere is imported.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pilotlight import HOMES
from pilotlight.core.errors import LabError

PACKAGE = "pilotlight"


@dataclass(frozen=True)
class Module:
    """One module as text: what it defines at its top, and what it imports, by name."""

    text: str
    definitions: dict[str, ast.stmt]
    imports: dict[str, tuple[str, str | None]]  # name -> (module, name in it; None for a module)

    def segment(self, node: ast.AST) -> str:
        """The text of a node as it was written."""
        return ast.get_source_segment(self.text, node, padded=False) or ast.unparse(node)


@cache
def module_at(path: str) -> Module:
    """Read the module in a file."""
    text, imports = _without_package_name(Path(path).read_text(encoding="utf-8"))
    definitions: dict[str, ast.stmt] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign):
            names = [n for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            definitions.update({n.id: node for n in names if isinstance(n.ctx, ast.Store)})
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            definitions[node.target.id] = node
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            imports.update({a.asname or a.name: _home(node.module, a.name) for a in node.names})
        elif isinstance(node, ast.Import):
            imports.update({a.asname or a.name.split(".")[0]: (a.name, None) for a in node.names})
    return Module(text, definitions, imports)


def _home(module: str | None, name: str) -> tuple[str, str | None]:
    """Where a name really is: the package's public names live in its rooms."""
    return (HOMES[name] if module == PACKAGE and name in HOMES else module or ""), name


def _without_package_name(text: str) -> tuple[str, dict[str, tuple[str, str | None]]]:
    """`pl.mlp` as `mlp`, where a file says `import pilotlight as pl`; and whence each comes."""
    tree = ast.parse(text)
    aliases = {
        a.asname or a.name
        for node in tree.body
        if isinstance(node, ast.Import)
        for a in node.names
        if a.name == PACKAGE
    }
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in aliases
        and node.attr in HOMES
    ]
    lines = text.encode().splitlines(keepends=True)  # positions in the tree count bytes
    for node in sorted(found, key=lambda n: (n.lineno, n.col_offset), reverse=True):
        line, end = lines[node.lineno - 1], node.end_col_offset or 0
        lines[node.lineno - 1] = line[: node.col_offset] + node.attr.encode() + line[end:]
    return b"".join(lines).decode(), {n.attr: (HOMES[n.attr], n.attr) for n in found}


def path_of(module: str) -> str:
    """The file of a module of this package."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def resolve(path: str, name: str) -> tuple[str, str]:
    """Follow imports of this package's names to the file that defines them."""
    while (found := module_at(path).imports.get(name)) and found[0].split(".")[0] == PACKAGE:
        path, name = path_of(found[0]), found[1] or name
    return path, name


@dataclass
class Gathered:
    """Imports and definitions, in an order in which each stands after what it needs."""

    imports: set[tuple[str, str | None, str]] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, name: str) -> str:
        """Take in one name and all it needs; returns the name it goes by.

        Raises:
            LabError: two files define it, and not the same.
        """
        asked = name
        path, name = resolve(path, name)
        module = module_at(path)
        if name in module.imports:
            source, own = module.imports[name]
            self.imports.add((source, own, name))
        elif name in module.definitions:
            if self.origins.setdefault(name, path) != path:
                raise LabError(f"No plain script: {name} is defined twice; rename yours.")
            if name not in self.definitions:
                self._define(path, name)
            if asked != name:  # imported under another name
                self.definitions[asked] = f"{asked} = {name}"
        return name

    def _define(self, path: str, name: str) -> None:
        module = module_at(path)
        node = module.definitions[name]
        self.definitions[name] = ""  # so that a function may call itself
        self.add_names(path, node)
        del self.definitions[name]
        text = _text(module, node)
        # `A, B = 1, 2` defines both, and is written once
        self.definitions[name] = "" if text in self.definitions.values() else text

    def add_expression(self, path: str, node: ast.expr, name: str) -> str:
        """Take in an expression of a module under a name; a plain name keeps its own."""
        if isinstance(node, ast.Name):
            return self.add(path, node.id)
        self.add_names(path, node)
        module = module_at(path)
        if isinstance(node, ast.Lambda):
            arguments = module.segment(node.args) or ast.unparse(node.args)
            body = _whole(module.segment(node.body))
            text = f"def {name}({arguments}):\n    return {body}"
        else:
            text = f"{name} = {_whole(module.segment(node))}"
        self.definitions[name] = text
        return name

    def add_names(self, path: str, node: ast.AST) -> None:
        """Take in every name that a node reads."""
        skip = {d for n in ast.walk(node) for d in _decorators(n)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part not in skip and not hasattr(builtins, part.id):
                self.add(path, part.id)

    def import_lines(self) -> list[str]:
        """Import statements: the standard library first, then the rest."""
        whole = {(m, alias) for m, own, alias in self.imports if own is None}
        lines = [
            f"import {m}" if alias == m.split(".")[0] else f"import {m} as {alias}"
            for m, alias in whole
        ]
        parts: dict[str, list[str]] = defaultdict(list)
        for module, own, alias in self.imports:
            if own is not None:
                parts[module].append(own if own == alias else f"{own} as {alias}")
        lines += [f"from {m} import {', '.join(sorted(names))}" for m, names in parts.items()]
        return sorted(lines, key=lambda line: (_third_party(line), line.split()[0] == "from", line))


def _whole(text: str) -> str:
    """An expression that stands alone: in brackets where it goes over lines without its own."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return f"({text})"
    return text


def _decorators(node: ast.AST) -> list[ast.AST]:
    """All parts of an `@exhibit(...)`, which the gathered source leaves out."""
    return [
        part for d in getattr(node, "decorator_list", []) if _is_exhibit(d) for part in ast.walk(d)
    ]


def _is_exhibit(decorator: ast.AST) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "exhibit"
    )


def _text(module: Module, node: ast.stmt) -> str:
    decorators = getattr(node, "decorator_list", [])
    kept = [f"@{module.segment(d)}\n" for d in decorators if not _is_exhibit(d)]
    return "".join(kept) + module.segment(node)


def _third_party(line: str) -> bool:
    import sys

    return line.split()[1].split(".")[0] not in sys.stdlib_module_names


def call_keywords(
    path: str, node: ast.expr, places: Sequence[str] = ()
) -> tuple[str, dict[str, ast.expr]]:
    """Arguments by name of a call such as `Lab(...)`, also when it is assigned to a name.

    Arguments without a name are given those in `places`, in order. Returns the file that they are
    written in, too.
    """
    while isinstance(node, ast.Name):
        path, name = resolve(path, node.id)
        definition = module_at(path).definitions.get(name)
        value = getattr(definition, "value", None)
        if not isinstance(value, ast.expr):
            raise LabError(f"No plain script: {name} is not assigned at the top of the file.")
        node = value
    if not isinstance(node, ast.Call):
        raise LabError(f"No plain script: {ast.unparse(node)} is not a call in the file.")
    named = {k.arg: k.value for k in node.keywords if k.arg}
    return path, dict(zip(places, node.args, strict=False)) | named

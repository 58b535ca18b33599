"""A lab as a plain PyTorch program: one network, its loop in view, nothing of this package.

It is the reference: the engine's members are tested to give its numbers.
"""

from __future__ import annotations

import ast

from pilotlight.core.errors import LabError, UsageError, raise_all, unknown
from pilotlight.core.lab import Lab
from pilotlight.engine.script_training import Writer
from pilotlight.engine.source import Gathered

HEAD = '''"""{question}

The lab "{name}" as a plain PyTorch program: {what}
It gives the numbers that the lab gives for the same comparison and seed. Change it as you like.
"""
'''


def script(lab: Lab, comparison: str | None = None, seed: int = 1000) -> str:
    """The program's text.

    Raises:
        UsageError: an unknown comparison, or a lab that has no file.
        LabError: the file is written in a way that cannot be lifted out; says which.
    """
    if not lab.source:
        raise UsageError("A lab made in a notebook has no script: its cells are the program.")
    if not lab.trains:
        return _exact(lab)
    if comparison is not None and comparison not in lab.compare:
        raise UsageError(unknown("comparison", comparison, lab.compare))
    gathered, body = Writer(lab, comparison or shown_first(lab), seed).program()
    _refuse_clashes(gathered, body)
    return _join(lab, "one network, its loop in view.", gathered, body)


def shown_first(lab: Lab) -> str:
    """The comparison to show: the first claim's, else the first."""
    lefts = [c.comparisons[0] for c in lab.claims.values() if c.comparisons]
    return (lefts or list(lab.compare))[0]


def _refuse_clashes(gathered: Gathered, body: list[str]) -> None:
    """Refuse a lab whose names the program needs itself, such as a phase called `loss`."""
    tree = ast.parse("\n".join(body))
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    inside = list(ast.walk(functions["train"]))
    stored = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    calls = [n.func for n in inside if isinstance(n, ast.Call)]
    called = {f.id for f in calls if isinstance(f, ast.Name)}
    clashes = sorted(gathered.definitions.keys() & (functions.keys() | stored & called))
    raise_all(
        [f"No plain script: it needs the name {n!r} itself; rename yours." for n in clashes],
        LabError,
    )


def _exact(lab: Lab) -> str:
    gathered = Gathered()
    names = [gathered.add(lab.source, e.id) for e in lab.exhibits]
    listed = "".join(
        f"    ({n}, {e.tolerance!r}),\n" for n, e in zip(names, lab.exhibits, strict=True)
    )
    main = (
        f"EXHIBITS = [\n{listed}]\n\n"
        'if __name__ == "__main__":\n'
        "    for exhibit, tolerance in EXHIBITS:\n"
        "        result = exhibit()\n"
        "        error = result[0] if isinstance(result, tuple) else result\n"
        '        print(f"{exhibit.__name__}: error {error:.3g}, tolerance {tolerance:g}, "\n'
        "              f\"{'passed' if error <= tolerance else 'FAILED'}\")"
    )
    return _join(lab, "its exact demonstrations.", gathered, [main])


def _join(lab: Lab, what: str, gathered: Gathered, last: list[str]) -> str:
    head = HEAD.format(question=lab.question, name=lab.name, what=what)
    imports = "\n".join(["from __future__ import annotations\n", *gathered.import_lines()])
    parts = [head, imports, *gathered.definitions.values(), *last]
    return "\n\n\n".join(p.strip() for p in parts if p).replace('"""\n\n\n', '"""\n\n', 1) + "\n"

"""A lab as a plain PyTorch program: one network, its loop in view, nothing of this package.

It is the reference: the engine's members are tested to give its numbers.
"""

from __future__ import annotations

from pilotlight.core.errors import UsageError, unknown
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
    """
    if not lab.source:
        raise UsageError("A lab made in a notebook has no script: its cells are the program.")
    if not lab.trains:
        return _exact(lab)
    if comparison is not None and comparison not in lab.compare:
        raise UsageError(unknown("comparison", comparison, lab.compare))
    gathered, body = Writer(lab, comparison or _first(lab), seed).program()
    return _join(lab, "one network, its loop in view.", gathered, body)


def _first(lab: Lab) -> str:
    """The comparison to show: the first claim's, else the first."""
    lefts = [c.comparisons[0] for c in lab.claims.values() if c.comparisons]
    return (lefts or list(lab.compare))[0]


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
    parts = [head, "\n".join(gathered.import_lines()), *gathered.definitions.values(), *last]
    return "\n\n\n".join(p.strip() for p in parts if p).replace('"""\n\n\n', '"""\n\n', 1) + "\n"

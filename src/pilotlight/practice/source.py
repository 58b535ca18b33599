"""The text of an exercise file, cut at its marks: task, stub, solution, changed solutions."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping

from pilotlight.core.errors import UsageError, raise_all
from pilotlight.core.parsing import parse

LINE = "# --- checks ---"
"""Above it is what a learner gets."""
GAP = re.compile(r"^([ ]*)# --- solution ---\n(.*?)^[ ]*# --- end ---\n", re.DOTALL | re.MULTILINE)
DOCSTRING = re.compile(r'\A"""(.*?)"""\n', re.DOTALL)


def task(text: str) -> tuple[str, str]:
    """Title (the docstring's first line, without its full stop) and task (the rest)."""
    found = DOCSTRING.match(text)
    title, _, rest = (found[1] if found else "").partition("\n")
    return title.strip().rstrip("."), textwrap.dedent(rest).strip()


def stub(text: str, name: str) -> str:
    """What a learner starts from: each gap raises NotImplementedError."""
    half = _above(text)
    parts = dict(_parts_by_line(half))
    made = GAP.sub(lambda gap: _hole(gap, parts[half.count("\n", 0, gap.start()) + 1]), half)
    title, words = task(text)
    head = f'"""{title}.\n\n{words}\n\nTo check it: pilotlight check {name}\n"""\n'
    return DOCSTRING.sub(lambda _: head, made, count=1)


def _hole(gap: re.Match[str], part: str) -> str:
    """The first line is for the learner to read, the second keeps the stub from seeming done."""
    return (
        f"{gap[1]}# Write {part} here, in place of the next line.\n"
        f'{gap[1]}raise NotImplementedError("{part} is not written yet")\n'
    )


def solution(text: str) -> str:
    """The reference solution, as a learner would have written it."""
    return GAP.sub(lambda gap: gap[2], _above(text))


def changed(text: str, change: Mapping[str, str]) -> str:
    """The solution with pieces of its marked text replaced, all at once.

    A line break in a piece stands for one with any indentation after it; a line break in what
    replaces it, for one with the indentation of the line that the piece begins in.

    Raises:
        UsageError: pieces that do not stand there exactly once, all of them.
    """
    half = _above(text)
    marked = "".join(gap[2] for gap in GAP.finditer(half))
    patterns = {old: re.escape(old).replace("\\\n", "\n *") for old in change}
    counts = {old: len(re.findall(pattern, marked)) for old, pattern in patterns.items()}
    raise_all([f"{o!r} stands {n} times between the marks." for o, n in counts.items() if n != 1])
    either = re.compile("|".join(f"({pattern})" for pattern in patterns.values()))
    news = list(change.values())

    def replaced(found: re.Match[str]) -> str:
        line = found.string[: found.start()].rpartition("\n")[2]
        indent = line[: len(line) - len(line.lstrip())]
        return news[(found.lastindex or 1) - 1].replace("\n", f"\n{indent}")

    return GAP.sub(lambda gap: either.sub(replaced, gap[2]), half)


def parts(text: str) -> tuple[str, ...]:
    """Names of the functions and classes that a learner writes, wholly or in part."""
    return tuple(dict.fromkeys(part.partition(".")[0] for _, part in _parts_by_line(_above(text))))


def _above(text: str) -> str:
    half, found, _ = text.partition(f"\n{LINE}\n")
    if not found:
        raise UsageError(f"There is no line {LINE!r}.")
    return half.rstrip() + "\n"


def _parts_by_line(half: str) -> Iterator[tuple[int, str]]:
    """Line number of each gap, and what it is in: `step`, `Cell` or `Cell.forward`."""
    tree = parse(half)
    for gap in GAP.finditer(half):
        line = half.count("\n", 0, gap.start()) + 1
        inside = [n for n in _definitions(tree.body, "") if n[1] <= line <= n[2]]
        if not inside:
            raise UsageError(f"line {line}: a solution stands in a function or a class.")
        yield line, inside[-1][0]


def _definitions(body: list[ast.stmt], above: str) -> Iterator[tuple[str, int, int]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            # a comment at the end of a body lies beyond the node's own last line
            yield above + node.name, node.lineno, (node.end_lineno or node.lineno) + 1
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node.body, f"{above}{node.name}.")

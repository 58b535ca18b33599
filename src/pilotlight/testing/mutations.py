"""Do the checks of an exercise catch mistakes that nobody listed? Measured with random ones.

The solution is changed in one place at a time: an operator, a comparison, a number, a sign, a
statement left out, two arguments swapped, a call left out. A change counts when it changes what
the solution does, on inputs drawn at random (`sample`) or in a check; it is caught when a check
fails.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch

from pilotlight.execute.confined import Confined, Limits
from pilotlight.execute.processes import Job
from pilotlight.practice import answers, source, worker
from pilotlight.practice.catalogue import Entry, find, load
from pilotlight.practice.compare import Seen, difference
from pilotlight.practice.exercise import Exercise
from pilotlight.practice.judge import Attempt, judge
from pilotlight.practice.seen import failed, seen

PRELOAD = ("pilotlight.practice.preload",)
SAMPLES = 6
LIMITS = Limits(silence=5.0, total=600.0)

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
WORDS = {
    "add_": "sub_",
    "sub_": "add_",
    "max": "min",
    "min": "max",
    "mean": "sum",
    "sum": "mean",
    "sigmoid": "tanh",
    "tanh": "sigmoid",
    "zeros": "ones",
    "ones": "zeros",
}


@dataclass(frozen=True)
class Mutant:
    """The solution with one change, and what became of it."""

    line: int
    change: str
    text: str
    changes: bool = False  # what the solution does
    caught: bool = False


@dataclass(frozen=True)
class Score:
    """All mutants of an exercise, and how many that matter were caught."""

    tried: tuple[Mutant, ...]

    @property
    def counted(self) -> list[Mutant]:
        """Those that change what the solution does."""
        return [m for m in self.tried if m.changes or m.caught]

    @property
    def missed(self) -> list[Mutant]:
        """Those that no check caught."""
        return [m for m in self.counted if not m.caught]

    @property
    def share(self) -> float:
        """Caught of counted, from 0 to 1."""
        return 1 - len(self.missed) / max(1, len(self.counted))


def mutation_score(exercise: str, every: int = 1) -> Score:
    """Change the solution in every place, one at a time, and see what the checks catch.

    `every` takes one change in so many, for a quick look.
    """
    return Score(tuple(_tried(exercise, mutants(find(exercise).text)[::every])))


def mutants(text: str) -> list[Mutant]:
    """All changes of one place of the marked solution in an exercise file's text."""
    half = text.partition(f"\n{source.LINE}\n")[0] + "\n"
    gaps = [
        (half.count("\n", 0, gap.start()) + 1, half.count("\n", 0, gap.end()))
        for gap in source.GAP.finditer(half)
    ]
    tree = ast.parse(half)
    before, found = ast.unparse(tree), dict[str, Mutant]()
    for number, node in enumerate(ast.walk(tree)):
        line = getattr(node, "lineno", 0)
        if any(first <= line <= last for first, last in gaps):
            for way in _ways(node):
                changed = copy.deepcopy(tree)
                told = way(list(ast.walk(changed))[number], changed)
                after = ast.unparse(ast.fix_missing_locations(changed))
                if after != before:
                    found.setdefault(after, Mutant(line, told, after))
    return list(found.values())


Way = Callable[[Any, ast.Module], str]


def _ways(node: ast.AST) -> Iterator[Way]:
    """The changes that this node allows; each works on a copy and says what it did."""
    match node:
        case ast.BinOp():
            yield from (_operator, _left_operand, _right_operand)
        case ast.AugAssign():
            yield _operator
        case ast.Compare():
            yield _comparison
        case ast.UnaryOp():
            yield _sign
        case ast.Constant(bool() | int() | float()):
            yield from (_more, _less)
        case ast.Call():
            if isinstance(node.func, ast.Attribute):
                yield _call_left_out
            if len(node.args) > 1:
                yield _arguments_swapped
            if node.keywords:
                yield _keyword_left_out
        case ast.If() | ast.IfExp():
            yield _condition
        case ast.Name(ctx=ast.Load()):
            yield _other_name
    if isinstance(node, ast.Attribute) and node.attr in WORDS:
        yield _word
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return):
        yield _statement_left_out


def _operator(node: ast.BinOp | ast.AugAssign, tree: ast.Module) -> str:
    node.op = OPERATORS.get(type(node.op), type(node.op))()  # type: ignore[assignment]
    return f"operator: {ast.unparse(node)}"


def _left_operand(node: ast.BinOp, tree: ast.Module) -> str:
    _replace(tree, node, node.left)
    return f"only {ast.unparse(node.left)}"


def _right_operand(node: ast.BinOp, tree: ast.Module) -> str:
    _replace(tree, node, node.right)
    return f"only {ast.unparse(node.right)}"


def _comparison(node: ast.Compare, tree: ast.Module) -> str:
    node.ops = [OPERATORS.get(type(op), type(op))() for op in node.ops]  # type: ignore[misc]
    return f"comparison: {ast.unparse(node)}"


def _sign(node: ast.UnaryOp, tree: ast.Module) -> str:
    _replace(tree, node, node.operand)
    return f"sign or not left out: {ast.unparse(node.operand)}"


def _more(node: Any, tree: ast.Module) -> str:
    node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    return f"number: {node.value}"


def _less(node: Any, tree: ast.Module) -> str:
    node.value = not node.value if isinstance(node.value, bool) else node.value - 1
    return f"number: {node.value}"


def _other_name(node: ast.Name, tree: ast.Module) -> str:
    """The next parameter of the same function takes the place of this one."""
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        names = [a.arg for a in function.args.args]
        if node.id in names and any(n is node for n in ast.walk(function)):
            node.id = names[(names.index(node.id) + 1) % len(names)]
    return f"another name: {node.id}"


def _call_left_out(node: ast.Call, tree: ast.Module) -> str:
    assert isinstance(node.func, ast.Attribute)
    owner = node.func.value
    is_module = isinstance(owner, ast.Name) and owner.id in ("torch", "functional", "math", "nn")
    if is_module and node.args:
        owner = node.args[0]
    _replace(tree, node, owner)
    return f"call of {node.func.attr} left out"


def _arguments_swapped(node: ast.Call, tree: ast.Module) -> str:
    node.args[0], node.args[1] = node.args[1], node.args[0]
    return f"arguments swapped: {ast.unparse(node)}"


def _keyword_left_out(node: ast.Call, tree: ast.Module) -> str:
    dropped = node.keywords.pop()
    return f"{ast.unparse(dropped)} left out"


def _condition(node: ast.If | ast.IfExp, tree: ast.Module) -> str:
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return f"condition: {ast.unparse(node.test)}"


def _word(node: ast.Attribute, tree: ast.Module) -> str:
    node.attr = WORDS[node.attr]
    return f"word: {node.attr}"


def _statement_left_out(node: ast.stmt, tree: ast.Module) -> str:
    _replace(tree, node, ast.Pass())
    return f"left out: {ast.unparse(node)}"


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


# Trying them


def _tried(exercise: str, found: Sequence[Mutant]) -> Iterator[Mutant]:
    """Each mutant with what became of it. One that never ends is caught: so is its check."""
    left = list(found)
    while left:
        job = Job(__name__, "try_out", {"exercise": exercise, "texts": [m.text for m in left]})
        with Confined(job, LIMITS, PRELOAD) as process:
            for message in process.messages():
                if message:
                    yield replace(left.pop(0), **message)
        if left:
            assert process.ended is not None
            assert process.ended.how in ("time", "died"), process.ended.detail
            yield replace(left.pop(0), changes=True, caught=True)


def try_out(exercise: str, texts: Sequence[str]) -> Iterator[Mapping[str, bool]]:
    """In a process: for each text whether it does something else, and whether a check fails."""
    torch.set_num_threads(1)
    entry = find(exercise)
    made, right = load(entry), worker.right(entry)
    usual = _samples(made, source.solution(entry.text))
    yield {}
    for text in texts:
        changes = difference(usual, _samples(made, text), 1e-9) is not None
        yield {"changes": changes, "caught": _caught(entry, right, text)}


def _samples(exercise: Exercise, text: str) -> Seen:
    return [_sample(exercise, text, seed) for seed in range(SAMPLES)]


def _sample(exercise: Exercise, text: str, seed: int) -> Seen:
    with worker.own_randomness(seed):
        try:
            answer = vars(answers.run(text, "<mutant>"))
            generator = torch.Generator().manual_seed(seed)
            return seen(exercise.sample(SimpleNamespace(**answer), generator))
        except (Exception, SystemExit) as error:
            return failed(error, "<mutant>")


def _caught(entry: Entry, right: Mapping[str, Any], text: str) -> bool:
    attempt = Attempt()
    for message in worker.attempt_here(entry, text, "<mutant>"):
        attempt.add(message)
    return not judge(entry.name, right, attempt).passed

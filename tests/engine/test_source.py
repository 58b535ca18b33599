"""Gathering source: what a function needs comes along, in order, and nothing of this package."""

import ast
from textwrap import dedent

import pytest

from pilotlight.core.errors import LabError
from pilotlight.engine.source import Gathered, call_keywords, module_at, path_of, resolve


@pytest.fixture
def write(tmp_path):
    """`write(text)` makes a file of it and gives its path."""

    def made(text, name="own.py"):
        path = tmp_path / name
        path.write_text(dedent(text))
        return str(path)

    return made


def program(gathered):
    return "\n\n".join([*gathered.import_lines(), *gathered.definitions.values()])


def run_alone(gathered):
    """The gathered text, run by itself."""
    space = {}
    exec(compile(program(gathered), "gathered", "exec", dont_inherit=True), space)
    return space


def test_what_a_function_needs_comes_before_it_and_nothing_else(write):
    path = write(
        """
        import math
        from collections import OrderedDict, deque

        UNUSED = 1
        SCALE, OFFSET = 2.0, 3.0
        LIMIT: float = 100.0

        def unused():
            return UNUSED

        def helper(x):
            return min(SCALE * x + OFFSET, LIMIT)

        class Holder:
            kind = deque

        def root(x):
            return math.sqrt(helper(x)), Holder.kind
        """
    )
    gathered = Gathered()
    assert gathered.add(path, "root") == "root"
    assert list(gathered.definitions)[-1] == "root"
    assert program(gathered).count("SCALE, OFFSET = 2.0, 3.0") == 1
    assert not {"UNUSED", "unused", "OrderedDict"} & set(program(gathered).split())
    assert run_alone(gathered)["root"](3.0)[0] == 3.0


def test_a_function_may_call_itself_and_others_in_a_circle(write):
    path = write(
        """
        def even(n):
            return True if n == 0 else odd(n - 1)

        def odd(n):
            return False if n == 0 else even(n - 1)
        """
    )
    gathered = Gathered()
    gathered.add(path, "even")
    assert run_alone(gathered)["even"](10)


def test_what_comes_from_this_package_is_copied_and_what_comes_from_elsewhere_imported(write):
    path = write(
        """
        import numpy as np
        from torch import nn
        from pilotlight.nets.dense import mlp

        def build(s):
            return nn.Sequential(mlp(2, [3], int(np.ones(1)[0])))
        """
    )
    gathered = Gathered()
    gathered.add(path, "build")
    assert gathered.import_lines() == [
        "import itertools",
        "from collections.abc import Sequence",
        "import numpy as np",
        "from torch import nn",
    ]
    assert "def mlp" in program(gathered)
    assert "pilotlight" not in program(gathered)
    assert len(run_alone(gathered)["build"](None)[0]) == 3


def test_a_name_imported_under_another_name_works(write):
    path = write(
        """
        from pilotlight.nets.dense import mlp as dense
        from math import floor as down

        def build(s):
            return dense(down(2.5), [3], 1)
        """
    )
    gathered = Gathered()
    gathered.add(path, "build")
    assert "from math import floor as down" in gathered.import_lines()
    assert len(run_alone(gathered)["build"](None)) == 3


@pytest.mark.parametrize("name", ["pl", "pilotlight"])
def test_the_packages_public_names_are_followed_home(write, name):
    said = "import pilotlight as pl" if name == "pl" else "import pilotlight"
    path = write(
        f"""
        {said}

        def build(s):
            return {name}.mlp(2, [3], 1), "ä", {name}.mlp(2, [], 1)
        """
    )
    gathered = Gathered()
    gathered.add(path, "build")
    assert "pilotlight" not in program(gathered)
    assert len(run_alone(gathered)["build"](None)[0]) == 3


def test_names_are_resolved_through_the_packages_own_imports():
    labs_path = path_of("pilotlight.labs.foundations.momentum")
    assert resolve(labs_path, "mlp") == (path_of("pilotlight.nets.dense"), "mlp")
    assert resolve(labs_path, "torch") == (labs_path, "torch")


def test_exhibits_lose_their_decorator_and_other_functions_keep_theirs(write):
    path = write(
        """
        from functools import cache
        from pilotlight.core.lab import exhibit

        TOLERANCE = 1e-9

        @exhibit(tolerance=TOLERANCE)
        def shown():
            return once()

        @cache
        def once():
            return 0.5
        """
    )
    gathered = Gathered()
    gathered.add(path, "shown")
    assert "exhibit" not in program(gathered)
    assert "TOLERANCE" not in program(gathered)
    assert "@cache\ndef once" in program(gathered)
    assert run_alone(gathered)["shown"]() == 0.5


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("lambda s: s + ONE", 2),
        ("lambda s, *, more=2: s + more", 3),
        ("lambda s: (\n    s\n    + ONE\n    if s > 0\n    else -s\n)", 2),
        ("lambda s: max(\n    s,\n    ONE,\n)", 1),
        ("partial(pow, 3)", 3),
        ("(\n    partial(pow, 2)\n    if ONE\n    else None\n)", 2),
        ("plus_one", 2),
    ],
)
def test_an_expression_becomes_a_definition(write, expression, expected):
    text = "from functools import partial\nONE = 1\ndef plus_one(s):\n    return s + ONE\n"
    path = write(f"{text}value = {expression}\n")
    node = ast.parse(module_at(path).text).body[-1].value
    gathered = Gathered()
    name = gathered.add_expression(path, node, "made")
    assert name == ("plus_one" if expression == "plus_one" else "made")
    assert run_alone(gathered)[name](1) == expected


def test_the_same_name_from_two_files_is_refused(write):
    path = write(
        """
        def generator(seed, name):
            return seed

        def draw(s):
            return generator(s, "own")
        """
    )
    gathered = Gathered()
    gathered.add(path_of("pilotlight.data.generators"), "generator")
    with pytest.raises(LabError, match="No plain script: generator is defined twice; rename"):
        gathered.add(path, "draw")


def test_arguments_of_a_call_are_found_by_name_and_place(write):
    path = write("made = dict(1, 2, a=3, b=other)\nagain = made\n")
    home, words = call_keywords(path, ast.Name("again"), ("first", "second", "a"))
    assert home == path
    assert {n: ast.unparse(v) for n, v in words.items()} == {
        "first": "1",
        "second": "2",
        "a": "3",
        "b": "other",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("for made in [1]:\n    pass\n", "made is not assigned at the top of the file"),
        ("made = [1, 2]\n", r"\[1, 2\] is not a call in the file"),
    ],
)
def test_what_is_not_written_as_a_call_is_told(write, text, problem):
    with pytest.raises(LabError, match=problem):
        call_keywords(write(text), ast.Name("made"))

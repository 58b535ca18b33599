"""The backprop lab: its exhibits pass, and each known mistake makes the right ones fail."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pilotlight.engine.run import show
from pilotlight.labs.foundations import backprop
from pilotlight.labs.foundations.backprop import Node, lab

ONE = np.ones(3)
BY_ID = {exhibit.id: exhibit for exhibit in lab.exhibits}


# --- the lab as it is ---


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit):
    assert show(exhibit).passed


def test_exhibits_repeat_to_the_bit():
    assert BY_ID["shared_nodes"].function() == BY_ID["shared_nodes"].function()
    assert BY_ID["central_differences"].function() == BY_ID["central_differences"].function()


def test_published_value_and_gradient_at_one():
    _, shown = BY_ID["worked_example"].function()
    assert shown["f"] == pytest.approx([0.838744947188, 1], abs=1e-12)
    assert shown["x"] == pytest.approx([1, 0.208699589158], abs=1e-12)
    assert shown["y"] == pytest.approx([1, -0.134004465147], abs=1e-12)
    assert shown["z"] == pytest.approx([1, 0.208699589158], abs=1e-12)


def test_closed_form_agrees_with_python_arithmetic_and_published_values():
    published = [0.838744947188, 0.208699589158, -0.134004465147, 0.208699589158]
    assert backprop.closed_form(ONE) == pytest.approx(published, abs=1e-12)
    x, y, z = 0.3, 2.0, -0.7
    by_hand = math.tanh(math.log(1 + z * 2 * x / math.sin(y)))
    assert backprop.closed_form((x, y, z))[0] == pytest.approx(by_hand, abs=1e-15)


def test_every_step_of_the_worked_example_in_turn():
    _, shown = BY_ID["worked_example"].function()
    c = 1 / math.sin(1)
    u = 1 + 2 * c
    values = {"x": 1, "y": 1, "z": 1, "a": 2, "b": 1 / c, "c": c, "d": 2 * c, "e": 2 * c, "u": u}
    values |= {"v": math.log(u), "f": math.tanh(math.log(u))}
    assert {name: value for name, (value, _) in shown.items()} == pytest.approx(values, abs=1e-14)
    by_v = 1 - math.tanh(math.log(u)) ** 2
    assert shown["v"][1] == pytest.approx(by_v, abs=1e-14)
    assert shown["u"][1] == pytest.approx(by_v / u, abs=1e-14)
    assert shown["b"][1] == pytest.approx(-2 * c**2 * by_v / u, abs=1e-14)


def test_random_points_are_where_the_formula_has_a_value():
    x, y, z = points = backprop.random_points()
    assert points.shape == (3, 1000)
    assert (1 + 2 * x * z / np.sin(y)).min() > 0
    assert (x * z < 0).any()
    assert (np.sin(y) < 0).any()


def test_torch_oracle_takes_higher_derivatives():
    third = backprop.by_torch(lambda x, y: x**4 * y**3, [np.array([2.0]), np.array([3.0])], 3)
    assert third == pytest.approx(np.array([[24 * 2.0 * 27], [6 * 16.0]]))


def test_central_difference_error_falls_with_the_square_of_h_and_then_rises():
    _, shown = BY_ID["central_differences"].function()
    errors = list(shown.values())
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)
    assert 10 * min(errors) < errors[-1]


# --- nodes, order, sweep ---


def test_node_used_twice_in_one_step_adds_up():
    x = Node(3.0)
    backprop.backward(x * x + x)
    assert x.gradient == 7.0


def test_second_sweep_starts_afresh():
    x = Node(3.0)
    output = x * x
    backprop.backward(output)
    backprop.backward(output)
    assert x.gradient == 6.0


def test_numbers_may_stand_on_either_side():
    x = Node(3.0)
    assert (2 * x + 1).value == (1 + x * 2).value == 7.0


def test_a_graph_deeper_than_the_stack():
    x = node = Node(1.0)
    for _ in range(20_000):
        node = node + 1.0
    backprop.backward(node)
    assert x.gradient == 1.0


def test_order_has_each_node_once_and_after_its_parents():
    for seed in range(20):
        output = backprop.random_formula(seed, 30, *map(Node, ONE))
        order = backprop.topological_order(output)
        place = {node: n for n, node in enumerate(order)}
        assert len(place) == len(order)
        assert order[-1] is output
        assert all(place[p] < place[node] for node in order for p in node.parents)


def test_random_formulas_share_nodes():
    for seed in range(200):
        order = backprop.topological_order(backprop.random_formula(seed, 12, *map(Node, ONE)))
        parents = [parent for node in order for parent in node.parents]
        assert len(parents) - len(set(parents)) >= 3


def test_random_formula_takes_nodes_and_tensors_alike():
    points = np.random.default_rng(5).uniform(-1, 1, (20, 3))
    for seed, point in enumerate(points):
        ours = backprop.random_formula(seed, 12, *map(Node, point)).value
        theirs = backprop.random_formula(seed, 12, *torch.tensor(point))
        assert ours == pytest.approx(float(theirs), abs=1e-14)


def test_operations_are_counted_as_the_steps_table_implies():
    # multiply and add: two products, two sums; sin and log: derivative, product, sum; ...
    back = {"input": 0, "add": 4, "multiply": 4, "reciprocal": 4, "sin": 3, "log": 3, "tanh": 4}
    _, shown = BY_ID["cheap_gradient"].function()
    assert shown["the formula: forward, backward"] == [8, 30]
    steps = [
        n.step for n in backprop.topological_order(backprop.random_formula(3, 100, *map(Node, ONE)))
    ]
    ahead = sum(step != "input" for step in steps)
    assert shown["100 random steps: forward, backward"] == [
        ahead,
        sum(back[step] for step in steps),
    ]


# --- where the formula has no value ---


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ((-1.0, 1.0, 1.0), r"log\(-1\.37679\) has no value: what is inside must be .* above 0"),
        ((-0.5, math.pi / 2, 1.0), r"log\(0\) has no value"),
        ((1.0, 0.0, 1.0), r"reciprocal\(0\) has no value: what is inside must be away from 0"),
        ((1.0, math.pi, 1.0), r"reciprocal\(1\.22465e-16\) has no value"),
        ((math.nan, 1.0, 1.0), r"log\(nan\) has no value"),
        ((math.inf, 1.0, 1.0), r"log\(inf\) has no value"),
        ((np.array([1.0, 1.0, -1.0]), np.ones(3), np.ones(3)), r"log\(-1\.37679\) has no value"),
        ((complex(-1, 1e-30), 1.0, 1.0), r"log\(-1\.37679\) has no value"),
    ],
)
def test_refused_in_words(point, words):
    with pytest.raises(ValueError, match=words):
        backprop.f(*map(Node, point))


# --- known mistakes: what fails, and what is fooled ---


def no_accumulation(patch):
    def backward(output):
        output.gradient = 1.0
        for node in reversed(backprop.topological_order(output)):
            if node.parents:
                local = backprop.STEPS[node.step][1](*(p.value for p in node.parents), node.value)
                for parent, derivative in zip(node.parents, local, strict=True):
                    parent.gradient = node.gradient * derivative

    patch.setattr(backprop, "backward", backward)


def pre_order(patch):
    def topological_order(output):
        order, waiting = {}, [output]
        while waiting:
            node = waiting.pop()
            if node not in order:
                order[node] = None
                waiting.extend(node.parents)
        return list(order)[::-1]

    patch.setattr(backprop, "topological_order", topological_order)


def no_numerator(patch):
    x, y, z = backprop.random_points()
    both_have_a_value = np.stack([x, y, z])[:, 1 + z / np.sin(y) > 0.05]
    assert both_have_a_value.shape[1] > 500
    patch.setattr(backprop, "random_points", lambda: both_have_a_value)
    right = backprop.formula
    patch.setattr(backprop, "formula", lambda x, y, z: right(0 * x + 0.5, y, z) | {"x": x})


def float32_differences(patch):
    def central_difference(points, h):
        ahead, behind = (points[:, None] + step * np.eye(3)[..., None] for step in (h, -h))
        f = [backprop.f(*map(Node, p.astype(np.float32))).value for p in (ahead, behind)]
        return (f[0] - f[1]) / np.float32(2 * h)

    patch.setattr(backprop, "central_difference", central_difference)


def no_checks(patch):
    patch.setattr(backprop, "ALLOWED", {})


def wrong_derivative(step, derivative):
    def plant(patch):
        patch.setitem(backprop.STEPS, step, (backprop.STEPS[step][0], derivative))

    return plant


def a_sweep_for_each_input(patch):
    right = backprop.backward

    def backward(output):
        for _ in range(3):
            right(output)

    patch.setattr(backprop, "backward", backward)


GRADIENTS = {
    "worked_example",
    "worked_out_by_hand",
    "complex_step",
    "central_differences",
    "torch_autograd",
    "shared_nodes",
}
WRONG_DERIVATIVES = {
    "add": lambda a, b, r: (2.0, 1.0),
    "multiply": lambda a, b, r: (a, b),
    "reciprocal": lambda a, r: (r * r,),
    "sin": lambda a, r: (-np.cos(a),),
    "log": lambda a, r: (1 / r,),
    "tanh": lambda a, r: (1 - r,),
}
MISTAKES = {
    "store what comes back instead of adding it": (no_accumulation, {"shared_nodes"}),
    "visit parents in the order in which they are met": (pre_order, {"shared_nodes"}),
    "forget the numerator 2x": (no_numerator, {"worked_example", "worked_out_by_hand", "refusals"}),
    "one wrong local derivative": (
        wrong_derivative("tanh", lambda a, r: (1 + r * r,)),
        GRADIENTS,
    ),
    "central differences in float32": (float32_differences, {"central_differences"}),
    "no check of the logarithm and of sin y": (no_checks, {"refusals"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_just_the_exhibits_that_can_see_it(mistake, monkeypatch, failing):
    plant, seen_by = MISTAKES[mistake]
    plant(monkeypatch)
    assert failing() == seen_by


def test_each_mistake_the_lab_describes_is_planted_above():
    assert set(lab.wrong) == set(MISTAKES)


@pytest.mark.parametrize("step", WRONG_DERIVATIVES)
def test_each_wrong_local_derivative_is_caught(step, monkeypatch, failing):
    wrong_derivative(step, WRONG_DERIVATIVES[step])(monkeypatch)
    assert failing() == GRADIENTS


def test_a_sweep_for_each_input_is_not_cheap(monkeypatch, failing):
    a_sweep_for_each_input(monkeypatch)
    assert failing() == {"cheap_gradient"}


# --- what is read and seen ---


def test_literal_fields_can_be_read_without_importing():
    tree = ast.parse(Path(backprop.__file__).read_text(encoding="utf-8"))
    call = next(
        n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "lab"
    )
    fields = {k.arg: k.value for k in call.keywords}
    read = {k: ast.literal_eval(fields[k]) for k in ("area", "week", "systems", "needs", "seconds")}
    seconds = read.pop("seconds")
    assert read == {"area": "foundations", "week": 1, "systems": [1], "needs": []}
    assert 0 < seconds < 10
    assert ast.literal_eval(fields["text"]) == lab.text
    assert not lab.trains


def test_question_text_and_statements_read_as_sentences():
    question = backprop.__doc__.splitlines()[0]
    assert question == "Does the chain rule over a graph of simple steps give the exact gradient?"
    assert 2 <= len(lab.text.split("\n\n")) <= 3
    assert all(text.endswith(".") for text in [lab.text, *lab.wrong.values()])
    assert all(e.statement.endswith(".") for e in lab.exhibits)
    assert len(lab.read_more) >= 2


def drawn():
    figure = Figure(figsize=(8, 5))
    canvas = FigureCanvasAgg(figure)
    lab.picture(None, figure)
    canvas.draw()
    return figure, canvas.get_renderer()


def test_picture_shows_every_value_and_gradient():
    _, shown = BY_ID["worked_example"].function()
    figure, _ = drawn()
    texts = [text.get_text().replace("−", "-") for text in figure.axes[0].texts]
    for name, (value, gradient) in shown.items():
        assert f"{value:.3f}" in texts, name
        assert f"{gradient:.3f}" in texts or name == "f"


def test_picture_texts_do_not_overlap_and_lie_inside():
    figure, renderer = drawn()
    boxes = [t.get_window_extent(renderer) for t in figure.axes[0].texts if t.get_text()]
    for n, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:n])
        assert figure.bbox.containsx(box.x0)
        assert figure.bbox.containsx(box.x1)


def test_picture_gradients_stay_clear_of_the_boxes():
    figure, renderer = drawn()
    axes = figure.axes[0]
    nodes = [patch.get_window_extent(renderer) for patch in axes.patches]
    red = [t for t in axes.texts if t.get_text() and t.get_color() == "#c9540a"]
    assert len(nodes) == 11
    assert len(red) == 11
    for text in red:
        assert not any(text.get_window_extent(renderer).overlaps(node) for node in nodes)

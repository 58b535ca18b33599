"""Does the chain rule over a graph of simple steps give the exact gradient?

The formula is f(x, y, z) = tanh(ln(1 + z * 2x / sin y)). Points and gradients are arrays of shape
(3, ...), in the order x, y, z.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, partialmethod
from typing import Any

import numpy as np
import torch

from pilotlight.core.lab import Lab, exhibit

# A step's value from its parents a and b, and its local derivatives, one by each parent.
# r is the step's own value, kept from the way forward.
STEPS: dict[str, tuple[Callable[..., Any], Callable[..., tuple[Any, ...]]]] = {
    "add": (lambda a, b: a + b, lambda a, b, r: (1.0, 1.0)),
    "multiply": (lambda a, b: a * b, lambda a, b, r: (b, a)),
    "reciprocal": (lambda a: 1 / a, lambda a, r: (-(r * r),)),
    "sin": (np.sin, lambda a, r: (np.cos(a),)),
    "log": (np.log, lambda a, r: (1 / a,)),
    "tanh": (np.tanh, lambda a, r: (1 - r * r,)),
}
# sin(pi) is 1.2e-16 in floating point: a zero hidden by rounding. NaN meets no condition.
ALLOWED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "reciprocal": ("away from 0", lambda a: abs(a) > 1e-12),
    "log": ("finite and above 0", lambda a: (a > 0) & (a < np.inf)),
}


class Node:
    """One step of a computation: its value, the step's name, and the nodes it came from."""

    def __init__(self, value: Any, step: str = "input", *parents: Node) -> None:
        self.value, self.step, self.parents = value, step, parents
        self.gradient: Any = 0.0

    def then(self, step: str, *others: Any) -> Node:
        """Take a step from this node (and another node or number) to a new one.

        Raises:
            ValueError: the step has no finite value here.
        """
        parents = [self, *(o if isinstance(o, Node) else Node(o) for o in others)]
        words, condition = ALLOWED.get(step, ("", lambda a: True))
        if not np.all(allowed := condition(np.real(self.value))):
            found = np.ravel(np.real(self.value))[np.argmin(allowed)]
            raise ValueError(f"{step}({found:g}) has no value: what is inside must be {words}.")
        return Node(STEPS[step][0](*(p.value for p in parents)), step, *parents)

    __add__ = __radd__ = partialmethod(then, "add")
    __mul__ = __rmul__ = partialmethod(then, "multiply")
    reciprocal, sin = partialmethod(then, "reciprocal"), partialmethod(then, "sin")
    log, tanh = partialmethod(then, "log"), partialmethod(then, "tanh")


def topological_order(output: Node) -> list[Node]:
    """All nodes that lead to `output`, each once, and each after all its parents."""
    order: dict[Node, None] = {}
    waiting = [(output, False)]  # a list, not recursion: a graph may be deeper than Python's stack
    while waiting:
        node, parents_done = waiting.pop()
        if parents_done:
            order[node] = None
        elif node not in order:
            waiting += [(node, True), *((parent, False) for parent in node.parents)]
    return list(order)


def backward(output: Node) -> None:
    """Give every node the derivative of `output` by it, from the output back to the inputs."""
    order = topological_order(output)
    for node in order:
        node.gradient = 0.0
    output.gradient = 1.0
    for node in reversed(order):
        if node.parents:
            local = STEPS[node.step][1](*(p.value for p in node.parents), node.value)
            for parent, derivative in zip(node.parents, local, strict=True):
                # Added, not stored: a node that is used twice acts on the output in two ways.
                parent.gradient = parent.gradient + node.gradient * derivative


def formula(x: Any, y: Any, z: Any) -> dict[str, Any]:
    """The formula as named steps, f the last. It takes nodes and torch tensors alike."""
    a, b = 2 * x, y.sin()
    c = b.reciprocal()
    d = a * c
    e = z * d
    u = 1 + e
    v = u.log()
    steps = (x, y, z, a, b, c, d, e, u, v, v.tanh())
    return dict(zip("xyzabcdeuvf", steps, strict=True))


def f(*inputs: Any) -> Any:
    """The formula's last step alone."""
    return formula(*inputs)["f"]


def gradient(function: Callable[..., Node], inputs: Any) -> Any:
    """The function's derivative by each input, from one backward sweep."""
    nodes = list(map(Node, inputs))
    backward(function(*nodes))
    return np.array([node.gradient for node in nodes])


def closed_form(inputs: Any) -> Any:
    """Worked out by hand, from tanh(ln u) = (u^2-1) / (u^2+1): f and its derivatives, (4, ...)."""
    x, y, z = inputs
    u = 1 + 2 * x * z / np.sin(y)
    by_u = 4 * u / (u**2 + 1) ** 2
    u_by = [2 * z / np.sin(y), -2 * x * z * np.cos(y) / np.sin(y) ** 2, 2 * x / np.sin(y)]
    return np.array([(u**2 - 1) / (u**2 + 1), *(by_u * d for d in u_by)])


def by_torch(function: Callable[..., Any], inputs: Any, times: int = 1) -> Any:
    """The function's derivative by each input, taken that many times, from torch.autograd."""
    tensors = [torch.tensor(i, dtype=torch.float64, requires_grad=True) for i in inputs]
    derivatives = [function(*tensors)] * len(tensors)
    for _ in range(times):
        derivatives = [
            torch.autograd.grad(d.sum(), t, create_graph=True)[0]
            for d, t in zip(derivatives, tensors, strict=True)
        ]
    return np.array([d.detach().numpy() for d in derivatives])


def random_points() -> Any:
    """1,000 points where the formula has a value and |sin y| is above 0.1, shape (3, 1000)."""
    x, y, z = np.random.default_rng(1).uniform([[-2], [-3], [-2]], [[2], [3], [2]], (3, 4000))
    good = (abs(np.sin(y)) > 0.1) & (1 + 2 * x * z / np.sin(y) > 0)
    return np.stack([x, y, z])[:, good][:, :1000]


def moved(points: Any, by: complex) -> Any:
    """f with x moved, with y moved, with z moved: (3, points)."""
    return f(*map(Node, points[:, None] + by * np.eye(3)[..., None])).value


def central_difference(points: Any, h: float) -> Any:
    """(f(x + h) - f(x - h)) / 2h, for each of the three inputs: (3, points)."""
    return (moved(points, h) - moved(points, -h)) / (2 * h)


def random_formula(seed: int, length: int, *inputs: Any) -> Any:
    """A formula drawn by the seed; each step picks any earlier ones, so many are used again."""
    choose, steps = np.random.default_rng(seed), list(inputs)
    shapes: list[Any] = [
        lambda a, b: a * b,
        lambda a, b: (a + b).tanh(),
        lambda a, b: (a * b).sin(),
        lambda a, b: (a * a + 1).log(),
        lambda a, b: a * (b * b + 1).reciprocal(),
    ]
    for _ in range(length):
        a, b = (steps[i] for i in choose.integers(len(steps), size=2))
        steps.append(shapes[choose.integers(len(shapes))](a, b))
    return sum(steps).sin()


class Counted(np.lib.mixins.NDArrayOperatorsMixin):
    """A number that leaves a mark in a tally for each operation that it takes part in."""

    def __init__(self, real: Any, tally: list[str]) -> None:
        self.real, self.tally = real, tally

    def __array_ufunc__(self, operation: np.ufunc, method: str, *inputs: Any) -> Counted:
        self.tally.append(operation.__name__)
        return Counted(operation(*map(np.real, inputs)), self.tally)


@exhibit(tolerance=1e-12)
def worked_example() -> tuple[float, dict[str, list[float]]]:
    """At x = y = z = 1 each step's value, then gradient, can be followed by hand."""
    steps = formula(*map(Node, np.ones(3)))
    backward(steps["f"])
    ours = np.array([steps["f"].value, *(steps[name].gradient for name in "xyz")])
    shown = {name: [float(s.value), float(s.gradient)] for name, s in steps.items()}
    return float(abs(ours - closed_form(np.ones(3))).max()), shown


@exhibit(tolerance=1e-12)
def worked_out_by_hand() -> float:
    """At 1,000 random points, value and gradient equal the closed form."""
    points = random_points()
    ours = np.array([f(*map(Node, points)).value, *gradient(f, points)])
    return float(abs(ours - closed_form(points)).max())


@exhibit(tolerance=1e-12)
def complex_step() -> float:
    """The gradient equals Im f(x + ih) / h for a tiny h: no subtraction, no digit lost."""
    points, h = random_points(), 1e-30
    return float(abs(gradient(f, points) - moved(points, 1j * h).imag / h).max())


@exhibit(tolerance=2)
def central_differences() -> tuple[float, dict[str, float]]:
    """Central differences miss the gradient by at most twice what theory predicts.

    Predicted is h^2 / 6 times the third derivative (Taylor), plus the rounding of f over h.
    """
    points, h = random_points(), 1e-4
    predicted = h**2 / 6 * abs(by_torch(f, points, times=3)) + np.finfo(float).eps / h
    found = abs(central_difference(points, h) - gradient(f, points))
    shown, one = {}, np.ones((3, 1))
    for size in 10.0 ** -np.arange(1, 11):
        error = abs(central_difference(one, size) - closed_form(one)[1:]).max()
        shown[f"error at (1, 1, 1) for h = {size:.0e}"] = float(error)
    return float((found / predicted).max()), shown


@exhibit(tolerance=1e-12)
def torch_autograd() -> float:
    """The gradient equals that of torch.autograd at the same points."""
    points = random_points()
    return float(abs(gradient(f, points) - by_torch(f, points)).max())


@exhibit(tolerance=1e-12)
def shared_nodes() -> float:
    """In 200 random formulas whose steps are used again and again, torch.autograd agrees."""
    points = np.random.default_rng(2).uniform(-1, 1, (200, 3))
    functions = [partial(random_formula, seed, 12) for seed in range(200)]
    pairs = zip(functions, points, strict=True)
    return float(np.max([abs(gradient(g, p) - by_torch(g, p)) for g, p in pairs]))


@exhibit(tolerance=0)
def cheap_gradient() -> tuple[float, dict[str, list[int]]]:
    """The backward sweep costs at most four times the operations of the forward one."""
    functions: dict[str, Callable[..., Node]] = {"the formula": f}
    functions |= {f"{n} random steps": partial(random_formula, 3, n) for n in (10, 100, 1000)}
    shown = {}
    for name, function in functions.items():
        tally: list[str] = []
        output = function(*(Node(Counted(1.0, tally)) for _ in range(3)))
        ahead = len(tally)
        backward(output)
        shown[f"{name}: forward, backward"] = [ahead, len(tally) - ahead]
    return max(0.0, *(back / ahead - 4 for ahead, back in shown.values())), shown


@exhibit(tolerance=0)
def refusals() -> tuple[float, dict[str, str]]:
    """Where the formula has no value it is refused in words, never answered with NaN."""
    shown = {}
    for x, y in ((-1.0, 1.0), (-0.5, np.pi / 2), (1.0, 0.0), (1.0, np.pi), (np.nan, 1.0)):
        try:
            answer = f"answered {f(Node(x), Node(y), Node(1.0)).value}"
        except ValueError as refusal:
            answer = str(refusal)
        shown[f"x = {x:g}, y = {y:.4g}, z = 1"] = answer
    return float(sum(answer.startswith("answered") for answer in shown.values())), shown


def picture(report: Any, figure: Any) -> None:
    """The graph at (1, 1, 1): values go forward (blue), the gradient of f comes back (orange)."""
    steps, blue, orange = formula(*map(Node, np.ones(3))), "#1f5fbf", "#c9540a"
    backward(steps["f"])
    rows = ("    f", "ybczv", "xadeu")  # from the lowest up
    places = {n: (x, y) for y, row in enumerate(rows) for x, n in enumerate(row) if n != " "}
    made = ("2x", "sin y", "1 / b", "a · c", "z · d", "1 + e", "ln u", "tanh v")
    titles = dict(zip("abcdeuvf", made, strict=True))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.4, 4.4), ylim=(-0.4, 2.75))
    axes.set_axis_off()
    write = partial(axes.text, ha="center", va="center", fontsize=12)
    write(2, 2.57, "f = tanh(ln(1 + z · 2x / sin y))  at  x = y = z = 1", fontsize=15)
    write(1, 0.12, "value, on the way forward", color=blue, weight="bold")
    write(1, -0.12, "gradient of f, on the way back", color=orange)
    for name, (x, y) in places.items():
        fill = "#dde2e8" if name in titles else "none"
        axes.bar(x, 0.46, 0.58, y - 0.23, facecolor=fill, edgecolor="#5a6472")
        write(x, y + 0.1, f"{name} = {titles[name]}" if name in titles else name)
        write(x, y - 0.1, f"{steps[name].value:.3f}", color=blue, weight="bold")
    for start, end in zip("xadeuvybcz", "adeuvfbcde", strict=True):
        along = np.subtract(places[end], places[start])
        middle, half, aside = places[start] + along / 2, along * 0.18, abs(along[::-1]) * 0.05
        for side, way, color in ((aside, half, blue), (-aside, -half, orange)):
            arrow = {"arrowstyle": "-|>, head_width=0.3, head_length=0.5", "color": color, "lw": 2}
            axes.annotate("", middle + side + way, middle + side - way, arrowprops=arrow)
        slope = f"{steps[start].gradient:.3f}".replace("-", "−")
        write(*(middle - aside * (4.6, 3)), slope, color=orange)


lab = Lab(
    area="foundations",
    week=1,
    systems=[1],
    needs=[],
    seconds=2,
    text="""A long formula is a graph of short steps: multiply, add, sine, logarithm. Each step has
a derivative that fits on one line. On the way forward every step keeps its value. On the way back
each step takes the gradient that arrives, multiplies it by its own derivative, and hands it to the
steps that it came from. That is all of backpropagation.

Nothing here is approximate. The gradient equals the one worked out by hand in every digit that
rounding leaves. Two rules carry it. A step that is used twice adds up what comes back. And no step
goes before everything that used it has answered.

It is also cheap. One sweep back gives the derivative by every input, for at most four times the
operations of the way forward. Moving the inputs one by one costs two runs for each of them, and is
less exact: a large move errs by curvature, a small one by rounding.""",
    exhibits=[
        worked_example,
        worked_out_by_hand,
        complex_step,
        central_differences,
        torch_autograd,
        shared_nodes,
        cheap_gradient,
        refusals,
    ],
    scope="real inputs in double precision, |sin y| above 0.1 and 1 + 2xz / sin y above 0",
    picture=picture,
    wrong={
        "store what comes back instead of adding it": "The formula still comes out right, because "
        "it uses nothing twice; only the formulas with shared nodes show the mistake.",
        "visit parents in the order in which they are met": "A shared node hands its gradient on "
        "before all of it has arrived; again only the formulas with shared nodes show it.",
        "forget the numerator 2x": "Complex step, differences and torch agree wherever there is a "
        "value: they derive the same wrong formula. The closed form, made elsewhere, objects.",
        "one wrong local derivative": "Every comparison of gradients fails, far beyond rounding.",
        "central differences in float32": "They typically miss in the fourth decimal where "
        "theory allows the ninth; the gradient is innocent, the yardstick is bent.",
        "no check of the logarithm and of sin y": "NaN or a huge number comes back as if it were "
        "an answer, and nobody is told.",
    },
    read_more=[
        "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating "
        "errors, Nature 323.",
        "Griewank and Walther (2008), Evaluating Derivatives, 2nd edition, SIAM: why a gradient "
        "costs a small multiple of the function.",
        "Baydin, Pearlmutter, Radul and Siskind (2018), Automatic differentiation in machine "
        "learning: a survey, JMLR 18.",
    ],
)

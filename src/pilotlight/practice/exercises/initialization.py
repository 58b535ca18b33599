"""Xavier and He: how large weights are at the start.

A number in a layer is a sum of fan_in products, so it has the variance fan_in * variance(weight)
times the mean square of what came in. Weights that are a little too small make every layer's
numbers smaller, and after thirty layers nothing is left of the signal; a little too large, and it
explodes. The same holds for the gradient on its way back, with fan_out in the place of fan_in.

    Xavier (for tanh):   variance(weight)  =  2 / (fan_in + fan_out)
    He (for ReLU):       variance(weight)  =  2 / fan_in

Xavier lies between the two ways. ReLU throws away half of the mean square, and He makes up for it
by the 2. fan_in is how many numbers go into one output, fan_out how many outputs one number goes
to. For a linear layer, weight (outputs, inputs), these are inputs and outputs; for a convolution,
weight (outputs, inputs, height, width), each is multiplied by the size of the filter.

Write the fans, then Xavier's with uniform numbers and He's with normal ones. Uniform numbers from
-b to b have the variance b^2 / 3. Draw from the generator that you are given, and in place.
"""

import math

import torch
from torch import Tensor


def fans(weight: Tensor) -> tuple[int, int]:
    """fan_in and fan_out of a weight (outputs, inputs) or (outputs, inputs, ...filter)."""
    # --- solution ---
    filter_size = weight[0, 0].numel()
    return weight.shape[1] * filter_size, weight.shape[0] * filter_size
    # --- end ---


def xavier_uniform(weight: Tensor, generator: torch.Generator) -> None:
    """Fill `weight`, which may require gradients, with uniform numbers of Xavier's variance."""
    # --- solution ---
    fan_in, fan_out = fans(weight)
    bound = math.sqrt(3 * 2 / (fan_in + fan_out))
    with torch.no_grad():
        weight.uniform_(-bound, bound, generator=generator)
    # --- end ---


def he_normal(weight: Tensor, generator: torch.Generator) -> None:
    """Fill `weight`, which may require gradients, with normal numbers of He's variance."""
    # --- solution ---
    fan_in, _ = fans(weight)
    with torch.no_grad():
        weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)
    # --- end ---


# --- checks ---
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn import init

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal

Fill = Callable[[Tensor, torch.Generator], None]
WIDE = (100, 300)
"""A linear layer with 300 inputs and 100 outputs: 30,000 numbers."""


def filled(fill: Fill, *shape: int, seed: int = 0) -> Tensor:
    """A float64 weight of this shape, filled."""
    weight = torch.zeros(shape, dtype=torch.float64)
    fill(weight, torch.Generator().manual_seed(seed))
    return weight


def linear(answer: Any) -> Any:
    """A weight of 3 outputs and 5 inputs has fan_in 5 and fan_out 3."""
    return {"fans": answer.fans(torch.zeros(3, 5))}


def convolution(answer: Any) -> Any:
    """In a convolution each fan is multiplied by the size of the filter."""
    image, sound = torch.zeros(1, 2, 3, 5), torch.zeros(4, 1, 7)
    return {"of (1, 2, 3, 5)": answer.fans(image), "of (4, 1, 7)": answer.fans(sound)}


def xavier_spread(answer: Any) -> Any:
    """With 300 inputs and 100 outputs Xavier's variance is 1/200, to a tenth of that."""
    weight = filled(answer.xavier_uniform, *WIDE)
    return {"200 * variance": round(200 * float(weight.var()), 1), "mean": mean(weight)}


def xavier_shape(answer: Any) -> Any:
    """Uniform numbers have an edge: the largest of 30,000 lies just below sqrt(3 / 200)."""
    largest = float(filled(answer.xavier_uniform, *WIDE).abs().max())
    return {"largest / sqrt(3 / 200)": round(largest / math.sqrt(3 / 200), 2)}


def he_spread(answer: Any) -> Any:
    """With 300 inputs He's variance is 1/150, to a tenth of that."""
    weight = filled(answer.he_normal, *WIDE)
    return {"150 * variance": round(150 * float(weight.var()), 1), "mean": mean(weight)}


def he_shape(answer: Any) -> Any:
    """Of normal numbers seven in ten lie within one standard deviation; of uniform ones six."""
    weight = filled(answer.he_normal, *WIDE)
    return {"share": round(float((weight.abs() < weight.std()).double().mean()), 1)}


def mean(weight: Tensor) -> float:
    """To a hundredth: more than ten standard errors of 30,000 numbers."""
    return round(float(weight.mean()), 2)


def filters(answer: Any) -> Any:
    """64 filters of 5 by 5 over 16 channels: He's variance is 1/200, Xavier's 1/1000."""
    shape = 64, 16, 5, 5
    return {
        "200 * variance of He": round(200 * float(filled(answer.he_normal, *shape).var()), 1),
        "1000 * variance of Xavier": round(
            1000 * float(filled(answer.xavier_uniform, *shape).var()), 1
        ),
    }


def signal(answer: Any) -> Any:
    """Through 20 layers with ReLU He keeps the signal's power of ten, on average over 8 nets."""
    changes = []
    for seed in range(8):
        generator, x = torch.Generator().manual_seed(seed), normal(4, 100, seed=seed)
        for _ in range(20):
            weight = torch.zeros(100, 100, dtype=torch.float64)
            answer.he_normal(weight, generator)
            x = (x @ weight.T).relu()
        changes.append(float(x.square().mean().sqrt().log10()))
    return {"power of ten": round(sum(changes) / 8)}


def parameters(answer: Any) -> Any:
    """A parameter is filled in place, and stays a leaf that requires gradients."""
    told = {}
    for name in ("xavier_uniform", "he_normal"):
        p = nn.Parameter(torch.zeros(3, 4))
        getattr(answer, name)(p, torch.Generator().manual_seed(0))
        told[name] = {"zeros left": int((p == 0).sum()), "leaf": p.is_leaf and p.requires_grad}
    return told


def seeds(answer: Any) -> Any:
    """The generator decides: the same seed gives the same weights, another seed others."""
    told = {}
    for name in ("xavier_uniform", "he_normal"):
        first, again, other = (filled(getattr(answer, name), 3, 4, seed=s) for s in (1, 1, 2))
        told[f"{name}: same again"] = bool((first == again).all())
        told[f"{name}: another seed differs"] = bool((first != other).all())
    return told


def counted(weight: Tensor) -> tuple[int, int]:
    """The same by counting: the numbers of one output's filter, and those of one input's."""
    return weight[0].numel(), weight[:, 0].numel()


def torch_xavier(weight: Tensor, generator: torch.Generator) -> None:
    """The same by torch."""
    init.xavier_uniform_(weight, generator=generator)


def torch_he(weight: Tensor, generator: torch.Generator) -> None:
    """The same by torch."""
    init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def by_products(weight: Tensor) -> tuple[int, int]:
    """Right as well: products of the shape."""
    outputs, inputs, *filter_shape = weight.shape
    return math.prod((inputs, *filter_shape)), math.prod((outputs, *filter_shape))


def by_rand(weight: Tensor, generator: torch.Generator) -> None:
    """Right as well: numbers from 0 to 1, shifted and stretched."""
    drawn = torch.rand(weight.shape, generator=generator, dtype=weight.dtype) - 0.5
    weight.data.copy_(drawn * math.sqrt(24 / sum(by_products(weight))))


def by_randn(weight: Tensor, generator: torch.Generator) -> None:
    """Right as well: standard normal numbers, scaled."""
    drawn = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    weight.data.copy_(drawn / math.sqrt(by_products(weight)[0] / 2))


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any shape."""
    shape = (torch.randint(1, 6, (4,), generator=generator)).tolist()
    weight = torch.zeros(shape, dtype=torch.float64)
    told = {"fans": answer.fans(weight)}
    for fill in (answer.xavier_uniform, answer.he_normal):
        fill(weight, generator)
        told[f"weight {len(told)}"] = weight.clone()
    return told


UNIFORM = "weight.uniform_(-bound, bound, generator=generator)"
NORMAL = "weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)"
QUIET = "with torch.no_grad():\n"
GIVEN = ", generator=generator"
FIXED = ", generator=torch.Generator().manual_seed(0)"

exercise = Exercise(
    area="training",
    needs=["graph"],
    lab="initialization",
    minutes=20,
    hints=[
        "weight.shape[0] is the number of outputs, weight.shape[1] that of inputs. weight[0, 0] is "
        "the filter from the first input to the first output: .numel() counts its numbers, 1 in a "
        "linear layer.",
        "Xavier: b^2 / 3 = 2 / (fan_in + fan_out). What is b?",
        "normal_ takes the mean and the standard deviation, which is the root of the variance.",
        "A parameter may be filled in place under torch.no_grad(): weight.uniform_(-b, b, "
        "generator=generator) and weight.normal_(0, deviation, generator=generator).",
    ],
    tasks={
        "The fans": [Check(linear, lambda: {"fans": (5, 3)}), convolution],
        "Xavier": [xavier_spread, xavier_shape],
        "He": [he_spread, he_shape, Check(signal, lambda: {"power of ten": 0})],
        "In a network": [filters, parameters, seeds],
    },
    oracle={"fans": counted, "xavier_uniform": torch_xavier, "he_normal": torch_he},
    alternative={"fans": by_products, "xavier_uniform": by_rand, "he_normal": by_randn},
    sample=at_random,
    wrong=[
        Wrong(
            {
                "weight.shape[1] * filter_size, weight.shape[0] * filter_size": (
                    "weight.shape[0] * filter_size, weight.shape[1] * filter_size"
                )
            },
            "The fans are swapped: a weight's shape is (outputs, inputs), outputs first.",
        ),
        Wrong(
            {"weight[0, 0].numel()": "1"},
            "The size of the filter is forgotten: into one output of a convolution go all numbers "
            "under the filter, in every input channel.",
        ),
        Wrong(
            {"math.sqrt(3 * 2 / (fan_in + fan_out))": "math.sqrt(2 / (fan_in + fan_out))"},
            "The standard deviation is used as the bound: uniform numbers from -b to b have the "
            "variance b^2 / 3, so the bound is sqrt(3) times as large.",
        ),
        Wrong(
            {"math.sqrt(3 * 2 / (fan_in + fan_out))": "math.sqrt(3 / (fan_in + fan_out))"},
            "The 2 is lost: Xavier divides by the mean of the two fans, which is half their sum.",
        ),
        Wrong(
            {"math.sqrt(3 * 2 / (fan_in + fan_out))": "math.sqrt(3 / fan_in)"},
            "Only fan_in counts: that keeps the signal forward, but not the gradient on its way "
            "back. Xavier takes the mean of both.",
        ),
        Wrong(
            {"-bound, bound": "0, bound"},
            "All numbers are positive, from 0 to the bound: the mean is to be 0.",
        ),
        Wrong(
            {"math.sqrt(2 / fan_in)": "2 / fan_in"},
            "The variance is used as the standard deviation: normal_ takes the root of it.",
        ),
        Wrong(
            {"math.sqrt(2 / fan_in)": "math.sqrt(1 / fan_in)"},
            "The 2 is missing: ReLU throws away half of the mean square, and the signal halves in "
            "every layer.",
        ),
        Wrong(
            {"fan_in, _ = fans": "_, fan_in = fans"},
            "He's variance is taken from fan_out: what goes into an output is fan_in numbers.",
        ),
        Wrong(
            {NORMAL: "weight.uniform_(-1, 1, generator=generator).mul_(math.sqrt(6 / fan_in))"},
            "He's numbers are uniform here, of the right variance; normal ones are asked for.",
        ),
        Wrong(
            {UNIFORM: UNIFORM.replace(GIVEN, ""), NORMAL: NORMAL.replace(GIVEN, "")},
            "The numbers are drawn from torch's global generator: the same seed does not give the "
            "same weights again.",
        ),
        Wrong(
            {UNIFORM: UNIFORM.replace(GIVEN, FIXED), NORMAL: NORMAL.replace(GIVEN, FIXED)},
            "The seed is set inside the function: all layers of the same shape start with the same "
            "weights, whatever generator is given.",
        ),
        Wrong(
            {f"{QUIET}{UNIFORM}": UNIFORM, f"{QUIET}{NORMAL}": NORMAL},
            "PyTorch refuses to fill a parameter as part of the graph: do it under "
            "torch.no_grad().",
        ),
    ],
)

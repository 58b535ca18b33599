"""Fisher information: which weights does a classifier need?

A network that has learned one task is to learn another without forgetting the first. Some weights
matter for what it predicts, others hardly do. The Fisher information F of a weight w tells: by how
much, on average, the log probability of a prediction changes with it. For a row x the network gives
class y the probability p(y | x), and

    F_w  =  mean over rows x of  sum over classes y of  p(y | x) * (d log p(y | x) / d w)^2

The classes are weighted by the network's own probabilities; labels are not needed. Each slope is
squared on its own, for one row and one class, before anything is added: slopes of different rows
would cancel, and the square of a mean is not the mean of the squares.

The network is used as it is. Leave its `.grad` alone, and give back plain tensors without history.
"""

import torch
from torch import Tensor, nn


def fisher_information(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """For each parameter, by its name, a tensor of its shape.

    `model` takes (rows, inputs) and gives logits (rows, classes).
    """
    # --- solution ---
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    logs = model(inputs).log_softmax(dim=1)
    for row in logs:
        for log in row:
            slopes = torch.autograd.grad(log, parameters, retain_graph=True)
            for name, slope in zip(names, slopes, strict=True):
                found[name] += log.detach().exp() * slope.square() / len(inputs)
    return found
    # --- end ---


# --- checks ---
from typing import Any

from torch.func import functional_call, jacrev

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def filled(model: nn.Module) -> nn.Module:
    """The network in float64, with fixed weights."""
    model = model.double()
    with torch.no_grad():
        for seed, parameter in enumerate(model.parameters()):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return model


def linear(inputs: int = 2, classes: int = 3) -> nn.Module:
    """Logits are linear in the inputs."""
    return filled(nn.Linear(inputs, classes))


def deep() -> nn.Module:
    """A network with a hidden layer."""
    return filled(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3)))


def names(answer: Any) -> Any:
    """Each parameter has an entry of its own shape, and without history."""
    found = answer.fisher_information(deep(), normal(4, 2))
    return {name: [list(f.shape), f.requires_grad] for name, f in sorted(found.items())}


def one_row(answer: Any) -> Any:
    """For one row: the squared slopes of all classes, weighted by their probabilities."""
    return answer.fisher_information(linear(), tensor([[2, -1]]))


def many_rows(answer: Any) -> Any:
    """For many rows it is the mean over them."""
    return answer.fisher_information(linear(), normal(5, 2))


def two_opposite(answer: Any) -> Any:
    """Two rows whose slopes cancel tell twice, not nothing."""
    model = linear()
    nn.init.zeros_(model.bias)  # type: ignore[arg-type]
    nn.init.zeros_(model.weight)  # type: ignore[arg-type]
    return answer.fisher_information(model, tensor([[2, -1], [-2, 1]]))


def hidden(answer: Any) -> Any:
    """The weights of a hidden layer have theirs too."""
    return answer.fisher_information(deep(), normal(4, 2))


def sure(answer: Any) -> Any:
    """Where the network is sure, no weight matters, and there is no nan."""
    return answer.fisher_information(linear(), 400 * normal(3, 2))


def left_alone(answer: Any) -> Any:
    """The gradients that the network holds stay as they are, and so do its weights."""
    model = linear()
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    answer.fisher_information(model, normal(3, 2))
    return {
        "weight": model.weight,
        "weight's gradient": model.weight.grad,
        "bias's gradient": model.bias.grad,
    }


def closed_form(inputs: Tensor, even: bool = False) -> Any:
    """For a linear classifier: the mean of x_j^2 p_k (1 - p_k), with x = 1 for the bias."""
    chances = linear()(inputs).detach().softmax(1)
    if even:
        chances = torch.full_like(chances, 1 / 3)
    spread = chances * (1 - chances)
    weight = torch.einsum("rk,rj->kj", spread, inputs.square()) / len(inputs)
    return {"weight": weight, "bias": spread.mean(0)}


def by_jacobian(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """The same in closed form: J' (diag(p) - p p') J of each row, J the slopes of the logits."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    with torch.no_grad():
        chances = model(inputs).softmax(1)
    middle = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None, :]

    def logits(given: dict[str, Tensor]) -> Any:
        return functional_call(model, given, (inputs,))

    slopes = jacrev(logits)(parameters)
    return {
        name: torch.einsum("rk...,rkl,rl...->r...", slope, middle, slope).mean(0)
        for name, slope in slopes.items()
    }


def by_copies(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Right as well: gradients of sqrt(p), since 4 (d sqrt(p))^2 = p (d log p)^2."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def roots(given: dict[str, Tensor], x: Tensor) -> Tensor:
        return (functional_call(model, given, (x[None],))[0].log_softmax(0) / 2).exp()

    found = [jacrev(roots)(parameters, x) for x in inputs]
    return {
        name: 4 * torch.stack([f[name].square().sum(0) for f in found]).mean(0)
        for name in parameters
    }


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any rows, both networks."""
    rows = int(torch.randint(1, 5, (1,), generator=generator))
    inputs = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    found = [answer.fisher_information(model, inputs) for model in (linear(), deep())]
    return {str(number): found for number, found in enumerate(found)}


ADDED = "log.detach().exp() * slope.square() / len(inputs)"

exercise = Exercise(
    area="continual",
    needs=["cross-entropy"],
    lab="elastic-weights",
    minutes=25,
    hints=[
        "Two loops: over the rows, and over the classes of each. In the inner one the gradient of "
        "one number, log p(y | x), is taken.",
        "torch.autograd.grad(number, parameters, retain_graph=True) returns gradients and leaves "
        ".grad alone. retain_graph, as many numbers come from one graph.",
        "log_softmax gives the logarithms; the probability that weighs a square is the exponential "
        "of the same number, detached.",
        "Square first, then weigh, then add.",
    ],
    tasks={
        "What comes back": [names],
        "A linear classifier": [
            Check(one_row, lambda: closed_form(tensor([[2, -1]]))),
            Check(many_rows, lambda: closed_form(normal(5, 2))),
            Check(two_opposite, lambda: closed_form(tensor([[2, -1], [-2, 1]]), even=True)),
        ],
        "Any network": [hidden, sure, left_alone],
    },
    oracle={"fisher_information": by_jacobian},
    alternative={"fisher_information": by_copies},
    sample=at_random,
    wrong=[
        Wrong(
            {
                "for row in logs:": "for row in [logs.max(dim=1).values]:",
                "for log in row:": "for log in [row.mean()]:",
                ADDED: "slope.square()",
            },
            "The gradient of the batch's mean is squared: slopes of different rows cancel before, "
            "and almost every weight seems free. Square each row's slopes on their own.",
        ),
        Wrong(
            {"for log in row:": "for log in [row.max()]:", "log.detach().exp() * ": ""},
            "Only the most likely class counts: where the network is in doubt, the other classes "
            "matter nearly as much. Sum over all, weighted by their probabilities.",
        ),
        Wrong(
            {"log.detach().exp() * ": ""},
            "All classes count the same: classes that the network all but rules out have the "
            "steepest slopes, and would decide everything. Weigh them by their probabilities.",
        ),
        Wrong(
            {"slope.square()": "slope"},
            "The slopes are not squared: weighted by their probabilities they add up to 0, always.",
        ),
        Wrong(
            {"slope.square()": "slope.abs()"},
            "The size of the slopes is taken, not their square.",
        ),
        Wrong(
            {"log.detach().exp() * slope.square()": "(log.detach().exp() * slope).square()"},
            "The probability is squared as well: square the slope first, then weigh it.",
        ),
        Wrong(
            {" / len(inputs)": ""},
            "The rows are added up, not averaged: the more rows, the stiffer every weight seems.",
        ),
        Wrong(
            {"len(inputs)": "logs.numel()"},
            "It is divided by the number of classes too: their probabilities add up to 1 already.",
        ),
        Wrong(
            {"log_softmax(dim=1)": "softmax(dim=1)", "log.detach().exp()": "log.detach()"},
            "The slope of the probability is taken, not that of its logarithm: rare classes hardly "
            "count at all.",
        ),
        Wrong(
            {"log_softmax(dim=1)": "softmax(dim=1).log()"},
            "Softmax first, its log afterwards: a small probability is rounded to 0, and the slope "
            "of its log is nan. Use log_softmax.",
        ),
        Wrong(
            {"log_softmax(dim=1)": "log_softmax(dim=0)"},
            "Softmax runs over the rows, dim=0. The probabilities of one row's classes add up to "
            "1: dim=1.",
        ),
        Wrong(
            {
                "torch.autograd.grad(log, parameters, retain_graph=True)": "[]\n"
                "model.zero_grad()\nlog.backward(retain_graph=True)\n"
                "slopes = [p.grad for p in parameters]"
            },
            "The network's own gradients are overwritten: a training step that comes after this "
            "would go by them. torch.autograd.grad leaves them alone.",
        ),
        Wrong(
            {"log.detach().exp()": "log.exp()"},
            "The result still has a history: it keeps the whole graph in memory, and a penalty "
            "made of it would send gradients through it. Detach the probability.",
        ),
    ],
)

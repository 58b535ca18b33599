"""The penalty of elastic weight consolidation.

A network has learned task A and is now to learn task B, without A's data. After A two things were
kept for each weight w: its value a, the anchor, and how much A needs it, the importance F (its
Fisher information). While B is learned, each weight hangs on a spring to its anchor, as stiff as
it is important:

    penalty  =  strength / 2 * sum over all weights of F * (w - a)^2

The gradient at one weight is strength * F * (w - a): a weight that A does not need may go where B
wants it. The penalty is added to B's loss, so it must have a gradient to the network's weights, and
none to anchors and importances, which are only remembered.

A parameter for which no importance was kept, such as a new head for task B, is free.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def elastic_penalty(
    model: nn.Module,
    anchors: Mapping[str, Tensor],
    importances: Mapping[str, Tensor],
    strength: float,
) -> Tensor:
    """A scalar. `anchors` and `importances` hold, by a parameter's name, tensors of its shape."""
    # --- solution ---
    total = torch.zeros(())
    for name, parameter in model.named_parameters():
        if name in importances:
            away = parameter - anchors[name].detach()
            total = total + (importances[name].detach() * away.square()).sum()
    return strength / 2 * total
    # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

Tensors = dict[str, Tensor]


def a_model() -> nn.Module:
    """A body and a head, with fixed weights, in float64."""
    model = nn.ModuleDict({"body": nn.Linear(2, 3), "head": nn.Linear(3, 2)}).double()
    with torch.no_grad():
        for seed, parameter in enumerate(model.parameters()):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return model


def remembered(model: nn.Module, seed: int = 10) -> tuple[Tensors, Tensors]:
    """Anchors a little way off, and importances, none of which is negative."""
    named = list(model.named_parameters())
    anchors = {n: p.detach() + normal(*p.shape, seed=seed + i) for i, (n, p) in enumerate(named)}
    importances = {
        n: normal(*p.shape, seed=seed + 10 + i).square() for i, (n, p) in enumerate(named)
    }
    return anchors, importances


def one_weight(answer: Any) -> Any:
    """One weight, 3 away from its anchor, with importance 2 and strength 10: 10 / 2 * 2 * 9."""
    model = nn.ParameterDict({"w": nn.Parameter(tensor([4]))})
    return {"penalty": answer.elastic_penalty(model, {"w": tensor([1])}, {"w": tensor([2])}, 10.0)}


def all_weights(answer: Any) -> Any:
    """The penalty is the sum over all weights and biases."""
    model = a_model()
    return {"penalty": answer.elastic_penalty(model, *remembered(model), 0.7)}


def at_anchor(answer: Any) -> Any:
    """Where no weight has moved, the penalty is 0."""
    model = a_model()
    anchors = {name: p.detach().clone() for name, p in model.named_parameters()}
    return {"penalty": answer.elastic_penalty(model, anchors, remembered(model)[1], 5.0)}


def unimportant(answer: Any) -> Any:
    """A weight without importance may go anywhere, for nothing."""
    model, far = a_model(), {}
    for name, parameter in model.named_parameters():
        far[name] = parameter.detach() + 1000
    nothing = {name: torch.zeros_like(anchor) for name, anchor in far.items()}
    return {"penalty": answer.elastic_penalty(model, far, nothing, 5.0)}


def new_head(answer: Any) -> Any:
    """A parameter of which nothing was kept is free."""
    model = a_model()
    kept = [{n: t for n, t in k.items() if n.startswith("body")} for k in remembered(model)]
    return {"penalty": answer.elastic_penalty(model, *kept, 2.0)}


def gradients(answer: Any) -> Any:
    """The gradient at each weight is strength * importance * (weight - anchor)."""
    model = a_model()
    answer.elastic_penalty(model, *remembered(model), 0.7).backward()
    return {name: p.grad for name, p in model.named_parameters()}


def only_remembered(answer: Any) -> Any:
    """No gradient goes to anchors or importances, even if they come with a history."""
    model = a_model()
    anchors, importances = remembered(model)
    for kept in (*anchors.values(), *importances.values()):
        kept.requires_grad_()
    answer.elastic_penalty(model, anchors, importances, 0.7).backward()
    return {
        "anchors": [a.grad for a in anchors.values()],
        "importances": [i.grad for i in importances.values()],
    }


def left_alone(answer: Any) -> Any:
    """What was remembered stays as it was."""
    model = a_model()
    anchors, importances = remembered(model)
    answer.elastic_penalty(model, anchors, importances, 0.7)
    return {"anchors": anchors, "importances": importances}


def settles(answer: Any) -> Any:
    """One weight between two wishes, at 0 for the new task and at its anchor for the old, settles
    where the two forces are equal."""
    model = nn.ParameterDict({"w": nn.Parameter(tensor([0.5, 0.5, 0.5]))})
    kept = {"w": tensor([1, 1, 1])}, {"w": tensor([0, 1, 9])}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss = model["w"].square().sum() / 2 + answer.elastic_penalty(model, *kept, 1.0)
        loss.backward()
        optimizer.step()
    return {"weights": model["w"].detach()}


def springs() -> Any:
    """strength * F * (w - a)."""
    model = a_model()
    anchors, importances = remembered(model)
    return {
        name: 0.7 * importances[name] * (p.detach() - anchors[name])
        for name, p in model.named_parameters()
    }


def between_both() -> Any:
    """w + F (w - 1) = 0 at w = F / (1 + F)."""
    return {"weights": tensor([0, 1 / 2, 9 / 10])}


def as_one_form(model: nn.Module, anchors: Any, importances: Any, strength: float) -> Tensor:
    """The same as a quadratic form: all weights in one long row, and a diagonal matrix."""
    held = [name for name, _ in model.named_parameters() if name in importances]
    weights = nn.utils.parameters_to_vector([model.get_parameter(name) for name in held])
    away = weights - torch.cat([anchors[name].detach().flatten() for name in held])
    matrix = torch.diag(torch.cat([importances[name].detach().flatten() for name in held]))
    return away @ (strength * matrix) @ away / 2


def by_weighted_errors(model: nn.Module, anchors: Any, importances: Any, strength: float) -> Any:
    """Right as well: torch's squared error, with what was kept in the outer loop."""
    weights = dict(model.named_parameters())
    parts = []
    for name, importance in importances.items():
        with torch.no_grad():
            scale, anchor = (strength * importance / 2).sqrt(), anchors[name].clone()
        scaled = scale * weights[name], scale * anchor
        parts.append(nn.functional.mse_loss(*scaled, reduction="sum"))
    return torch.stack(parts).sum()


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Anything remembered, of both layers or of one."""
    seed = int(torch.randint(1000, (1,), generator=generator))
    model = a_model()
    anchors, importances = remembered(model, seed)
    penalties = {"all": answer.elastic_penalty(model, anchors, importances, seed / 500)}
    del importances["head.weight"]
    return penalties | {"some": answer.elastic_penalty(model, anchors, importances, 2.0)}


FORCE = "(importances[name].detach() * away.square()).sum()"

exercise = Exercise(
    area="continual",
    needs=["fisher-information"],
    lab="elastic-weights",
    minutes=15,
    hints=[
        "for name, parameter in model.named_parameters(): the names are those of both dicts.",
        "Distance squared, times importance, weight by weight; then .sum(). A parameter whose name "
        "is not in `importances` is passed over.",
        "anchors[name].detach() is the same tensor without history. The parameter keeps its own.",
    ],
    tasks={
        "The penalty": [
            Check(one_weight, lambda: {"penalty": tensor(90.0).requires_grad_()}),
            all_weights,
            at_anchor,
            unimportant,
            new_head,
        ],
        "Its gradient": [Check(gradients, springs), only_remembered, left_alone],
        "In training": [Check(settles, between_both, within=1e-6)],
    },
    oracle={"elastic_penalty": as_one_form},
    alternative={"elastic_penalty": by_weighted_errors},
    sample=at_random,
    wrong=[
        Wrong(
            {"importances[name].detach() * ": ""},
            "The importance is left out: all weights are held alike, those that task A needs and "
            "those it does not.",
        ),
        Wrong(
            {"strength / 2 * total": "strength * total"},
            "The half is missing: every spring is twice as stiff as the strength says.",
        ),
        Wrong(
            {"strength / 2 * total": "total / 2"},
            "The strength is left out: nobody can choose between the old task and the new.",
        ),
        Wrong(
            {FORCE: FORCE.replace(".sum()", ".mean()")},
            "Each parameter's numbers are averaged, not added: a weight in a large layer is held "
            "more weakly than one in a small layer.",
        ),
        Wrong(
            {"away.square()": "away.abs()"},
            "The distance is not squared: the force is then the same however far the weight has "
            "gone.",
        ),
        Wrong(
            {"away.square()": "away"},
            "The distance itself is added up: weights that moved down make the penalty smaller.",
        ),
        Wrong(
            {FORCE: "(importances[name].detach() * away).square().sum()"},
            "The importance is squared as well: square the distance, then multiply.",
        ),
        Wrong(
            {"parameter - anchors[name].detach()": "parameter"},
            "The anchor is left out: weights are drawn to 0, not to where task A left them. That "
            "is weight decay.",
        ),
        Wrong(
            {"parameter - anchors[name].detach()": "parameter.detach() - anchors[name].detach()"},
            "The weights were cut from the graph: the penalty is a number that nobody can make "
            "smaller.",
        ),
        Wrong(
            {"anchors[name].detach()": "anchors[name]"},
            "The gradient also goes to the anchors: an anchor that moves along holds nothing. "
            "Detach it.",
        ),
        Wrong(
            {"importances[name].detach()": "importances[name]"},
            "The gradient also goes to the importances: they are remembered, not learned. Detach "
            "them.",
        ),
        Wrong(
            {"if name in importances:": "if name in importances and parameter.dim() > 1:"},
            "The biases are left out: task A needs them as well.",
        ),
        Wrong(
            {"if name in importances:": "if True:"},
            "A parameter without importance raises a KeyError: nothing was kept of it, so it is "
            "free.",
        ),
        Wrong(
            {"total = total + (": "total = ("},
            "Only the last parameter counts: add up over all.",
        ),
        Wrong(
            {"parameter - anchors[name].detach()": "anchors[name].detach().sub_(parameter)"},
            "The anchors were changed in place: the next call finds other ones.",
        ),
    ],
)

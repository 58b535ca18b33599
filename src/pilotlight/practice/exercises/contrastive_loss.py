"""A contrastive loss: learning without labels who belongs together.

Of each of n pictures two views are made: shifted, turned, cropped. A network gives an embedding of
each view, 2n in all. Without any label it can learn that the two views of one picture belong
together: each view has to find its partner among all the others. How alike two embeddings a and b
are, is the cosine of the angle between them, divided by a temperature:

    s(a, b)         =  (a . b) / (|a| |b|) / temperature
    loss of view i  =  -log( exp(s(i, partner)) / sum over all views k except i of exp(s(i, k)) )

The sum goes over the partner and all views of other pictures. It leaves out i itself: nothing is
more like a view than that view, and who may find himself learns nothing. A low temperature looks
most at those that are hardest to tell apart.

Return the mean over all 2n views. This is NT-Xent, the loss of SimCLR (Chen et al. 2020).
"""

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """A scalar. Row i of `first` and of `second`, both (pictures, d), are views of picture i."""
    # --- solution ---
    views = functional.normalize(torch.cat([first, second]), dim=1)
    scores = views @ views.T / temperature
    itself = torch.eye(len(views), dtype=torch.bool)
    scores = scores.masked_fill(itself, -torch.inf)
    partners = torch.arange(len(views)).roll(len(first))
    return functional.cross_entropy(scores, partners)
    # --- end ---


# --- checks ---
import math
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def loss(answer: Any, first: Tensor, second: Tensor, temperature: float = 0.5) -> Any:
    """The loss, as it comes back."""
    return {"loss": answer.contrastive_loss(first, second, temperature)}


def all_alike(answer: Any) -> Any:
    """Where all embeddings are the same, the partner is found by chance, 1 in 2n - 1."""
    views = torch.ones(4, 3, dtype=torch.float64)
    return loss(answer, views, views)


def two_pictures(answer: Any) -> Any:
    """Two pictures whose views are equal, and which have nothing in common with each other."""
    views = tensor([[1, 0, 0], [0, 0, 1]])
    return loss(answer, views, views, 1.0)


def at_temperature(answer: Any) -> Any:
    """A low temperature makes much of small differences."""
    views = torch.eye(5, dtype=torch.float64)
    return {f"at {t}": answer.contrastive_loss(views, views, t) for t in (0.1, 0.5, 2.0)}


def any_views(answer: Any) -> Any:
    """The loss is the mean over all views of both halves."""
    return loss(answer, normal(6, 4), normal(6, 4, seed=1))


def length(answer: Any) -> Any:
    """Only the direction of an embedding counts, not its length."""
    lengths = tensor([[0.01], [1], [7], [300]])
    return loss(answer, lengths * normal(4, 3), normal(4, 3, seed=1) / lengths)


def one_picture(answer: Any) -> Any:
    """With one picture there is nobody but the partner: the loss is 0."""
    return loss(answer, normal(1, 3), normal(1, 3, seed=1))


def cold(answer: Any) -> Any:
    """A very low temperature does not overflow."""
    return loss(answer, normal(3, 2), normal(3, 2, seed=1), 1e-3)


def gradients(answer: Any) -> Any:
    """The gradient goes to both views, and turns embeddings without making them longer."""
    views = [normal(3, 2, seed=seed).requires_grad_() for seed in (0, 1)]
    answer.contrastive_loss(*views, 0.5).backward()
    along = [(v.grad * v.detach()).sum(dim=1) for v in views if v.grad is not None]
    return {"first": views[0].grad, "second": views[1].grad, "along the embedding": along}


def chance() -> Any:
    """Of eight views seven are others."""
    return {"loss": tensor(math.log(7))}


def e_and_two() -> Any:
    """The partner scores 1, the two others 0."""
    return {"loss": tensor(math.log(1 + 2 / math.e))}


def perfect() -> Any:
    """The partner scores 1 / t, the eight others 0."""
    return {f"at {t}": tensor(math.log1p(8 * math.exp(-1 / t))) for t in (0.1, 0.5, 2.0)}


def nothing_lost() -> Any:
    """The log of 1."""
    return {"loss": tensor(0)}


def view_by_view(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The same by torch's cosine, with lists of the others, one view at a time."""
    views, losses = [*first, *second], []
    for i, view in enumerate(views):
        partner = views[(i + len(first)) % len(views)]
        others = torch.stack(views[:i] + views[i + 1 :])
        scores = functional.cosine_similarity(view[None], others) / temperature
        score = functional.cosine_similarity(view, partner, dim=0) / temperature
        losses.append(scores.logsumexp(0) - score)
    return torch.stack(losses).mean()


def by_halves(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Right as well: four blocks of cosines, of which two lose their diagonals."""
    a, b = (v / v.square().sum(1, keepdim=True).sqrt() for v in (first, second))
    itself = torch.diag(torch.full((len(a),), 1e300, dtype=a.dtype))
    across = a @ b.T / temperature
    among_a = torch.cat([a @ a.T / temperature - itself, across], dim=1).logsumexp(1)
    among_b = torch.cat([b @ b.T / temperature - itself, across.T], dim=1).logsumexp(1)
    return (among_a + among_b - 2 * across.diagonal()).mean() / 2


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any number of pictures, any size and temperature."""
    pictures, d = (torch.randint(1, 6, (2,), generator=generator)).tolist()
    temperature = float(torch.rand(1, generator=generator)) + 0.1
    views = torch.randn(2, pictures, d, generator=generator, dtype=torch.float64).requires_grad_()
    value = answer.contrastive_loss(*views, temperature)
    return {"loss": value, "gradient": torch.autograd.grad(value, views)[0]}


NORMALIZED = "functional.normalize(torch.cat([first, second]), dim=1)"
MASKED = "scores.masked_fill(itself, -torch.inf)"
PARTNERS = "torch.arange(len(views)).roll(len(first))"

exercise = Exercise(
    area="representation",
    needs=["cross-entropy"],
    lab="self-supervision",
    minutes=25,
    hints=[
        "Put both halves on top of each other: 2n rows. With rows of length 1, one matrix product "
        "gives the cosines of all pairs.",
        "A score of minus infinity has probability 0. Give it to each view and itself: the "
        "diagonal.",
        "Row i is a question with 2n answers, of which one is right: cross-entropy. View i's "
        "partner is i + n in the first half, and i - n in the second.",
    ],
    tasks={
        "Known cases": [
            Check(all_alike, chance),
            Check(two_pictures, e_and_two),
            Check(at_temperature, perfect),
            Check(one_picture, nothing_lost),
        ],
        "Any views": [any_views, length, cold],
        "Backward": [gradients],
    },
    oracle={"contrastive_loss": view_by_view},
    alternative={"contrastive_loss": by_halves},
    sample=at_random,
    wrong=[
        Wrong(
            {MASKED: "scores"},
            "Each view is compared with itself too: itself is always the most alike, and takes "
            "much of the probability. Leave the diagonal out of the sum.",
        ),
        Wrong(
            {"-torch.inf": "0"},
            "The score with itself is set to 0: that still adds exp(0) = 1 to the sum. Set it to "
            "minus infinity.",
        ),
        Wrong(
            {NORMALIZED: "torch.cat([first, second])"},
            "The embeddings are not normalised: the loss falls if they only grow longer. Divide "
            "each by its length.",
        ),
        Wrong(
            {"dim=1)": "dim=0)"},
            "Columns are normalised, dim=0, not rows: an embedding is a row, dim=1.",
        ),
        Wrong(
            {" / temperature": ""},
            "The temperature is left out: cosines lie between -1 and 1, too close together for "
            "softmax to tell them apart.",
        ),
        Wrong(
            {" / temperature": " * temperature"},
            "The scores are multiplied by the temperature: a low one then levels differences. "
            "Divide.",
        ),
        Wrong(
            {PARTNERS: "torch.arange(len(views))"},
            "Each view is to find itself, which was left out: the loss is infinite. Its partner is "
            "n rows away.",
        ),
        Wrong(
            {PARTNERS: "torch.arange(len(views)) ^ 1"},
            "Neighbouring rows are taken for partners. Row i's partner is i + n, as the second "
            "views stand below the first.",
        ),
        Wrong(
            {
                "functional.cross_entropy(scores, partners)": "functional.cross_entropy("
                "scores[: len(first)], partners[: len(first)])"
            },
            "Only the first views look for their partners: the second ones have to find theirs "
            "as well.",
        ),
        Wrong(
            {
                MASKED: "scores.masked_fill(itself, -torch.inf)\n"
                "n = len(first)\n"
                "scores = torch.cat([scores[:n, n:], scores[n:, :n]]).repeat(1, 2)",
                "scores, partners)": "scores[:, :n], torch.arange(n).repeat(2))",
            },
            "The views of the other half are the only ones to choose from. The other pictures' "
            "views of the same half belong into the sum as well.",
        ),
        Wrong(
            {
                "functional.cross_entropy(scores, partners)": "(scores.scatter(1, "
                "partners[:, None], -torch.inf).logsumexp(1) "
                "- scores.gather(1, partners[:, None])[:, 0]).mean()"
            },
            "The partner is left out of the sum as well: then it is no probability, and the loss "
            "has no lower end.",
        ),
        Wrong(
            {
                "functional.cross_entropy(scores, partners)": "functional.cross_entropy("
                "scores, partners, reduction='sum')"
            },
            "The views are added up, not averaged.",
        ),
        Wrong(
            {
                "functional.cross_entropy(scores, partners)": "-(scores.exp()[torch.arange("
                "len(views)), partners] / scores.exp().sum(dim=1)).log().mean()"
            },
            "The exponentials overflow: at a low temperature scores are large. cross_entropy takes "
            "the largest away first.",
        ),
        Wrong(
            {"torch.cat([first, second])": "torch.cat([first, second.detach()])"},
            "The second views were cut from the graph: the network learns from the first only.",
        ),
    ],
)

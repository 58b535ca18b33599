"""Scaled dot-product attention.

Each query asks all keys; how well they match is their dot product, divided by the square root of
their length d. Softmax over the keys makes weights of it, and the answer to a query is the
weighted mean of the values:

    attention(Q, K, V)  =  softmax( Q K^T / sqrt(d) ) V

Without the root the dot products grow with d, softmax puts all weight on one key, and the
gradient all but vanishes. Write it with matrix products, for a batch at once.
"""

import math

from torch import Tensor


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`query` (batch, queries, d), `key` (batch, keys, d), `value` (batch, keys, e).

    Returns (batch, queries, e).
    """
    # --- solution ---
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = scores.softmax(dim=-1)
    return weights @ value
    # --- end ---


# --- checks ---
from typing import Any

import torch
from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def result(answer: Any, query: Tensor, key: Tensor, value: Tensor) -> Any:
    """The result, as it comes back."""
    return {"result": answer.attention(query, key, value)}


def two_keys(answer: Any) -> Any:
    """One query between two keys, small enough to do by hand."""
    query, key = tensor([[[1, 1, 1, 1]]]), tensor([[[1, 0, 0, 0], [1, 1, 1, 0]]])
    return result(answer, query, key, tensor([[[0], [10]]]))


def sizes(answer: Any) -> Any:
    """Queries, keys and the lengths of keys and values may all differ."""
    return result(answer, normal(2, 3, 4), normal(2, 5, 4, seed=1), normal(2, 5, 6, seed=2))


def equal_keys(answer: Any) -> Any:
    """Where all keys match equally well, the answer is the mean of the values."""
    key = torch.zeros(1, 4, 3, dtype=torch.float64)
    return result(answer, normal(1, 2, 3), key, normal(1, 4, 2, seed=1))


def sharp(answer: Any) -> Any:
    """A key that matches far better than the others gives its value alone, without overflow."""
    key = 300 * torch.eye(4, dtype=torch.float64)[None]
    return result(answer, 10 * key[:, [2, 0]], key, normal(1, 4, 3))


def each_batch(answer: Any) -> Any:
    """Nothing passes from one member of the batch to another."""
    value = normal(3, 4, 2, seed=2)
    value[1] = 0
    return result(answer, normal(3, 2, 2), normal(3, 4, 2, seed=1), value)


def gradients(answer: Any) -> Any:
    """The gradient goes back to queries, keys and values."""
    inputs = [normal(1, 3, 2, seed=i).requires_grad_() for i in range(3)]
    (answer.attention(*inputs) * normal(1, 3, 2, seed=9)).sum().backward()
    names = ("query's gradient", "key's gradient", "value's gradient")
    return {name: t.grad for name, t in zip(names, inputs, strict=True)}


def two_keys_by_hand() -> Any:
    """Scores 1/2 and 3/2: the second key has weight 1 / (1 + 1/e)."""
    return {"result": tensor([[[10 / (1 + math.exp(-1))]]])}


def by_einsum(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Right as well: exponentials divided by their sum."""
    scores = torch.einsum("bqd,bkd->bqk", query * query.shape[-1] ** -0.5, key)
    exponentials = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = exponentials / exponentials.sum(-1, keepdim=True)
    return torch.einsum("bqk,bke->bqe", weights, value)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    batch, queries, keys, d, e = torch.randint(1, 6, (5,), generator=generator).tolist()

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return result(answer, draw(batch, queries, d), draw(batch, keys, d), draw(batch, keys, e))


exercise = Exercise(
    area="attention",
    needs=["cross-entropy"],
    minutes=10,
    hints=[
        "Q K^T: `@` multiplies the last two dimensions of each member of the batch. "
        "key.transpose(-2, -1) turns (batch, keys, d) into (batch, d, keys).",
        "The scores have shape (batch, queries, keys). The weights of one query add up to 1: over "
        "which dimension does softmax go?",
        "d is query.shape[-1]: how many numbers a query has, not how many queries there are.",
    ],
    tasks={
        "The formula": [Check(two_keys, two_keys_by_hand), sizes],
        "What it does": [equal_keys, sharp, each_batch],
        "Backward": [gradients],
    },
    oracle={"attention": functional.scaled_dot_product_attention},
    alternative={"attention": by_einsum},
    sample=at_random,
    wrong=[
        Wrong(
            {" / math.sqrt(query.shape[-1])": ""},
            "The scores are not scaled: dot products grow with the length d of the keys, so "
            "softmax becomes too sharp. Divide them by sqrt(d).",
        ),
        Wrong(
            {"math.sqrt(query.shape[-1])": "query.shape[-1]"},
            "The scores are divided by d, not by its square root: the weights come out too even.",
        ),
        Wrong(
            {"key.transpose(-2, -1) / math": "key.transpose(-2, -1) * math"},
            "The scores are multiplied by sqrt(d): that makes softmax sharper still. Divide.",
        ),
        Wrong(
            {"query.shape[-1]": "query.shape[-2]"},
            "The scores are scaled by the number of queries. d is the length of one query, "
            "query.shape[-1].",
        ),
        Wrong(
            {"query.shape[-1]": "key.shape[-2]"},
            "The scores are scaled by the number of keys. d is the length of one key, "
            "key.shape[-1].",
        ),
        Wrong(
            {"query.shape[-1]": "value.shape[-1]"},
            "The scores are scaled by the length of the values. d is the length of queries and "
            "keys.",
        ),
        Wrong(
            {"softmax(dim=-1)": "softmax(dim=-2)"},
            "Softmax runs over the queries: the weights of one query no longer add up to 1. It "
            "runs over the keys, dim=-1.",
        ),
        Wrong(
            {"softmax(dim=-1)": "softmax(dim=0)"},
            "Softmax runs over the batch, dim=0: its members would compete. It runs over the keys, "
            "dim=-1.",
        ),
        Wrong(
            {"scores.softmax(dim=-1)": "scores"},
            "There is no softmax: the scores themselves are used as weights, negative ones too.",
        ),
        Wrong(
            {
                " / math.sqrt(query.shape[-1])": "",
                "scores.softmax(dim=-1)": "scores.softmax(dim=-1) / math.sqrt(query.shape[-1])",
            },
            "The weights are scaled, not the scores: the root belongs inside softmax, and weights "
            "add up to 1.",
        ),
        Wrong(
            {"scores.softmax(dim=-1)": "scores.exp() / scores.exp().sum(-1, keepdim=True)"},
            "The exponentials overflow: large scores give nan. softmax takes the largest score "
            "away first.",
        ),
        Wrong(
            {"weights @ value": "weights.detach() @ value"},
            "The weights were cut from the graph: queries and keys would never learn.",
        ),
    ],
)

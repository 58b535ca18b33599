"""A causal mask.

A model that predicts the next word must not see it. Attention sees all places at once, so a mask
says which key each query may look at: key j is allowed for query i when it is not later, j <= i.
And sequences of a batch differ in length: the shorter ones are filled up at their end with places
that mean nothing, and no query may look at those, so j < length as well.

    mask[b, i, j]    =  true  where  j <= i  and  j < lengths[b]
    scores[b, i, j]  =  Q[b, i] . K[b, j] / sqrt(d)  where the mask is true, else minus infinity
    result           =  softmax(scores) V

The mask comes before softmax: exp(-infinity) is 0, and the weights of what is left still add up to
1. Every length is at least 1, so each query has a key to look at.
"""

import math

import torch
from torch import Tensor


def causal_mask(lengths: Tensor, places: int) -> Tensor:
    """`lengths` (batch), whole numbers; returns true and false, (batch, places, places).

    The second dimension are the queries, the last the keys.
    """
    # --- solution ---
    place = torch.arange(places, device=lengths.device)
    not_later = place <= place[:, None]
    not_filling = place < lengths[:, None, None]
    return not_later & not_filling
    # --- end ---


def masked_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """`query`, `key`, `value` (batch, places, d), `mask` (batch, places, places), true: allowed."""
    # --- solution ---
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1) @ value
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

LENGTHS = (3, 5, 1)


def triangle(places: int) -> Tensor:
    """True on the diagonal and below."""
    return torch.ones(places, places).tril().bool()


def whole_sequence(answer: Any) -> Any:
    """Where nothing is filled up each place may look at itself and at those before it."""
    return {"mask": answer.causal_mask(torch.tensor([3]), 3)}


def lower_triangle() -> Any:
    """Row by row: the first sees itself, the last sees all."""
    return {"mask": torch.tensor([[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]).bool()}


def filled_up(answer: Any) -> Any:
    """In a batch each sequence has its own length, and what fills it up is never looked at."""
    return {"mask": answer.causal_mask(torch.tensor(LENGTHS), 5)}


def mean_of_the_past(answer: Any) -> Any:
    """Where all keys match equally well the result is the mean of what is allowed."""
    same = torch.zeros(2, 4, 1, dtype=torch.float64)
    mask = triangle(4) & torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()[:, None]
    value = tensor([[1], [3], [5], [7]]).expand(2, 4, 1)
    return {"result": answer.masked_attention(same, same, value, mask).squeeze(2)}


def means() -> Any:
    """1, then of 1 and 3, and so on; the second sequence has two places only."""
    return {"result": tensor([[1, 2, 3, 4], [1, 2, 2, 2]])}


def any_mask(answer: Any) -> Any:
    """The mask is obeyed, whatever its pattern."""
    q, k, v = (normal(2, 4, 3, seed=s) for s in range(3))
    mask = (normal(2, 4, 4, seed=3) > 0) | torch.eye(4).bool()
    return {"result": answer.masked_attention(q, k, v, mask)}


def tempting(answer: Any) -> Any:
    """A forbidden key that matches far better than the allowed ones gets no weight at all."""
    key = tensor([[[-300], [-299], [900]]])
    query, value = torch.ones_like(key), tensor([[[1], [2], [1000]]])
    return {"result": answer.masked_attention(query, key, value, triangle(3)[None])[:, :2]}


def no_look_ahead(answer: Any) -> Any:
    """Both together: places 3 and later may change, the results of the first three do not."""
    q, k, v = (normal(3, 5, 2, seed=s) for s in range(3))
    mask = answer.causal_mask(torch.tensor(LENGTHS), 5)
    changed = [torch.cat([t[:, :3], 50 * t[:, 3:]], dim=1) for t in (q, k, v)]
    return {"first three": answer.masked_attention(*changed, mask)[:, :3]}


def gradients(answer: Any) -> Any:
    """The gradient goes back to what was looked at, and is 0 at what was not."""
    inputs = [normal(2, 4, 3, seed=s).requires_grad_() for s in range(3)]
    out = answer.masked_attention(*inputs, triangle(4).repeat(2, 1, 1))
    (out * normal(2, 4, 3, seed=9))[:, :3].sum().backward()
    names = ("query's gradient", "key's gradient", "value's gradient")
    return {name: t.grad for name, t in zip(names, inputs, strict=True)}


def mask_by_torch(lengths: Tensor, places: int) -> Tensor:
    """Torch's own masks: minus infinity above the diagonal, and ones filled up with zeros."""
    later = torch.nn.Transformer.generate_square_subsequent_mask(places) < 0
    ones = [torch.ones(int(n)) for n in (*lengths, places)]
    real = pad_sequence(ones, batch_first=True)[:-1].bool()
    return ~later & real[:, None]


def attention_by_torch(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Torch's own function."""
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def mask_by_cutting(lengths: Tensor, places: int) -> Tensor:
    """Right as well: a triangle for each sequence, its last columns cleared."""
    mask = torch.ones(len(lengths), places, places, dtype=torch.bool).tril()
    for one, length in zip(mask, lengths.tolist(), strict=True):
        one[:, length:] = False
    return mask


def by_large_number(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Right as well: a very large number is taken away, instead of infinity."""
    scores = torch.einsum("bqd,bkd->bqk", query, key) * query.shape[-1] ** -0.5
    return (scores - 1e9 * (~mask).to(scores.dtype)).softmax(-1) @ value


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes and lengths."""
    batch, places, d = torch.randint(1, 6, (3,), generator=generator).tolist()
    lengths = torch.randint(1, places + 1, (batch,), generator=generator)
    mask = answer.causal_mask(lengths, places)
    inputs = torch.randn(3, batch, places, d, generator=generator).double()
    return {"mask": mask, "result": answer.masked_attention(*inputs, mask)}


FILLED = "scores.masked_fill(~mask, -math.inf)"
SOFTMAX = "scores.softmax(dim=-1)"

exercise = Exercise(
    area="attention",
    needs=["attention"],
    minutes=20,
    hints=[
        "torch.arange(places) are the keys; with [:, None] they are the queries. Comparing the "
        "two gives (places, places).",
        "lengths[:, None, None] has the shape (batch, 1, 1). Compared with the keys it gives "
        "(batch, 1, places), and `&` brings both together.",
        "masked_fill(~mask, -math.inf) sets the scores where the mask is false. It returns the "
        "result, it does not change the scores themselves.",
    ],
    tasks={
        "The mask": [Check(whole_sequence, lower_triangle), filled_up],
        "Attention": [Check(mean_of_the_past, means), any_mask, tempting],
        "Together": [no_look_ahead],
        "Backward": [gradients],
    },
    oracle={"causal_mask": mask_by_torch, "masked_attention": attention_by_torch},
    alternative={"causal_mask": mask_by_cutting, "masked_attention": by_large_number},
    sample=at_random,
    wrong=[
        Wrong(
            {FILLED: "scores", SOFTMAX: "(scores.softmax(dim=-1) * mask)"},
            "The mask comes after softmax: the weights of what is left no longer add up to 1, and "
            "depend on what is hidden. Mask the scores, before softmax.",
        ),
        Wrong(
            {
                FILLED: "scores.softmax(dim=-1) * mask",
                SOFTMAX: "(scores / scores.sum(dim=-1, keepdim=True))",
            },
            "The mask comes after softmax, and the rest is scaled up again: a hidden key that "
            "matches far better leaves 0 / 0, nan. Mask the scores, before softmax.",
        ),
        Wrong(
            {FILLED: "scores * mask"},
            "The scores were multiplied by the mask: a score of 0 still has a weight, since exp(0) "
            "is 1. Forbidden scores are minus infinity.",
        ),
        Wrong(
            {FILLED: "scores.masked_fill(~mask, -10.0)"},
            "Forbidden scores were set to a number that real scores can reach: then what is hidden "
            "is seen. Take minus infinity.",
        ),
        Wrong(
            {"~mask": "mask"},
            "The mask is the wrong way round: true means allowed, and what is not allowed gets "
            "minus infinity.",
        ),
        Wrong(
            {"place <= place[:, None]": "place >= place[:, None]"},
            "Each place looks at itself and at what comes later: it sees just what it should "
            "predict. Keys go along the columns, queries along the rows.",
        ),
        Wrong(
            {"place <= place[:, None]": "place < place[:, None]"},
            "A place may not look at itself: the first has nothing to look at, and softmax over "
            "nothing is nan.",
        ),
        Wrong(
            {"place <= place[:, None]": "place <= place[:, None] + 1"},
            "The mask is off by one: each place sees the next one, which is what it should "
            "predict.",
        ),
        Wrong(
            {"not_later & not_filling": "not_later.expand(len(lengths), -1, -1)"},
            "The lengths are not used: what fills up a sequence is looked at.",
        ),
        Wrong(
            {"place < lengths": "place <= lengths"},
            "One place too many: places count from 0, so the last real one is length - 1.",
        ),
        Wrong(
            {"place < lengths[:, None, None]": "(place < lengths[:, None])[:, :, None]"},
            "The lengths hide queries, not keys: a query that fills up has nothing to look at, and "
            "softmax over nothing is nan. Hide the keys, the last dimension.",
        ),
        Wrong(
            {"not_later & not_filling": "not_later | not_filling"},
            "A key is allowed when one of the two holds: both must, &.",
        ),
        Wrong(
            {" / math.sqrt(query.shape[-1])": ""},
            "The scores are not scaled: divide them by sqrt(d), as without a mask.",
        ),
        Wrong(
            {"~mask, -math.inf)": "~mask, -math.inf).detach()"},
            "The scores were cut from the graph: queries and keys would never learn.",
        ),
    ],
)

"""An embedding.

Words are not numbers that one could compute with: word 7 is not more than word 3. An embedding
gives every word a vector of its own, a row of a table, and the vectors are learned like any other
weights. Looking a word up is the same as multiplying the table by a vector that is 1 at the word
and 0 elsewhere, but without the work:

    out[..., :]  =  table[words[...], :]

and backward, the gradient of a row is the sum over all places at which its word stands. A word that
stands nowhere gets 0, a word that stands twice gets both parts.

`lookup` is the forward step. `lookup_backward` is the backward step, written out: from the gradient
of the result it makes the gradient of the table.
"""

import torch
from torch import Tensor


def lookup(table: Tensor, words: Tensor) -> Tensor:
    """`table` (vocabulary, size), `words` of any shape, int64; returns (*shape of words, size)."""
    # --- solution ---
    return table[words]
    # --- end ---


def lookup_backward(gradient: Tensor, words: Tensor, vocabulary: int) -> Tensor:
    """`gradient` (*shape of words, size) of the result; returns (vocabulary, size)."""
    # --- solution ---
    size = gradient.shape[-1]
    table_gradient = torch.zeros(vocabulary, size, dtype=gradient.dtype, device=gradient.device)
    table_gradient.index_add_(0, words.flatten(), gradient.reshape(-1, size))
    return table_gradient
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor, whole


def one_sentence(answer: Any) -> Any:
    """Each word gives its row, also when it stands there twice."""
    table = tensor([[0, 1], [10, 11], [20, 21], [30, 31]])
    return {"result": answer.lookup(table, torch.tensor([2, 0, 2]))}


def any_shape(answer: Any) -> Any:
    """One word, a sentence or a batch of sentences: the vectors take the words' places."""
    table, words = normal(7, 3), whole(7, 2, 4)
    shapes = {"one word": words[0, 0], "a sentence": words[0], "a batch": words}
    return {name: answer.lookup(table, these) for name, these in shapes.items()}


def autograd(answer: Any) -> Any:
    """Autograd goes back through the lookup to the table, and adds up where a word repeats."""
    table = normal(5, 3).requires_grad_()
    (answer.lookup(table, torch.tensor([4, 1, 4, 4])) * normal(4, 3, seed=1)).sum().backward()
    return {"table's gradient": table.grad}


def repeated(answer: Any) -> Any:
    """Word 2 stands twice and gets both parts; words 1 and 3 stand nowhere and get 0."""
    gradient, words = tensor([[1, 2], [10, 20], [100, 200]]), torch.tensor([2, 0, 2])
    return {"table's gradient": answer.lookup_backward(gradient, words, 4)}


def added_up() -> Any:
    """By hand."""
    return {"table's gradient": tensor([[10, 20], [0, 0], [101, 202], [0, 0]])}


def batch(answer: Any) -> Any:
    """In a batch of sentences every place counts."""
    words = whole(6, 3, 5)
    return {"table's gradient": answer.lookup_backward(normal(3, 5, 2), words, 6)}


def turned(answer: Any) -> Any:
    """Words and gradient may be views of other tensors, with dimensions in another order."""
    words, gradient = whole(6, 5, 3).T, normal(5, 3, 2).transpose(0, 1)
    return {"table's gradient": answer.lookup_backward(gradient, words, 6)}


def by_torch(gradient: Tensor, words: Tensor, vocabulary: int) -> Tensor:
    """Torch's own embedding, backward."""
    table = torch.zeros(vocabulary, gradient.shape[-1], dtype=gradient.dtype, requires_grad=True)
    functional.embedding(words, table).backward(gradient)
    assert table.grad is not None
    return table.grad


def by_product(table: Tensor, words: Tensor) -> Tensor:
    """Right as well: the product with vectors of 0 and 1."""
    return functional.one_hot(words, len(table)).to(table.dtype) @ table


def by_product_back(gradient: Tensor, words: Tensor, vocabulary: int) -> Tensor:
    """Right as well: the transposed product."""
    rows = functional.one_hot(words, vocabulary).to(gradient.dtype)
    return torch.einsum("...v,...s->vs", rows, gradient)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    vocabulary, size, sentences, length = torch.randint(1, 6, (4,), generator=generator).tolist()
    words = torch.randint(vocabulary, (sentences, length), generator=generator)
    table = torch.randn(vocabulary, size, generator=generator).double()
    gradient = torch.randn(sentences, length, size, generator=generator).double()
    return {
        "result": answer.lookup(table, words),
        "table's gradient": answer.lookup_backward(gradient, words, vocabulary),
    }


ADDED = "table_gradient.index_add_(0, words.flatten(), gradient.reshape(-1, size))"
COUNTS = "words.flatten().bincount(minlength=vocabulary).clamp(min=1)[:, None]"

exercise = Exercise(
    area="sequences",
    needs=["training-loop"],
    minutes=15,
    hints=[
        "A tensor of indices in square brackets takes rows: table[words]. It works for words of "
        "any shape.",
        "Backward, make a table of zeros, in the dtype of the gradient, then add each place's "
        "gradient to the row of its word. A loop over places will do.",
        "`table[words] += gradient` writes each row once, so of a repeated word only one place "
        "counts. index_add_ adds them all; it takes one dimension of words, so flatten them.",
    ],
    tasks={
        "Forward": [one_sentence, any_shape, autograd],
        "Backward": [Check(repeated, added_up), batch, turned],
    },
    oracle={
        "lookup": lambda table, words: functional.embedding(words, table),
        "lookup_backward": by_torch,
    },
    alternative={"lookup": by_product, "lookup_backward": by_product_back},
    sample=at_random,
    wrong=[
        Wrong(
            {ADDED: "table_gradient[words] += gradient"},
            "Each row was written once: `+=` on [words] reads, adds and writes back, so of a word "
            "that stands twice only one place counts, as with `=`. index_add_ adds them all.",
        ),
        Wrong(
            {ADDED: "for one, part in zip(words, gradient):\n    table_gradient[one] += part"},
            "The loop goes over the first dimension only. In a batch that is a whole sentence, and "
            "of a word that stands in it twice one place counts: flatten words and gradient first.",
        ),
        Wrong(
            {"return table_gradient": f"return table_gradient / {COUNTS}"},
            "The gradient was averaged over the places of a word: it is their sum, so a frequent "
            "word moves more.",
        ),
        Wrong(
            {"torch.zeros(vocabulary": "torch.zeros(int(words.max()) + 1"},
            "The table was made as long as the largest word seen: it has `vocabulary` rows, also "
            "for words that stand nowhere.",
        ),
        Wrong(
            {"torch.zeros(vocabulary": "torch.ones(vocabulary"},
            "The gradient starts at 1: words that stand nowhere get 1, and all others 1 too much.",
        ),
        Wrong(
            {"dtype=gradient.dtype, ": ""},
            "The table is made in float32, whatever the gradient has: torch.zeros needs its dtype.",
        ),
        Wrong(
            {"gradient.reshape(-1, size)": "gradient.view(-1, size)"},
            "view fails where the numbers do not lie in memory in their order, as after "
            "transpose: reshape copies then.",
        ),
        Wrong(
            {"return table[words]": "return table[:, words].transpose(0, 1)"},
            "table[:, words] takes columns. A word is a row: table[words].",
        ),
        Wrong(
            {"return table[words]": "return table.detach()[words]"},
            "The table was cut from the graph: the vectors would never learn.",
        ),
        Wrong(
            {"return table[words]": "return table[words.flatten()]"},
            "The words' shape is lost: all vectors of a batch stand in one long row. Index with "
            "words as they are.",
        ),
        Wrong(
            {"return table_gradient": "return table_gradient / words.numel()"},
            "The gradient was divided by the number of places. It is the sum over them: a loss "
            "that averages has divided already.",
        ),
    ],
)

"""The bundled data sets hold what their sources say."""

import torch
from sklearn.datasets import load_digits

from pilotlight.data.bundled import digits, read_digits


def test_digits_have_the_published_shape_range_and_classes():
    inputs, targets = read_digits()
    assert (inputs.shape, inputs.dtype) == ((1797, 64), torch.float32)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert (targets.shape, targets.dtype) == ((1797,), torch.int64)
    # the counts per class of the data set's description, test part
    assert targets.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_are_scikit_learns():
    pixels, labels = load_digits(return_X_y=True)
    inputs, targets = digits.load()
    assert torch.equal(inputs * 16, torch.tensor(pixels, dtype=torch.float32))
    assert targets.tolist() == labels.tolist()
    assert (digits.classes, digits.per_seed) == (10, False)

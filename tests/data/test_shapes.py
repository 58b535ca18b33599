"""Shapes drawn from known factors, and other looks at them."""

import math
from types import SimpleNamespace

import pytest
import torch
from scipy.ndimage import zoom as scipy_zoom

from pilotlight.data.shapes import (
    FAR,
    LARGEST,
    SMALLEST,
    TESTS,
    augment,
    ellipse,
    paint,
    pretrain_train_test,
    shapes,
    square,
    triangle,
)


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def factors(shape=0, right=0.0, down=0.0, size=3.0, turn=0.0):
    return torch.tensor([[shape, right, down, size, turn]], dtype=torch.float64)


@pytest.fixture(scope="module")
def table():
    return shapes(SimpleNamespace(images=1200), drawn())


def test_factors_lie_where_they_should_and_do_not_hang_together(table):
    inputs, targets = table
    assert inputs.shape == (1200 + TESTS, 1, 16, 16)
    assert torch.equal(targets[:, 0].unique(), torch.arange(3.0))
    assert targets[:, 1:3].abs().max() <= FAR
    assert ((targets[:, 3] >= SMALLEST) & (targets[:, 3] <= LARGEST)).all()
    assert torch.equal(targets[:, 5], torch.arange(1600.0))
    ordered = torch.corrcoef(targets[:, :5].T) - torch.eye(5)
    assert ordered.abs().max() < 0.1


def test_the_middle_of_a_picture_is_where_its_shape_lies(table):
    inputs, targets = table
    at = torch.arange(16) - 7.5
    weight = inputs[:, 0] / inputs.sum((1, 2, 3))[:, None, None]
    middle = torch.stack([(weight.sum(1) * at).sum(1), (weight.sum(2) * at).sum(1)], 1)
    assert (middle - targets[:, 1:3]).abs().max() < 0.1


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_brightness_tells_the_size_and_not_the_shape(shape):
    areas = [paint(factors(shape, size=3.0, turn=t)).sum().item() for t in (0.0, 0.3, 0.7)]
    assert areas == pytest.approx([math.pi * 9] * 3, rel=0.05)


@pytest.mark.parametrize("inside", [square, ellipse, triangle])
def test_a_shape_of_size_1_has_the_area_of_a_disc(inside):
    place = (torch.arange(800, dtype=torch.float64) + 0.5) / 200 - 2
    x, y = torch.meshgrid(place, place, indexing="xy")
    turned = math.cos(0.3) * x + math.sin(0.3) * y, math.cos(0.3) * y - math.sin(0.3) * x
    share = (inside(*turned) < 0).double().mean()
    assert 16 * share.item() == pytest.approx(math.pi, rel=2e-3)


@pytest.mark.parametrize(("shape", "symmetry"), [(0, 4), (1, 2), (2, 3)])
def test_a_shape_looks_the_same_after_its_own_turn_only(shape, symmetry):
    first = paint(factors(shape, turn=0.2))
    same = paint(factors(shape, turn=0.2 + 2 * math.pi / symmetry))
    torch.testing.assert_close(first, same)
    assert (first - paint(factors(shape, turn=0.2 + math.pi / symmetry))).abs().max() > 0.3


def look(images, noise, shift=0.0, turn=0.0, zoom=0.0, brightness=0.0):
    noise = torch.tensor([noise], dtype=torch.float64).expand(len(images), 5)
    return augment(images, noise, shift, turn, zoom, brightness)


@pytest.fixture
def images():
    return torch.rand(4, 1, 16, 16, generator=drawn(), dtype=torch.float64)


def test_without_noise_or_without_strength_nothing_changes(images):
    torch.testing.assert_close(look(images, [0.5] * 5, 3.0, 1.0, 0.3, 0.5), images)
    torch.testing.assert_close(look(images, [0.1, 0.9, 0.3, 0.8, 0.2]), images)


def test_whole_pixels_to_the_right_and_down(images):
    moved = look(images, [1.0, 0.75, 0.5, 0.5, 0.5], shift=2.0)
    torch.testing.assert_close(moved[..., 1:, 2:], images[..., :-1, :-2])
    assert moved[..., 0, :].abs().max() == 0
    assert moved[..., :2].abs().max() == 0


def test_a_quarter_turn_is_torchs(images):
    torch.testing.assert_close(
        look(images, [0.5, 0.5, 1.0, 0.5, 0.5], turn=0.5), images.rot90(-1, (2, 3))
    )
    torch.testing.assert_close(
        look(images, [0.5, 0.5, 0.0, 0.5, 0.5], turn=0.5), images.rot90(1, (2, 3))
    )


def test_zoom_is_scipys(images):
    seen = look(images, [0.5, 0.5, 0.5, 1.0, 0.5], zoom=math.log(2))
    theirs = scipy_zoom(images[0, 0].numpy(), 2, order=1, grid_mode=True, mode="nearest")
    torch.testing.assert_close(seen[0, 0], torch.tensor(theirs[8:24, 8:24]))


def test_brightness_is_a_factor(images):
    torch.testing.assert_close(
        look(images, [0.5, 0.5, 0.5, 0.5, 0.0], brightness=0.2), 0.8 * images
    )


def test_a_turned_picture_is_the_picture_of_a_turned_shape():
    seen = look(paint(factors(2, turn=0.4)), [0.5, 0.5, 0.75, 0.5, 0.5], turn=0.5)
    off = [(seen - paint(factors(2, turn=0.4 + t))).abs().sum() for t in (math.pi / 4, 0)]
    assert off[0] < 0.25 * off[1]


def test_many_networks_each_take_their_own_look(images):
    noise = torch.rand(3, 4, 5, generator=drawn(), dtype=torch.float64)
    shift = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    together = torch.vmap(augment, in_dims=(None, 0, 0, None, None, None))(
        images, noise, shift, 1.0, 0.2, 0.2
    )
    for i in range(3):
        alone = augment(images, noise[i], shift[i], 1.0, 0.2, 0.2)
        torch.testing.assert_close(together[i], alone)


def test_exemplars_come_again_and_tests_are_apart(table):
    _, targets = table
    told = SimpleNamespace(images=1200, exemplars=100)
    rows = pretrain_train_test(targets, told, drawn())
    assert torch.equal(rows["pretrain"].bincount(), torch.full((100,), 12))
    assert torch.equal(torch.cat([rows["train"], rows["test"]]), torch.arange(1600))
    assert len(rows["train"]) == 1200

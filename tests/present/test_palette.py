"""Colours: enough contrast on both pages, and apart for colour-blind readers.

Contrast: WCAG 2.1, relative luminance. Colour blindness: the matrices of Machado, Oliveira and
Fernandes (2009), A physiologically-based model for simulation of color vision deficiency, IEEE
Transactions on Visualization and Computer Graphics 15(6), severity 1. Distance: CIE 1976 L*a*b*.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from pilotlight.present.palette import DARK, INK, LINES, PAPER, QUIET, line_styles

DARK_PAPER = DARK[PAPER]
SEEN = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    """Linear red, green, blue in 0..1."""
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """From 1 (equal) to 21 (black on white)."""
    dark, light = sorted(float(XYZ[1] @ linear(c)) for c in (a, b))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """L*, a*, b* under D65."""
    xyz = XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", LINES)
def test_lines_stand_out_on_light_and_dark(colour):
    assert contrast(colour, PAPER) >= 3
    assert contrast(DARK[colour], DARK_PAPER) >= 3


@pytest.mark.parametrize("colour", [INK, QUIET])
def test_text_can_be_read_on_light_and_dark(colour):
    assert contrast(colour, PAPER) >= 4.5
    assert contrast(DARK[colour], DARK_PAPER) >= 4.5


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("page", ["light", "dark"])
def test_the_four_solid_lines_are_apart_for_all_eyes(eyes, page):
    colours = [c if page == "light" else DARK[c] for c in LINES[:4]]
    seen = [lab(SEEN[eyes] @ linear(c)) for c in colours]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 12


def test_no_two_comparisons_look_alike():
    styles = line_styles(map(str, range(16)))
    assert len(set(styles.values())) == 16
    assert {dash for _, dash in list(styles.values())[:4]} == {"-"}

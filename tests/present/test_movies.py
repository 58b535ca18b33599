"""Movies: frames in order in one PNG, and a page that shows them one at a time."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pilotlight.core.report import MemberRow
from pilotlight.present.movies import MOST_FRAMES, film
from pilotlight.present.page import page

HEIGHT, WIDTH = 500, 800
FIGURES = [("What the run shows", "One square.", '<svg viewBox="0 0 1 1"><path/></svg>')]
SHADES = 60  # snapshots that can be told apart by their grey


def shade(report, figure, snapshot):
    """A lab's movie: each frame in a grey of its own."""
    figure.set_facecolor(str(snapshot / SHADES))


def filmed(statistical, count):
    snapshots = tuple({"step": k, "samples": [[0.0, 0.0]]} for k in range(count))
    first, *others = statistical.members
    return replace(statistical, members=(replace(first, snapshots=snapshots), *others))


def greys(png):
    """The grey in the middle of each frame, and that each frame has one only."""
    strip = np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(int)
    frames = strip.reshape(-1, HEIGHT, WIDTH)
    assert np.ptp(frames, axis=(1, 2)).max() == 0
    return frames[:, 0, 0]


def test_frames_stand_in_order(statistical):
    found = film(filmed(statistical, 5), shade)
    assert found.frames == 5
    expected = [round(255 * k / SHADES) for k in range(5)]
    assert greys(found.png).tolist() == pytest.approx(expected, abs=1)


def test_of_many_snapshots_some_are_shown_with_the_first_and_the_last(statistical):
    found = film(filmed(statistical, SHADES), shade)
    assert found.frames == MOST_FRAMES
    assert greys(found.png)[[0, -1]].tolist() == pytest.approx([0, 255 * 59 / 60], abs=5)
    assert HEIGHT * MOST_FRAMES <= 16_384  # what browsers draw


def test_no_movie_without_drawing_or_snapshots(statistical):
    assert film(filmed(statistical, 3), None) is None
    assert film(statistical, shade) is None


def test_the_same_report_gives_the_same_bytes(statistical):
    report = filmed(statistical, 2)
    assert film(report, shade) == film(report, shade)


def test_the_page_holds_the_movie_and_shows_every_frame_at_its_time(statistical):
    report = filmed(statistical, 4)
    movie = film(report, shade)
    text = page(report, FIGURES, movie)
    assert text.count(movie.source) == 1
    (frames,) = re.findall(r"@keyframes film \{(.*)\}", text)
    stops = re.findall(r"([\d.]+)% \{ transform: translateY\((-?[\d.]+)%\); \}", frames)
    assert [float(up) for _, up in stops] == [0, -25, -50, -75]
    assert [float(when) / 100 * movie.seconds for when, _ in stops] == pytest.approx(
        [0, 1 / 3, 2 / 3, 1], abs=0.01
    )
    assert "step-end" in text
    assert f"seeds, whatever became of them: {report.members[0].seed}." in text


def test_the_movie_can_be_held_and_stands_still_where_motion_is_not_wanted(statistical):
    report = filmed(statistical, 4)
    text = page(report, FIGURES, film(report, shade))
    assert ".hold:checked ~ .window img { animation-play-state: paused; }" in text
    (quiet,) = re.findall(r"@media \(prefers-reduced-motion: reduce\) \{(.*?)\n\}", text, re.S)
    assert ".hold:not(:checked) ~ .window img { animation: none; }" in quiet
    labelled = re.findall(r'<label for="(\w+)">', text)
    assert labelled == re.findall(r'<input type="checkbox" class="\w+" id="(\w+)">', text)


def test_a_page_without_a_movie_has_no_trace_of_one(statistical):
    assert "keyframes" not in page(statistical, FIGURES)
    assert MemberRow(0, "plain", 0, {}).snapshots == ()

"""What there is to look at beside curves: each thing says its kind, and is of one network each."""

from __future__ import annotations

import json

import pytest

from pilotlight.app import answers, panels
from pilotlight.app.panels import evenly, films, films_within, snapshots_data
from pilotlight.app.reading import read_report
from pilotlight.core.report import MemberRow


@pytest.fixture(scope="module")
def ring(finished):
    return str(finished.folder)


def test_of_each_comparison_the_first_seed_is_shown_frame_by_frame(ring):
    found = answers.snapshots(ring, "confusion")
    assert found["names"] == ["surface", "confusion"]
    assert {n["comparison"]: n["seed"] for n in found["networks"]} == {
        "wide": 1000,
        "wide_and_slow": 1000,
        "narrow": 1000,
    }
    for network in found["networks"]:
        steps = [frame["step"] for frame in network["frames"]]
        assert steps == sorted(set(steps))
        assert {frame["drawing"]["kind"] for frame in network["frames"]} == {"confusion"}
        assert network["rows"] == []


def test_the_last_table_is_of_the_network_that_one_ends_up_with(ring):
    members = {m.index: m for m in read_report(ring).members}
    for network in answers.snapshots(ring, "confusion")["networks"]:
        counts = network["frames"][-1]["drawing"]["counts"]
        right = sum(counts[k][k] for k in range(2)) / sum(map(sum, counts))
        assert right == pytest.approx(members[network["member"]].final["test_accuracy"])


def test_rows_on_top_of_a_surface_are_the_held_out_ones_with_their_class(ring):
    for network in answers.snapshots(ring, "surface")["networks"]:
        assert len(network["rows"]) == 32  # a fifth of 160
        for x, y, label in network["rows"]:
            assert (x * x + y * y > 1.18**2) == label


def test_an_unknown_name_or_none_shows_the_first(ring):
    assert answers.snapshots(ring, None) == answers.snapshots(ring, "nothing of this name")


def test_a_run_of_which_nothing_was_kept_has_nothing_to_show():
    bare = [MemberRow(0, "plain", 1000, {})]
    assert snapshots_data(bare, None) == {"name": None, "names": [], "networks": []}


def kept(name, values):
    """A network of which these values were kept under one name."""
    frames = tuple({"step": i, "epoch": i / 10, name: v} for i, v in enumerate(values))
    return MemberRow(0, "plain", 1000, {}, snapshots=frames)


def test_bare_values_of_a_lab_are_told_by_their_form():
    values = [[[0.0, 1.0]] * 5, [[0.0, 1.0, 2.0]], [1.0, 2.0], "no numbers"]
    (network,) = snapshots_data([kept("seen", values)], "seen")["networks"]
    drawn = [frame["drawing"] and frame["drawing"]["kind"] for frame in network["frames"]]
    assert drawn == ["points", "grid", "grid", None]


@pytest.mark.parametrize("room", [0, 1_000, 6_000, 30_000, 10**9])
def test_as_much_is_kept_as_there_is_room_for(ring, room):
    members = read_report(ring).members
    whole = films(members, lambda member: [[0.0, 0.0, 1.0]] * 50)

    def size(kept):
        return len(json.dumps(kept))

    kept = films_within(whole, room, size)
    assert size(kept) <= max(room, 2)
    for name, film in kept.items():
        for less, all_of_it in zip(film["networks"], whole[name]["networks"], strict=False):
            assert less["frames"][-1] == all_of_it["frames"][-1]
    if room > 10**6:
        assert {len(n["frames"]) for f in kept.values() for n in f["networks"]} == {
            panels.FILMS[-1][0]
        }


@pytest.mark.parametrize("length", [0, 1, 5, 60, 61, 1000])
def test_some_places_of_a_list_with_both_ends(length):
    places = evenly(length, 60)
    assert len(places) == min(length, 60)
    assert places[:1] == list(range(length))[:1]
    assert places[-1:] == list(range(length))[-1:]
    assert places == sorted(set(places))
    assert evenly(length, 1) == list(range(length))[-1:]

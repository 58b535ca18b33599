"""Rows of a run: shared data held once, data per seed drawn from its own generator, splits."""

import numpy as np
import pytest
import torch

from pilotlight.core.settings import linear
from pilotlight.data.generators import generator
from pilotlight.data.split import holdout, split_hash
from pilotlight.data.table import Data, fingerprint
from pilotlight.engine.material import Material, prepare
from pilotlight.engine.plan import make_members


def noisy(settings, generator):
    """30 rows of noise as wide as the settings say."""
    spread = settings.spread * torch.randn(30, 4, generator=generator)
    return spread, torch.arange(30) % 3


def noisy_lab(tiny, **fields):
    return tiny(
        settings={"spread": linear(0.0, 10.0, 1.0)},
        data=Data("noise", noisy, classes=3, per_seed=True),
        **fields,
    )


def test_shared_data_are_loaded_once_for_all(tiny):
    calls = []

    def load():
        calls.append(1)
        return torch.zeros(30, 4), torch.arange(30) % 3

    lab = tiny(data=Data("zeros", load, classes=3))
    members = make_members(lab, range(3), {})
    material = prepare(lab, members)
    assert (len(calls), len(material.tables)) == (1, 1)
    rows = material.rows(members, "cpu", torch.float64)
    assert rows.inputs.shape == (30, 4)


def test_data_per_seed_come_from_the_generator_named_data(tiny):
    lab = noisy_lab(tiny)
    members = make_members(lab, (5, 6), {})
    material = prepare(lab, members)
    assert len(material.tables) == 2  # both comparisons share them
    for member in members:
        inputs, targets = noisy(member.settings, generator(member.seed, "data"))
        assert material.table_of[member.index] == fingerprint(inputs, targets)


def test_data_may_depend_on_settings(tiny):
    lab = noisy_lab(tiny, compare={"narrow": {}, "wide": {"spread": 5.0}})
    material = prepare(lab, make_members(lab, (5,), {}))
    narrow, wide = (material.tables[material.table_of[i]][0] for i in (0, 1))
    torch.testing.assert_close(5 * narrow, wide)


def test_each_member_takes_its_own_rows_from_the_joined_table(tiny):
    lab = noisy_lab(tiny)
    members = make_members(lab, (5, 6), {})
    material = prepare(lab, members)
    rows = material.rows(members, "cpu", torch.float64)
    assert (rows.inputs.shape, rows.inputs.dtype) == ((60, 4), torch.float64)
    assert rows.targets.dtype == torch.int64
    for member, split in zip(members, rows.splits, strict=True):
        inputs, targets = noisy(member.settings, generator(member.seed, "data"))
        own = holdout(targets, member.settings, generator(member.seed, "split"))
        for part in own:
            assert torch.equal(rows.inputs[split[part]], inputs[own[part]].double())
            assert torch.equal(rows.targets[split[part]], targets[own[part]])


def test_a_part_holds_what_its_members_learn_from_and_no_more(tiny):
    lab = noisy_lab(tiny)
    members = make_members(lab, (5, 6, 7), {})
    part = prepare(lab, members).of(members[1:])
    alone = prepare(lab, members[1:])
    assert part.tables.keys() == alone.tables.keys()
    assert part.table_of == alone.table_of
    rows, own = (m.rows(members[1:], "cpu", torch.float64) for m in (part, alone))
    assert torch.equal(rows.inputs, own.inputs)
    assert all(
        torch.equal(split[name], other[name])
        for split, other in zip(rows.splits, own.splits, strict=True)
        for name in split
    )


def test_a_table_in_a_file_stays_there(tiny, tmp_path):
    """Nothing on the way to a batch makes a copy of it, which might not fit in memory."""
    table = np.memmap(tmp_path / "table", np.float32, "w+", shape=(60, 4))
    table[:] = np.arange(60)[:, None]
    mapped = torch.from_numpy(table)
    lab = tiny(data=Data("mapped", lambda: (mapped, torch.arange(60) % 3), classes=3))
    members = make_members(lab, range(3), {})
    material = prepare(lab, members)
    assert list(material.tables) == [fingerprint(mapped.clone(), torch.arange(60) % 3)]
    rows = material.rows(members, "cpu", torch.float32)
    assert rows.inputs.data_ptr() == table.ctypes.data


def test_comparisons_of_one_seed_share_their_split(tiny):
    material = prepare(tiny(), make_members(tiny(), (0, 1), {}))
    hashes = [split_hash(material.splits[i]) for i in range(4)]
    assert hashes[0] == hashes[2] != hashes[1] == hashes[3]


def test_full_batches_are_counted(tiny):
    members = make_members(tiny(), (0,), {"batch": 10})
    material = prepare(tiny(), members)
    assert dict(material.steps_by_part(members[0])) == {"train": 4, "test": 1}  # of 48 and 12 rows


def test_a_lab_without_data_has_no_rows(tiny):
    lab = tiny(data=None)
    members = make_members(lab, (0,), {})
    assert prepare(lab, members) == Material()
    assert Material().rows(members, "cpu", torch.float32) is None
    assert Material().steps_by_part(members[0]) == ()


def test_what_a_report_says_of_the_data(tiny):
    material = prepare(tiny(), make_members(tiny(), (3, 4), {}))
    about = material.about
    assert about["data"] == {
        "name": "clusters",
        "rows": 60,
        "classes": 3,
        "source": "drawn in code",
        "hashes": list(material.tables),
    }
    assert [s["seed"] for s in about["splits"]] == [3, 4]
    first = about["splits"][0]
    assert (first["rule"], first["train"], first["test"]) == ("holdout", 48, 12)
    assert first["hash"] == split_hash(material.splits[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_to_predict_take_the_runs_type(tiny, dtype):
    lab = tiny(
        data=Data("line", lambda: (torch.arange(10.0)[:, None], torch.arange(10.0)[:, None]))
    )
    members = make_members(lab, (0,), {"batch": 2})
    rows = prepare(lab, members).rows(members, "cpu", dtype)
    assert (rows.inputs.dtype, rows.targets.dtype) == (dtype, dtype)

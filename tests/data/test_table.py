"""The fingerprint of data: equal data, equal hash; any change, another."""

import pytest
import torch

from pilotlight.data.table import fingerprint

TABLE = torch.arange(12.0).view(3, 4)


def changed():
    one_bit = TABLE.clone()
    one_bit[2, 3] = torch.nextafter(one_bit[2, 3], torch.tensor(100.0))
    zero = TABLE.clone()
    zero[0, 0] = -0.0
    return {
        "one bit": [one_bit],
        "sign of zero": [zero],
        "shape": [TABLE.view(4, 3)],
        "type": [TABLE.double()],
        "order": [TABLE.flip(0)],
        "one more row": [torch.cat([TABLE, TABLE[:1]])],
        "two tables": [TABLE[:1], TABLE[1:]],
        "nothing": [],
    }


@pytest.mark.parametrize("what", changed())
def test_any_change_gives_another_hash(what):
    assert fingerprint(*changed()[what]) != fingerprint(TABLE)


def test_equal_data_give_an_equal_hash_however_they_lie_in_memory():
    assert fingerprint(TABLE.clone()) == fingerprint(TABLE)
    assert fingerprint(TABLE.t().contiguous().t()) == fingerprint(TABLE)
    assert fingerprint(TABLE.clone().requires_grad_()) == fingerprint(TABLE)

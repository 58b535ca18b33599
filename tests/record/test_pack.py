"""Tensors and arrays survive as bytes, bit for bit, and other libraries read them."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from pilotlight.record.pack import pack_arrays, pack_tensors, unpack_arrays, unpack_tensors

DRAW = torch.Generator().manual_seed(1)
TENSORS = {
    "float32": torch.randn(3, 4, generator=DRAW),
    "float64": torch.randn(5, generator=DRAW, dtype=torch.float64),
    "bfloat16": torch.randn(2, 3, generator=DRAW).to(torch.bfloat16),
    "float16": torch.randn(7, generator=DRAW).to(torch.float16),
    "complex64": torch.randn(3, generator=DRAW, dtype=torch.complex64),
    "int64": torch.tensor([-(2**63), 2**63 - 1]),
    "bool": torch.tensor([True, False, True]),
    "uint8": torch.arange(256, dtype=torch.uint8),
    "scalar": torch.tensor(3.5),
    "empty": torch.empty(0, 3),
    "empty int64": torch.empty(2, 0, dtype=torch.int64),
    "not finite": torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0]),
    "generator": DRAW.get_state(),
    "0/layers.0.weight": torch.ones(2, 2),
}


@pytest.mark.parametrize("name", TENSORS)
def test_every_kind_of_tensor_comes_back_bit_for_bit(name: str) -> None:
    tensor = TENSORS[name]
    found, about = unpack_tensors(pack_tensors({name: tensor}))
    assert about == {}
    assert found[name].dtype == tensor.dtype
    assert found[name].shape == tensor.shape
    as_bytes = [t.contiguous().reshape(-1).view(torch.uint8) for t in (found[name], tensor)]
    assert torch.equal(*as_bytes)


def test_a_generator_goes_on_where_it_was() -> None:
    generator = torch.Generator().manual_seed(7)
    torch.rand(100, generator=generator)
    state = unpack_tensors(pack_tensors({"g": generator.get_state()}))[0]["g"]
    expected = torch.rand(5, generator=generator)
    other = torch.Generator()
    other.set_state(state)
    assert torch.equal(torch.rand(5, generator=other), expected)


def test_views_and_shared_memory_are_accepted() -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "whole": whole,
        "same": whole,
        "turned": whole.T,
        "column": whole[:, 1],
        "row": whole[1],
        "spread": whole[0].expand(5, 4),
        "conjugate": torch.complex(whole, whole).conj(),
        "learned": torch.nn.Parameter(whole),
    }
    found, _ = unpack_tensors(pack_tensors(tensors))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor.detach()), name
        assert found[name].is_contiguous()


def test_what_comes_back_may_be_changed_and_is_aligned() -> None:
    found, _ = unpack_tensors(pack_tensors({str(n): torch.ones(n) for n in range(1, 20)}))
    for tensor in found.values():
        tensor += 1
        assert tensor.data_ptr() % 64 == 0
    assert all((tensor == 2).all() for tensor in found.values())


def test_what_is_said_beside_comes_back_exactly() -> None:
    about = {
        "step": 3,
        "best": 0.1 + 0.2,
        "seed": 2**80,
        "names": ["é", None],
        "worst": float("inf"),
    }
    assert unpack_tensors(pack_tensors({}, about)) == ({}, about)


def test_another_reader_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(pack_tensors({"a": torch.arange(3)}, {"step": 3}))
    with safe_open(path, "pt") as file:
        assert torch.equal(file.get_tensor("a"), torch.arange(3))
        assert json.loads(file.metadata()["pilotlight"]) == {"step": 3}


@pytest.mark.parametrize("keep", [0, 4, 8, 30, -1])
def test_part_of_a_file_is_refused(keep: int) -> None:
    data = pack_tensors({"a": torch.arange(3)}, {"step": 3})
    with pytest.raises(ValueError, match="Error while deserializing"):
        unpack_tensors(data[:keep])


def test_arrays_come_back() -> None:
    arrays = {
        "loss": np.array([[0.5, np.nan], [np.inf, 1e-300]]),
        "member": np.arange(3),
        "comparison": np.array(["plain", "schwere Kugel – é"]),
        "file": np.array(True),
        "empty": np.empty((0, 4), np.float32),
    }
    found = unpack_arrays(pack_arrays(arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_numpy_reads_the_arrays_without_pickle() -> None:
    data = pack_arrays({"loss": np.arange(4.0), "step": np.arange(4)})
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert sorted(arrays) == ["loss", "step"]
        np.testing.assert_array_equal(arrays["loss"], np.arange(4.0))


def test_equal_arrays_give_equal_bytes() -> None:
    assert pack_arrays({"a": np.ones(3)}) == pack_arrays({"a": np.ones(3)})


def test_python_objects_are_refused_both_ways() -> None:
    objects = np.array([{"a": 1}, None], dtype=object)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        pack_arrays({"a": objects})
    buffer = io.BytesIO()
    np.savez(buffer, a=objects)
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        unpack_arrays(buffer.getvalue())


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_part_of_an_archive_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match="File is not a zip file"):
        unpack_arrays(pack_arrays({"a": np.arange(100)})[:keep])


def test_changed_data_is_refused() -> None:
    data = bytearray(pack_arrays({"a": np.arange(100)}))
    data[60:90] = bytes(byte ^ 0xFF for byte in data[60:90])
    with pytest.raises(ValueError, match="Error -3 while decompressing"):
        unpack_arrays(bytes(data))


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(pack_arrays({"a": np.arange(100)}))
    checksum = data.index(b"PK\1\2") + 16  # in the archive's list of files
    data[checksum : checksum + 4] = bytes(4)
    with pytest.raises(ValueError, match="Bad CRC-32"):
        unpack_arrays(bytes(data))

"""Tensors and arrays as bytes, without pickle: safetensors and NumPy's zipped .npy files.

This module is the only one here that needs torch; the folder imports it when tensors come.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

_ABOUT = "pilotlight"


def pack_tensors(tensors: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> bytes:
    """A safetensors file: tensors of any shape and type, and what JSON can say about them.

    Tensors may lie on any device, share memory or be views; each is copied as it is now.
    https://huggingface.co/docs/safetensors
    """
    whole = {name: _copy(tensor.detach().cpu()) for name, tensor in tensors.items()}
    return save(whole, {_ABOUT: json.dumps(about)} if about is not None else None)


def unpack_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and what was said about them. The order of names is not kept.

    Raises:
        ValueError: the bytes are no whole safetensors file.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = json.loads(header.get("__metadata__", {}).get(_ABOUT, "{}"))
    # The loaded memory begins anywhere; torch's own is aligned, as it was before saving. Sums may
    # round differently without that, and a resumed run must give the same bits.
    return {name: _copy(tensor) for name, tensor in tensors.items()}, about


def _copy(tensor: Tensor) -> Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An .npz file. Equal arrays give equal bytes: no time of writing inside.

    Raises:
        ValueError: an array of Python objects, which only pickle could hold.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an .npz file.

    Raises:
        ValueError: the bytes are no whole .npz file, or hold Python objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                name.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(archive.read(name)), allow_pickle=False
                )
                for name in archive.namelist()
            }
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error

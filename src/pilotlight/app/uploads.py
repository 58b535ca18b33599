"""Files of a person's own that came through the browser: kept in a folder beside the runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pilotlight.core.errors import UsageError, unknown

LONGEST_NAME = 100


def kinds() -> list[str]:
    """The endings of files that can be read."""
    from pilotlight.data.files import READERS

    return list(READERS)


def tables() -> list[str]:
    """Data that come along, by their names."""
    from pilotlight.data.files import DRAWN, TABLES

    return [*sorted(path.stem for path in TABLES.glob("*.csv")), DRAWN]


class TooLarge(UsageError):
    """More than may be uploaded."""


class Uploads:
    """The files in one folder, each directly in it."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def all(self) -> list[dict[str, Any]]:
        """Name and size of every file, by name."""
        return [
            {"name": path.name, "bytes": path.stat().st_size}
            for path in sorted(self.folder.glob("*"))
            if path.is_file() and path.suffix.lower() in kinds() and not path.name.startswith(".")
        ]

    def find(self, name: str) -> str:
        """The path of a file, or the name of a table that comes along.

        Raises:
            UsageError: there is no such file or table.
        """
        names = [file["name"] for file in self.all()]
        if name in names:
            return str(self.folder / name)
        if name not in tables():
            raise UsageError(unknown("file", name, [*names, *tables()]))
        return name

    async def keep(self, name: str, parts: AsyncIterator[bytes]) -> dict[str, Any]:
        """Write a file piece by piece as it comes; nothing is left of one that is refused.

        A name that is taken by other bytes gets a number.

        Raises:
            UsageError: a name that will not do, an ending that cannot be read, or too many bytes.
        """
        self._refuse_name(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{secrets.token_hex(6)}.part"
        try:
            size = 0
            with temporary.open("xb") as file:
                async for part in parts:
                    size += len(part)
                    if size > self.limit:
                        raise TooLarge(
                            f"{name} is larger than {self.limit // 2**20} MB. Use the command "
                            "line for it: pilotlight fit PATH"
                        )
                    file.write(part)
            path = self._free(name, temporary)
            os.replace(temporary, path)
        except OSError as error:
            raise UsageError(f"{name} could not be kept: {error.strerror}.") from error
        finally:
            temporary.unlink(missing_ok=True)
        return {"name": path.name, "bytes": size}

    def remove(self, name: str) -> None:
        """Delete a file.

        Raises:
            UsageError: there is none of this name.
        """
        names = [file["name"] for file in self.all()]
        if name not in names:
            raise UsageError(unknown("file", name, names))
        (self.folder / name).unlink()

    def _refuse_name(self, name: str) -> None:
        plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and name[:1] not in ".-"
        if not plain or len(name.encode()) > LONGEST_NAME:
            raise UsageError(f"{name!r} will not do as the name of a file.")
        if Path(name).suffix.lower() not in kinds():
            raise UsageError(f"{name}: {unknown('ending', Path(name).suffix, kinds())}")

    def _free(self, name: str, new: Path) -> Path:
        """The path for a file: the first name that is free, or holds the same bytes."""
        path, number = self.folder / name, 1
        while path.exists() and not _same(path, new):
            number += 1
            path = self.folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        return path


def _same(one: Path, other: Path) -> bool:
    import filecmp

    return filecmp.cmp(one, other, shallow=False)

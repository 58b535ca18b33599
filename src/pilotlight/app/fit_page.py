"""The page of a fit, from what its folder holds."""

from __future__ import annotations

from pathlib import Path

from pilotlight.core.errors import RecordError
from pilotlight.record.folder import Folder

SPLITS = "splits.npz"
CARD = "model_card.md"


def write_fit_page(folder: Folder) -> Path:
    """Write report.html and model_card.md of a finished fit; returns the page's path.

    Raises:
        RecordError: it is not finished, or cannot be written.
    """
    from pilotlight.present.fit_page import fit_page, model_card
    from pilotlight.record.pack import unpack_arrays

    if folder.result is None:
        raise RecordError(
            f"{folder.path} is not finished, so there is nothing to report. Go on with it: "
            f"pilotlight fit --resume {folder.path}"
        )
    splits = unpack_arrays((folder.path / SPLITS).read_bytes())
    page = fit_page(folder.config, folder.result, folder.history(), splits)
    folder.write_text(CARD, model_card(folder.config, folder.result))
    return folder.write_text("report.html", page)

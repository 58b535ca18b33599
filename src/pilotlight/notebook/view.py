"""What a finished run is in a notebook: a table of verdicts and a figure, or text elsewhere."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pilotlight.core.report import Report
from pilotlight.present.page import verdict_table
from pilotlight.present.terminal import summary
from pilotlight.present.words import reasons, resume_command, state_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pilotlight.present.figures import Picture

TEXT_WIDTH = 80


@dataclass(frozen=True, repr=False)
class RunView:
    """A run as its report; `picture` is the lab's own drawing, if it has one."""

    report: Report
    picture: Picture | None = None

    @property
    def verdicts(self) -> dict[str, str | None]:
        """Claim id to verdict; None for every claim of a run for exploring."""
        return self.report.verdicts

    @property
    def history(self) -> Mapping[str, Mapping[str, Sequence[Sequence[float | None]]]]:
        """metric -> comparison -> one curve per seed."""
        return self.report.history

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.report.run)

    def plot(self) -> Figure:
        """The figure that tells the run's story."""
        from pilotlight.present.figures import main_figure

        return main_figure(self.report, self.picture)

    def __repr__(self) -> str:
        file = io.StringIO()
        console = Console(file=file, width=TEXT_WIDTH, color_system=None, force_jupyter=False)
        console.print(summary(self.report))
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines())

    def _repr_html_(self) -> str:
        """Question, what must be known first, verdicts and the figure; all texts escaped."""
        from pilotlight.present.figures import main_caption, to_png

        first = [state_words(self.report), resume_command(self.report)]
        if not self.report.evidence:
            first.append(f"For exploring: no verdict. {reasons(self.report)}")
        notices = "".join(f"<p><em>{html.escape(text)}</em></p>" for text in first if text)
        image = base64.b64encode(to_png(self.plot())).decode()
        caption = html.escape(main_caption(self.report, self.picture))
        return (
            f"<h3>{html.escape(self.report.question)}</h3>{notices}{verdict_table(self.report)}"
            f'<img alt="{caption}" style="max-width: 100%; width: 800px" '
            f'src="data:image/png;base64,{image}">'
            f"<p>Report: <code>{html.escape(str(self.folder / 'report.html'))}</code></p>"
        )

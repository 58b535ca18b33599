"""The picture of the README, from a run: `python docs/picture.py RUN`."""

import sys
from dataclasses import replace
from pathlib import Path

from pilotlight.app.reading import read_report
from pilotlight.present.figures import main_figure, to_png

SHOWN = ("plain", "heavy_ball", "average", "larger_step")
CLAIMS = ("more_accurate", "average", "larger_step")


def main(run: str) -> None:
    """Draw the four comparisons and three claims that tell the story."""
    report = read_report(run)
    short = replace(
        report,
        members=tuple(m for m in report.members if m.comparison in SHOWN),
        claims=tuple(c for c in report.claims if c.id in CLAIMS),
    )
    Path(__file__).with_name("momentum.png").write_bytes(to_png(main_figure(short)))


if __name__ == "__main__":
    main(sys.argv[1])

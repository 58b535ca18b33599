"""`python -m pilotlight` is the same as `pilotlight`."""

from pilotlight.cli import main

raise SystemExit(main())

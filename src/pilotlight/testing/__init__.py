"""Public conformance suites: `check_lab`, also for a person's own lab."""

from pilotlight.testing.labs import check_lab, problems

__all__ = ["check_lab", "problems"]

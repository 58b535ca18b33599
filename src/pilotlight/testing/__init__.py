"""Public conformance suites: `check_lab` and `check_exercise`, also for a person's own."""

from pilotlight.testing.exercises import check_exercise, exercise_problems
from pilotlight.testing.labs import check_lab, problems

__all__ = ["check_exercise", "check_lab", "exercise_problems", "problems"]

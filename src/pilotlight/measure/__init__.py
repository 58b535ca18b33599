"""Metrics, intervals, tests, verdicts and probes: numbers in, judgements out."""

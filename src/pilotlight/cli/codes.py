"""Exit codes: what a shell script or a scheduler learns from a command."""

FINE = 0
NOT_AS_EXPECTED = 1
WRONG_USE = 2
STOPPED = 130  # by Ctrl-C, as shells count it

"""The server itself stays small: what is heavy is imported in the processes that it asks."""

from __future__ import annotations

import subprocess
import sys


def test_the_server_imports_nothing_that_calculates():
    heavy = ("torch", "numpy", "scipy", "sklearn", "matplotlib")
    code = (
        "import sys, pilotlight.server.main;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

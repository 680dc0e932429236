"""A served desk that meets trouble: its pages, its readiness, its database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from kesu.config.database import program
from tests.crash.desk import Desk
from tests.processes import until
from tests.sandboxes import ServedSandbox

SIGN_IN = """
from kesu.cli.environment import desk
with desk(None):
    from django.test import Client
    from tests.desk_seeds import make_user
    client = Client()
    client.force_login(make_user())
    print("session", client.cookies["sessionid"].value)
"""


class Page(NamedTuple):
    status: int
    text: str


class FaultyDesk(Desk):
    def __init__(self, directory: Path, sandbox: ServedSandbox) -> None:
        super().__init__(directory, sandbox)
        self.log = self.data / "serve.log"  # on the disk that gets full
        self.session = ""

    def sign_in(self) -> None:
        """Somebody who is signed in from now on. While the desk is served."""
        done = subprocess.run([sys.executable, "-c", SIGN_IN], env=self._python(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.session = done.stdout.rpartition("session ")[2].strip()

    def page(self, path: str, *, language: str = "zh-hans") -> Page:
        """What a signed-in person sees."""
        cookies = f"sessionid={self.session}; django_language={language}"
        request = urllib.request.Request(self.url + path, headers={"Cookie": cookies})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Page(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Page(error.code, error.read().decode())

    def readiness(self) -> tuple[int, str]:
        page = self.page("/readyz")
        return page.status, str(json.loads(page.text)["status"])

    def processes(self) -> tuple[int, ...]:
        return self.supervisor, *(self.child(name) or 0 for name in ("front", "pages", "worker"))

    def await_ready(self) -> None:
        until(lambda: self.readiness()[0] == 200, 60, "the desk to be ready again")

    def cut_every_connection(self) -> int:
        """As an administrator does; how many there were."""
        return len(
            self.query(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )
        )

    def stop_database(self) -> None:
        """As a package update does before it starts the new one."""
        owner = (self.data / "postgres").stat()
        as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(program("pg_ctl")), "stop", "-m", "fast", "-D", str(self.data / "postgres")]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, **as_owner)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def _python(self) -> dict[str, str]:
        return {**self.env, "PYTHONPATH": os.pathsep.join(sys.path)}

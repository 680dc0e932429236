"""One embedded PostgreSQL for the whole run, shared by the parallel workers; each worker has its own database in it."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no failing rule.
settings.register_profile("kesu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kesu")

# Many processes are started: none of them should compile everything anew, whatever the machine's habit.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_OWN_DATA = "KESU_DATA" not in os.environ or "PYTEST_XDIST_WORKER" not in os.environ
if _OWN_DATA:
    os.environ["KESU_DATA"] = tempfile.mkdtemp(prefix="kesu-tests-")
    # Another run that starts meanwhile closes the usual place of temporary directories to PostgreSQL's own user.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", os.environ["KESU_DATA"])
for _name in [
    name
    for name in os.environ
    if name.startswith("KESU_") and name not in ("KESU_DATA", "KESU_DATABASE_URL") and not name.startswith("KESU_TEST_")
]:
    del os.environ[_name]
os.environ["DJANGO_SETTINGS_MODULE"] = "kesu.config.settings"

import django  # noqa: E402 - the environment above must stand first

from kesu.config.database import NAME, EmbeddedPostgres  # noqa: E402
from tests.emptying import delete_instead_of_flush  # noqa: E402
from tests.prepared import lay_database  # noqa: E402

django.setup()
django.conf.settings.PASSWORD_HASHERS = ["tests.passwords.QuickHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Begin with a copy of what the server was laid with, so that nothing is left to migrate."""
    from django.db import connection

    if not os.environ.get("KESU_DATABASE_URL"):
        connection.settings_dict["TEST"]["TEMPLATE"] = NAME


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Threads of the code under test keep connections; they must not keep the test database from being dropped."""
    delete_instead_of_flush()
    yield
    with django_db_blocker.unblock():
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )


# Of few tests that take long; the longest first.
LONG_FILES = (
    *("desk/test_gate.py", "stories/test_storm.py", "e2e/test_every_page.py", "e2e/test_account.py"),
    *("crash/test_kills.py", "stories/test_platform_trouble.py", "e2e/test_story.py", "faults/test_clock_steps.py"),
    *("faults/test_half_answers.py", "security/test_leaks.py", "operations/test_fleet.py"),
    *("operations/test_postgres_versions.py", "operations/test_stopping.py", "operations/test_upgrade.py"),
)
_server: EmbeddedPostgres | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the server in the controlling process only; workers inherit its data directory."""
    global _server
    if _OWN_DATA and not os.environ.get("KESU_DATABASE_URL"):
        import psycopg

        lay_database(Path(os.environ["KESU_DATA"]))
        _server = EmbeddedPostgres(Path(os.environ["KESU_DATA"]))
        _server.enter()
        with psycopg.connect(
            host=str(_server.socket_directory), user="kesu", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(
                "alter system set fsync = off"
            )  # what is proved about durability is proved in tests/crash
            connection.execute("select pg_reload_conf()")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Among parallel workers: long files first, then those of many tests, so that no worker ends long before another.

    pytest-xdist takes the files in this order when told `--no-loadscope-reorder`.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    files = {item: item.nodeid.partition("::")[0] for item in items}
    tests = Counter(files.values())
    long = {f"tests/{file}": place for place, file in enumerate(LONG_FILES)}
    items.sort(key=lambda item: (long.get(files[item], len(long)), -tests[files[item]]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays to the end: the collector of garbage need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None:
        _server.leave()
        shutil.rmtree(os.environ["KESU_DATA"], ignore_errors=True)

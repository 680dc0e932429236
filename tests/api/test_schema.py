"""What the description promises holds for whatever may be sent: schemathesis, with every check, without exclusions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings

from kesu.api.application import api

pytestmark = pytest.mark.django_db


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Requests share the test's connection and its transaction, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_address_keeps_what_the_description_promises(case: Any, token: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token()}"})


def test_the_description_is_openapi_3_1_and_names_every_address_once():
    told = api.get_openapi_schema(path_prefix="/api/v1/")
    assert told["openapi"].startswith("3.1")
    ids = [operation["operationId"] for methods in told["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids)) > 25

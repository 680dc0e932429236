"""Logs are events with ids, to stderr; never a secret, a phone number or a payer's text."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LOGGING: dict[str, Any] = {"version": 1, "disable_existing_loggers": False}


class NoAddresses(logging.Filter):
    """Django names the address of what failed. People type phone numbers there, and links hold secrets: the route that
    was meant is told instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            known = f"/{match.route}" if match else "no address of the desk"
            record.args = tuple(known if argument == path else argument for argument in record.args)
        return True


def configure(format: str, level: str) -> None:
    """``format`` is ``text`` or ``json``; both go through structlog so that every line has the same fields."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(NoAddresses())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # httpx2 logs every request with its full address at info: robot keys and notice tokens are part of addresses.
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access", "apprise"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

"""``kesu sandbox``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kesu.cli.language import _


def sandbox(
    directory: Annotated[
        Path, typer.Option("--dir", help=_("Where to keep keys and state, and to write sandbox.json."))
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help=_("Port to listen on; 0 chooses a free one."))
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help=_("Seed of everything random."))] = 1,
    quiet_payers: Annotated[bool, typer.Option("--quiet-payers", help=_("Nobody complains by himself."))] = False,
    https_only: Annotated[
        bool, typer.Option("--https-only", help=_("Refuse http callback addresses, even on loopback."))
    ] = False,
) -> None:
    """Writes DIR/sandbox.json when it is ready."""
    from kesu.sandbox.serve import run

    run(directory, port=port, seed=seed, quiet_payers=quiet_payers, https_only=https_only)

"""``python -m kesu.cli``: how the supervisor starts its children."""

from kesu.cli import main

main()

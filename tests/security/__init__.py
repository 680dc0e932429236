"""One file a threat; the table in ``SECURITY.md`` names them. Addresses are read from the running desk, so that a new
one is walked from the day it exists."""

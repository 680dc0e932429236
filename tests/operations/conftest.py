"""Stories in a world of their own, and accounts, for what runs beside the desk's work."""

from tests.stories.conftest import identity, tell  # noqa: F401 - fixtures

"""No deadline a hypothesis example: a slow machine is no failing rule."""

from hypothesis import settings

settings.register_profile("rules", deadline=None)
settings.load_profile("rules")

"""A whole world in one process: the sandbox as the platform, the desk, and a clock that jumps from event to event."""

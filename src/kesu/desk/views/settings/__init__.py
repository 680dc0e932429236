"""Settings: one file a task, each ending with a proof."""

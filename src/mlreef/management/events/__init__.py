"""Live news of runs for browsers and terminals, as server-sent events."""

"""CI pipelines: created from a push or by API, their jobs advanced, cancelled and retried."""

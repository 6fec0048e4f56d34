"""The registry's one migration chain, valid on SQLite and PostgreSQL."""

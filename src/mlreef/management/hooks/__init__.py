"""Webhooks of the forge: verified, dispatched to whoever registered, repeated until they were heard."""

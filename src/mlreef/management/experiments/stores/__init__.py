"""Queries over experiments and over metric series."""

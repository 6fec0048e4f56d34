"""Processors: published, immutable, versioned programs, the environments they are built on, and the marketplace."""

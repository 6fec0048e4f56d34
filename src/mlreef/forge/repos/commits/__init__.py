"""Commits over REST: history, differences, and committing changes of many files at once."""

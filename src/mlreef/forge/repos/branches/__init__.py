"""Branches and tags over REST."""

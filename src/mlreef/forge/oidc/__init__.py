"""Tokens that the forge signs: identity tokens of CI jobs and access tokens of the container registry."""

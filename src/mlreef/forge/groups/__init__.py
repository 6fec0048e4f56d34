"""Namespaces (of users and groups) and memberships of groups and projects."""

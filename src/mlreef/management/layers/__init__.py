"""Layers of packages that images of this instance share: which image holds the packages of a lock."""

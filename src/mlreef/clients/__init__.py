"""Typed HTTP clients and wire models, one module per service.

Services never import each other: what one needs of another it asks through these clients, over the wire
at scale and over an in-process transport in the one-process default.
"""

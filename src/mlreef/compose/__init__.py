"""Composition: the only package that imports several services.

It mounts forge, registry, management and frontend behind one origin in one process (the embedded default), or starts
one of them by itself. Nothing else may know that they can share a process.
"""

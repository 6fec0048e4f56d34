"""Reads the parameters of a program from its source, without ever running, importing or compiling it.

A small abstract interpreter follows the statements that build the program's parser, so that helpers, loops and
constants mean what they mean to Python. What it cannot know is an error or a warning
with its place in the file, never a silence.
"""

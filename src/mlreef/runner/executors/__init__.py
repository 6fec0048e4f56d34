"""Executors: the ways a job's commands can be run, behind one Protocol (`base.Executor`)."""

"""Experiments: what an algorithm's run showed, with its parameters, metrics, resources and model files."""

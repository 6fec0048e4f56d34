"""Protected branches: who may push to them, and who may throw their history away."""

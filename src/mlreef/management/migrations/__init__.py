"""Schema steps of the management service; each must work with the previous release's code."""

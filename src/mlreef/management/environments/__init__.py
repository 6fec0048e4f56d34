"""Environments as the operator manages them: which images processors are built on."""

"""Runners: registration, claiming jobs, the answers of the runner protocol, leases."""

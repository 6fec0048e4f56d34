"""Processors on this machine: a project's files, and runs in the real sandbox without any server.

Only the server's part is stood in for; runner, framework in the job, extraction and images are the real ones.
"""

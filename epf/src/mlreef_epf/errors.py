"""The errors a job can end with: each carries the reason the management service records and one message for people."""

from __future__ import annotations


class Failure(Exception):
    """The job ends as failed with this reason, message and exit code."""

    reason = "epf_error"

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class InputUnavailable(Failure):
    """An input cannot be had: its path, commit or bytes are not there (or not for this job)."""

    reason = "input_unavailable"


class NoOutput(Failure):
    """The processor ended well but left nothing behind."""

    reason = "no_output"


class Canceled(BaseException):
    """The job was told to stop (SIGTERM); not an Exception, so that no retry loop swallows it."""

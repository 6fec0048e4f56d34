"""Running the user's program: an argv list in its own session, its bytes streamed through, its limits enforced.

Whatever it starts ends with it: the session by its process group, strays by descent. Never a shell, never a wait on a
pipe that a forgotten grandchild still holds.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import IO, Any, Callable, Mapping, NamedTuple, Optional, Sequence, Tuple, cast

from mlreef_epf import errors, log, resources

_TICK_S = 0.05
_MEMORY_EVERY_S = 0.25
_DRAIN_S = 1.0
_NEAR = 0.85


class Outcome(NamedTuple):
    """How a processor ended; reason None means well."""

    exit_code: int
    reason: Optional[str]
    message: str
    duration_s: float
    peak_memory: int


class Supervisor:
    """Runs one processor to its end."""

    def __init__(self, limits: Mapping[str, Any], on_bytes: Callable[[bytes], None], term_grace_s: float = 5.0) -> None:
        self._timeout = float(limits.get("timeout_s") or 0)
        self._memory = int(limits.get("memory_bytes") or 0)
        self._on_bytes, self._grace = on_bytes, term_grace_s
        self._peak = 0
        self._verdict: Optional[Tuple[str, str]] = None

    def run(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Outcome:
        """Start the processor, follow it, and say how it ended."""
        start, kills = time.monotonic(), resources.oom_kills()
        process = self._start(argv, cwd, env)
        try:
            self._follow(process, start)
        except errors.Canceled:
            self._terminate(process)
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            resources.kill_descendants(os.getpid())
            self._drain(process)
            _stdout(process).close()
        self._peak = max(self._peak, resources.peak_of_children())
        return self._judge(process.returncode, time.monotonic() - start, resources.oom_kills() > kills)

    def _start(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True, close_fds=True, bufsize=0,
            )  # fmt: skip
        except FileNotFoundError as exc:
            raise errors.Failure("the command %r is not in this image (%s)" % (argv[0], exc), exit_code=127) from exc
        except (OSError, ValueError) as exc:
            raise errors.Failure("the command %r cannot be started: %s" % (argv[0], exc), exit_code=126) from exc
        os.set_blocking(_stdout(process).fileno(), False)
        # Should memory run out, the kernel is to pick the processor, so that EPF lives to report it.
        with contextlib.suppress(OSError), open("/proc/%d/oom_score_adj" % process.pid, "w") as out:
            out.write("500")
        return process

    def _follow(self, process: subprocess.Popen[bytes], start: float) -> None:
        next_memory, open_pipe = start, True
        with selectors.DefaultSelector() as selector:
            selector.register(_stdout(process), selectors.EVENT_READ)
            while process.poll() is None:
                if open_pipe and selector.select(_TICK_S):
                    open_pipe = self._pump(process)
                elif not open_pipe:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_TICK_S)
                now = time.monotonic()
                if self._timeout and now - start > self._timeout:
                    self._verdict = ("timeout", "the processor ran longer than its limit of %g s" % self._timeout)
                elif now >= next_memory:
                    next_memory = now + _MEMORY_EVERY_S
                    self._watch_memory()
                if self._verdict:
                    log.say("stopping the processor: " + self._verdict[1])
                    self._terminate(process)
                    return

    def _watch_memory(self) -> None:
        used = resources.memory(resources.descendants(os.getpid()))
        self._peak = max(self._peak, used)
        if self._memory and used > self._memory:
            self._verdict = ("memory_limit", self._memory_message(used))

    def _pump(self, process: subprocess.Popen[bytes]) -> bool:
        try:
            data = os.read(_stdout(process).fileno(), 1 << 16)
        except BlockingIOError:
            return True
        if data:
            self._on_bytes(data)
        return bool(data)

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _DRAIN_S
        with selectors.DefaultSelector() as selector:
            selector.register(_stdout(process), selectors.EVENT_READ)
            while time.monotonic() < end and selector.select(max(0.0, end - time.monotonic())):
                if not self._pump(process):
                    return

    def _terminate(self, process: subprocess.Popen[bytes]) -> None:
        """Ask the whole group to stop; whoever is left after the grace is killed by the caller."""
        memory = self._verdict and self._verdict[0] == "memory_limit"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL if memory else signal.SIGTERM)
        end = time.monotonic() + self._grace
        while process.poll() is None and time.monotonic() < end:
            self._pump(process)
            time.sleep(0.02)

    def _judge(self, code: int, duration: float, oom: bool) -> Outcome:
        exit_code = code if code >= 0 else 128 - code
        reason, message = self._verdict or (None, "")
        killed = code == -signal.SIGKILL or exit_code == 128 + signal.SIGKILL
        near = self._memory and self._peak >= _NEAR * self._memory
        if not reason and killed and (near or oom):
            reason, message = "memory_limit", self._memory_message(self._peak)
        elif not reason and code < 0:
            reason, message = "killed", "the processor was ended by signal %s" % signal.Signals(-code).name
        elif not reason and code > 0:
            reason, message = "exit_code", "the processor ended with exit code %d" % code
        if reason and exit_code == 0:
            exit_code = 1
        return Outcome(exit_code, reason, message, duration, self._peak)

    def _memory_message(self, used: int) -> str:
        limit = log.size(self._memory) if self._memory else "the machine's memory"
        remedy = "choose a larger machine class, or raise `memory` in the processor's description"
        return "the processor used %s of memory and its limit is %s: %s" % (log.size(used), limit, remedy)


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", process.stdout)

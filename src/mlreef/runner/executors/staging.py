"""How a runner that is root starts a sandbox as somebody else.

bwrap must never run as root: its kernel uid would stay 0 and the host's /proc/sys writable. But another user cannot
reach what lies below, say, /root. So a private mount namespace shows just the needed directories under one place
that everybody may enter, and privileges are dropped there before bwrap starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PLACES = ("/mnt", "/media", "/srv", "/opt")
# $1: the place; then pairs of source and name; then --; then the command.
_STAGE = (
    'set -e; place=$1; shift; mount -t tmpfs -o mode=755,size=4m mlreef "$place"; '
    'while [ "$1" != -- ]; do '
    'if [ -d "$1" ]; then mkdir -p "$place/$2"; else : > "$place/$2"; fi; '
    'mount --bind "$1" "$place/$2"; shift 2; done; shift; cd /; exec "$@"'
)


@dataclass(slots=True)
class Stage:
    """Names under which a sandbox's sources can be reached; for an unprivileged runner their own paths."""

    uid: int
    gid: int
    place: str = ""
    staged: dict[str, str] = field(default_factory=dict)

    @classmethod
    def for_slot(cls, *, root: bool, uid_base: int, slot: int, own: tuple[int, int]) -> Stage:
        """Slot N of a root runner is user base+1+N; all slots share one group, for the caches they share."""
        if not root:
            return cls(*own)
        return cls(uid_base + 1 + slot, uid_base, next(place for place in _PLACES if Path(place).is_dir()))

    def reach(self, source: Path | str) -> str:
        """The path by which the sandbox's user reaches a file or directory."""
        if not self.place:
            return str(source)
        name = self.staged.setdefault(str(source), f"s{len(self.staged)}")
        return f"{self.place}/{name}"

    def command(self, argv: Sequence[str], limits: Sequence[str]) -> list[str]:
        """The command line that does it; `limits` are options of prlimit."""
        limited = ["prlimit", *limits, "--", *argv]
        if not self.place:
            return limited
        pairs = [item for source, name in self.staged.items() for item in (source, name)]
        drop = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--no-new-privs"]
        namespace = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", _STAGE, "sh"]
        return [*namespace, self.place, *pairs, "--", *drop, *limited]


def environment() -> Mapping[str, str]:
    """What the programs that set a sandbox up see: it stays readable in the sandbox's /proc/1/environ."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

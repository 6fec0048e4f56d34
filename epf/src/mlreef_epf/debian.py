"""Fetching Debian packages with apt-get, without root and without touching the machine's own apt state.

A machine that runs the wanted release uses its own sources, whatever mirror they name. Any other machine (or one told
to by MLREEF_DEBIAN_MIRROR) gets private sources for that release, checked against Debian's archive keys all the same.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
from typing import List, Mapping, Sequence

from mlreef_epf import errors, log

MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Archive:
    """One Debian release as a source of packages."""

    def __init__(self, suite: str, scratch: str, environ: Mapping[str, str]) -> None:
        self._suite, self._scratch = suite, scratch
        self._mirror = environ.get("MLREEF_DEBIAN_MIRROR", "")
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise errors.Failure("environments are built from Debian packages: run this where apt-get and dpkg-deb are")

    def architecture(self) -> str:
        """This machine's architecture by Debian's name."""
        return subprocess.run(
            ["dpkg", "--print-architecture"], stdout=subprocess.PIPE, check=True, encoding="utf-8"
        ).stdout.strip()

    def fetch(self, packages: Sequence[str]) -> List[str]:
        """Download packages; returns the files' paths."""
        target = os.path.join(self._scratch, "packages")
        os.makedirs(target, exist_ok=True)
        log.say("fetching %d Debian packages" % len(packages))
        # The machine's own lists are quickest, when there are any and they are of the right release.
        if self._mirror or _codename() != self._suite or self._apt([], "download", packages, target) != 0:
            options = self._private()
            log.say("fetching Debian's package lists")
            if self._apt(options, "update", (), target, loud=True) != 0:
                raise errors.Failure("Debian's package lists cannot be fetched; see apt-get's messages above")
            if self._apt(options, "download", packages, target, loud=True) != 0:
                raise errors.Failure("Debian's packages cannot be fetched; see apt-get's messages above")
        return sorted(glob.glob(os.path.join(target, "*.deb")))

    def _private(self) -> List[str]:
        """Options for apt state of our own; with sources of our own unless this machine runs the release."""
        state = os.path.join(self._scratch, "apt")
        os.makedirs(os.path.join(state, "lists", "partial"), exist_ok=True)
        os.makedirs(os.path.join(state, "archives", "partial"), exist_ok=True)
        settings = {"Dir::State::Lists": state + "/lists", "Dir::Cache": state}
        if self._mirror or _codename() != self._suite:
            if not os.path.exists(_KEYS):
                raise errors.Failure("install the package debian-archive-keyring: %s is missing" % _KEYS)
            with open(os.path.join(state, "status"), "w"), open(os.path.join(state, "sources.list"), "w") as out:
                signed = "deb [signed-by=%s]" % _KEYS
                out.write("%s %s %s main\n" % (signed, self._mirror or MIRROR, self._suite))
                out.write("%s %s %s-updates main\n" % (signed, self._mirror or MIRROR, self._suite))
                if not self._mirror:
                    out.write("%s %s %s-security main\n" % (signed, SECURITY, self._suite))
            settings["Dir::Etc::SourceList"] = state + "/sources.list"
            settings["Dir::Etc::SourceParts"] = "/dev/null"
            settings["Dir::State::Status"] = state + "/status"
        return ["%s=%s" % pair for pair in settings.items()]

    def _apt(
        self, options: Sequence[str], verb: str, packages: Sequence[str], where: str, *, loud: bool = False
    ) -> int:
        argv = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
        for option in options:
            argv += ["-o", option]
        done = subprocess.run(
            [*argv, verb, *packages],
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if loud and done.returncode:
            log.write(done.stdout[-4000:])
        return done.returncode


def _codename() -> str:
    try:
        with open("/etc/os-release") as handle:
            rows = dict(line.strip().partition("=")[::2] for line in handle)
    except OSError:
        return ""
    return rows.get("VERSION_CODENAME", "").strip('"')

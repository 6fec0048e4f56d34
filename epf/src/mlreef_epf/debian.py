"""Fetching Debian packages with apt-get, without root and without touching the machine's own apt state.

A machine that runs the wanted release uses its own sources, whatever mirror they name. Any other machine (or one told
to by MLREEF_DEBIAN_MIRROR) gets private sources for that release, checked against Debian's archive keys all the same.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
from typing import Any, Dict, List, Mapping, Sequence

from mlreef_epf import errors, log

MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Archive:
    """One Debian release as a source of packages."""

    def __init__(self, suite: str, scratch: str, environ: Mapping[str, str]) -> None:
        self._suite, self._scratch = suite, scratch
        self._mirror = environ.get("MLREEF_DEBIAN_MIRROR", "")
        self._updated = False
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise errors.Failure("environments are built from Debian packages: run this where apt-get and dpkg-deb are")

    def architecture(self) -> str:
        """This machine's architecture by Debian's name."""
        return subprocess.run(
            ["dpkg", "--print-architecture"], stdout=subprocess.PIPE, check=True, encoding="utf-8"
        ).stdout.strip()

    def resolve(self, packages: Sequence[str], present: Sequence[Mapping[str, Any]]) -> List[str]:
        """The packages with everything they depend on and a root file system with `present` packages lacks."""
        status = os.path.join(self._scratch, "present")
        with open(status, "w") as out:
            for row in present:
                fields = {"Package": row["name"], "Status": "install ok installed", "Version": row["version"]}
                fields.update({"Architecture": row.get("architecture") or "all", "Maintainer": "-", "Description": "-"})
                out.write("".join("%s: %s\n" % item for item in fields.items()) + "\n")
        options = [] if not self._mirror and _codename() == self._suite else self._private()
        options = [one for one in options if not one.startswith("Dir::State::Status")]
        options += ["Dir::State::Status=" + status, "APT::Install-Recommends=false"]
        argv = ["apt-get", "-q", "--simulate"]
        for option in options:
            argv += ["-o", option]
        done = subprocess.run(
            [*argv, "install", *packages], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
        if done.returncode != 0:
            raise errors.Failure("the Debian packages cannot be had:\n%s" % done.stdout[-2000:])
        return sorted({line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")})

    def component(self, path: str) -> Dict[str, Any]:
        """What a bill of materials says of a package's file."""
        fields = ["Package", "Version", "Architecture"]
        done = subprocess.run(
            ["dpkg-deb", "-f", path, *fields], stdout=subprocess.PIPE, check=True, encoding="utf-8"
        ).stdout
        told = dict(line.partition(": ")[::2] for line in done.splitlines())
        state = hashlib.sha256()
        with open(path, "rb") as handle:
            for piece in iter(lambda: handle.read(1 << 20), b""):
                state.update(piece)
        return {"kind": "deb", "name": told["Package"], "version": told["Version"], "sha256": state.hexdigest(),
                "architecture": told["Architecture"], "distribution": "debian-" + self._suite}  # fmt: skip

    def fetch(self, packages: Sequence[str]) -> List[str]:
        """Download packages; returns the files' paths."""
        target = tempfile.mkdtemp(prefix="packages-", dir=self._scratch)
        log.say("fetching %d Debian packages" % len(packages))
        # The machine's own lists are quickest, when there are any and they are of the right release.
        if self._mirror or _codename() != self._suite or self._apt([], "download", packages, target) != 0:
            options = self._private()
            if self._apt(options, "download", packages, target, loud=True) != 0:
                raise errors.Failure("Debian's packages cannot be fetched; see apt-get's messages above")
        return sorted(glob.glob(os.path.join(target, "*.deb")))

    def _private(self) -> List[str]:
        """Options for apt state of our own; with sources of our own unless this machine runs the release."""
        options = self._private_options()
        if not self._updated:
            log.say("fetching Debian's package lists")
            if self._apt(options, "update", (), self._scratch, loud=True) != 0:
                raise errors.Failure("Debian's package lists cannot be fetched; see apt-get's messages above")
            self._updated = True
        return options

    def _private_options(self) -> List[str]:
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

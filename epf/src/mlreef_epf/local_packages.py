"""Packages for a run without a server: locked and installed by the rules of publication, into a directory."""

from __future__ import annotations

import argparse
import os
import tempfile

from mlreef_epf import dependencies, errors, log


def command(args: argparse.Namespace) -> int:
    """Install what an environment lacks; returns the process's exit code."""
    target = dependencies.Target(args.python, args.architecture)
    try:
        with tempfile.TemporaryDirectory(prefix="mlreef-packages-") as scratch:
            installer = dependencies.Installer(scratch, target, env=dict(os.environ))
            lock = installer.lock(os.path.abspath(args.requirements), args.held.split())
            if lock.packages:
                installer.install(lock, os.path.abspath(args.into))
    except errors.Failure as exc:
        log.say(exc.message)
        return 1
    return 0

"""The command line: `run` and `publish` inside jobs, `environment` for operators, `packages` for the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Sequence

from mlreef_epf import __version__

if TYPE_CHECKING:
    import argparse


def main(argv: Sequence[str]) -> int:
    """Run one subcommand and return its exit code."""
    if list(argv) == ["run"]:  # what every step waits for; the parser takes as long to load as the rest of this
        from mlreef_epf import step

        return step.run(os.environ)
    args = _parser().parse_args(argv)
    if args.command == "publish":
        from mlreef_epf import publication

        return publication.run(os.environ)
    if args.command == "packages":
        from mlreef_epf import local_packages

        return local_packages.command(args)
    from mlreef_epf import copying, environments

    if args.action == "copy":
        return copying.command(args, os.environ)
    return environments.command(args, os.environ)


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(prog="epf", description="The executable pipeline framework of MLReef.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the step this job is for")
    commands.add_parser("publish", help="build and push the image this job is for")
    packages = commands.add_parser("packages", help="lock and install packages as a publication does, on this machine")
    packages.add_argument("--requirements", required=True, help="a requirements file")
    packages.add_argument("--into", required=True, help="the directory to install into; none when nothing is missing")
    packages.add_argument("--python", required=True, help="the environment's Python, such as 3.11")
    packages.add_argument("--architecture", default="", help="the environment's architecture (amd64, arm64)")
    packages.add_argument("--held", default="", help="what the environment holds: name==version, separated by spaces")
    group = commands.add_parser("environment", help="environments: the images processors are built on")
    actions = group.add_subparsers(dest="action", required=True)
    build = actions.add_parser("build", help="build and push an environment")
    build.add_argument("--name", required=True, help="a definition that comes along, such as python-3.11")
    build.add_argument("--definition", help="a JSON file with another definition")
    build.add_argument("--registry", required=True, help="the registry's URL")
    build.add_argument("--repository", required=True, help="its repository, such as mlreef/environments/python-3.11")
    build.add_argument("--tag", default="latest", help="its tag (default: %(default)s)")
    build.add_argument("--from", dest="base", help="build on this image (repository:tag or @digest, same registry)")
    build.add_argument("--requirements", help="a requirements file in place of the definition's packages")
    build.add_argument("--uv", help="the uv binary to use and, for a base, to copy into the image")
    build.add_argument("--bwrap", help="the bubblewrap binary to run the image's own Python with")
    build.add_argument("--builder", help="who builds, as provenance names it (default: the registry's URL)")
    build.add_argument("--work", help="a directory for temporary files (default: the system's)")
    copy = actions.add_parser("copy", help="take an image of any registry over as an environment")
    copy.add_argument("--name", required=True, help="the environment's name")
    copy.add_argument("--image", required=True, help="the image, such as registry.example.org/r-base:4.5")
    copy.add_argument("--registry", required=True, help="the URL of the registry to copy it to")
    copy.add_argument("--repository", required=True, help="the repository there")
    copy.add_argument("--insecure", action="store_true", help="speak to the image's registry over http")
    copy.add_argument("--builder", help="who copies, as provenance names it (default: the registry's URL)")
    copy.add_argument("--work", help="a directory for temporary files (default: the system's)")
    return parser

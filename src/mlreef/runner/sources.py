"""Gets a job's source with git, before the job's own code runs, in a configuration that repository content cannot bend.

Credentials stand in a file outside the work tree (`url.<with token>.insteadOf`), never on a command line. No hooks, no
submodules, no protocol but http(s). Fetch and clone are the same here, because work directories do not outlive a job.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlreef.runner.executors import base, children
from mlreef.runner.payload import Git
from mlreef.runner.trace import Trace

_SECONDS = 1800.0


async def get(git: Git, work: Path, private: Path, trace: Trace) -> None:
    """Fill `work` with the job's commit; raises `PrepareFailed`."""
    configuration = private / "gitconfig"
    _configure(git, configuration)
    options = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never"]
    options += ["-c", "protocol.http.allow=always", "-c", "protocol.https.allow=always"]
    options += ["-c", "fetch.fsckObjects=true", "-c", "advice.detachedHead=false", "-c", "safe.directory=*"]
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(private),
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C.UTF-8",
    }
    env.update({name: os.environ[name] for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO") if name in os.environ})
    depth = [f"--depth={git.depth}"] if git.depth > 0 else []
    steps = [
        ["init", "--quiet", "--template="],
        ["remote", "add", "origin", "--", git.clean_url],
        ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *depth, "origin", *git.refspecs],
        ["checkout", "--force", "--quiet", git.sha],
    ]
    trace.say(f"Checking out {git.sha[:8]} as detached HEAD (ref is {git.ref})...")
    for step in steps:
        await _git(["git", *options, *step], work, env, trace)
    if shutil.which("git-lfs") and (work / ".gitattributes").is_file() and not (work / ".gitattributes").is_symlink():
        await _git(["git", *options, "lfs", "pull"], work, env, trace)
    configuration.unlink(missing_ok=True)


def _configure(git: Git, path: Path) -> None:
    scheme, _, rest = git.repo_url.partition("://")
    login, at, _ = rest.rpartition("@")
    host = git.clean_url.partition("://")[2].partition("/")[0]
    if any(character in git.repo_url for character in '"\\\n\r'):
        raise base.PrepareFailed("the repository's URL is not one")
    lines = ["[credential]", "\thelper ="]
    if at:
        lines += [f'[url "{scheme}://{login}@{host}/"]', f"\tinsteadOf = {scheme}://{host}/"]
    path.touch(mode=0o600)
    path.write_text("\n".join([*lines, ""]))


async def _git(argv: list[str], work: Path, env: dict[str, str], trace: Trace) -> None:
    process = children.spawn(["setpriv", "--pdeathsig", "KILL", *argv], env=env, cwd=work)

    async def kill_tree() -> None:
        if process.returncode is None:
            process.kill()

    child = children.Child(process, timeout=_SECONDS, cgroup=None, kill_tree=kill_tree)
    try:
        async for data in child.output():
            trace.write(data)
        outcome = await child.wait()
    finally:
        await child.cleanup()
    if outcome.exit_code:
        raise base.PrepareFailed(f"git {argv[argv.index('safe.directory=*') + 1]} failed ({outcome.exit_code})")

"""One suite for every executor: what a job may rely on, and what the machine may rely on.

Sandboxes must also keep hostile code in; the process executor says that it does not, and is spared those tests.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runner"))

import executor_images

from mlreef.runner import Settings, workplace
from mlreef.runner.executors import base, choice
from mlreef.runner.images.store import Images
from mlreef.runner.proxy import Proxy
from mlreef.runner.upstreams import Policy

KINDS = ["process", "bubblewrap", pytest.param("podman", marks=pytest.mark.slow)]
SANDBOXES = KINDS[1:]


@dataclass
class Bench:
    """An executor that works here, and a place for one job."""

    executor: base.Executor
    place: workplace.Workplace
    image: str | None

    async def prepare(self, *mounts: base.Mount, **limits: object) -> base.Prepared:
        defaults = {"memory_bytes": 256 << 20, "pids": 128, "tmp_bytes": 16 << 20}
        spec = base.Spec(
            job_id=1,
            slot=0,
            directory=self.place.job,
            image=self.image,
            mounts=mounts,
            limits=base.Limits(**{**defaults, **limits}),  # type: ignore[arg-type]
        )
        return await self.executor.prepare(spec)

    async def start(self, prepared: base.Prepared, *argv: str, seconds: float = 60, **env: str) -> base.Handle:
        env = {**prepared.env, **env}
        return await self.executor.run(prepared, base.Command(argv, env, f"{prepared.root}/work", seconds))

    async def run(self, *argv: str, seconds: float = 60, env: dict[str, str] | None = None) -> Ran:
        return await self.finish(await self.start(await self.prepare(), *argv, seconds=seconds, **(env or {})))

    async def sh(self, script: str, **env: str) -> Ran:
        return await self.run("/bin/sh", "-c", script, env=env)

    async def finish(self, handle: base.Handle) -> Ran:
        output = b"".join([data async for data in handle.output()])
        outcome = await handle.wait()
        await handle.cleanup()
        return Ran(outcome, output.decode())


@dataclass
class Ran:
    outcome: base.Outcome
    output: str

    @property
    def code(self) -> int:
        return self.outcome.exit_code


@pytest.fixture
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    kind: str = request.param
    settings = Settings(
        url="http://127.0.0.1:9",
        token="glrt-x",
        executor=kind,  # type: ignore[arg-type]
        work_dir=tmp_path / "work",
        cache_dir=tmp_path / "cache",
    )
    if kind == "podman":
        image_server = request.getfixturevalue("python_image")
        settings = settings.model_copy(update={"insecure_registries": [image_server.host]})
    images = Images(settings.cache_dir / "images", known_origins=[], insecure=[], capacity=1 << 30)
    executor = choice.make(kind, settings, images)
    capability = await executor.probe()
    if not capability.available:
        pytest.skip(capability.reason)
    with workplace.made(settings.work_dir, 0) as place:
        yield Bench(executor, place, image_server.name if kind == "podman" else None)
    await executor.sweep()
    await executor.close()
    await images.close()


python_image = executor_images.python_image
everywhere = pytest.mark.parametrize("bench", KINDS, indirect=True)
contained = pytest.mark.parametrize("bench", SANDBOXES, indirect=True)


@everywhere
@pytest.mark.parametrize("code", [0, 1, 3, 77])
async def test_the_exit_code_is_the_commands_own(bench: Bench, code: int) -> None:
    assert (await bench.sh(f"exit {code}")).code == code


@everywhere
async def test_a_signal_is_reported_as_shells_do(bench: Bench) -> None:
    assert (await bench.sh("sh -c 'kill -TERM $$'")).code == 143


@everywhere
async def test_output_is_complete_and_in_order(bench: Bench) -> None:
    ran = await bench.run("python3", "-c", "for i in range(20000): print(i, flush=i % 100 == 0)")
    assert ran.output == "".join(f"{i}\n" for i in range(20000))


@everywhere
async def test_standard_error_comes_with_standard_output(bench: Bench) -> None:
    assert (await bench.sh("echo one; echo two >&2; echo three")).output.split() == ["one", "two", "three"]


@everywhere
async def test_arguments_arrive_verbatim(bench: Bench) -> None:
    values = ["", " ", "a b", "$(id)", "`id`", '"', "'", "\\", "ü€😀", "-x", "*", "a\nb", "--"]
    ran = await bench.run("python3", "-c", "import sys; print(ascii(sys.argv[1:]))", *values)
    assert ran.output.strip() == ascii(values)


@everywhere
async def test_variables_arrive_verbatim_and_nothing_of_the_runners(bench: Bench) -> None:
    os.environ["MLREEF_TEST_OF_THE_RUNNER"] = canary = secrets.token_hex(8)
    try:
        value = "a b\n$HOME `id` \"'\\ ü"
        script = "import os; print(ascii(dict(os.environ)))"
        ran = await bench.run("python3", "-c", script, env={"GIVEN": value})
    finally:
        del os.environ["MLREEF_TEST_OF_THE_RUNNER"]
    assert ascii(value) in ran.output
    assert canary not in ran.output


@everywhere
async def test_the_parts_of_the_directory_are_there_and_kept(bench: Bench) -> None:
    root = bench.executor.root(bench.place.job)
    ran = await bench.sh(f"pwd; for p in in out work home vars; do echo $p > {root}/$p/file || exit 1; done")
    assert (ran.code, ran.output.strip()) == (0, f"{root}/work")
    assert (bench.place.job / "out/file").read_text() == "out\n"


@everywhere
async def test_a_read_only_mount_is_shown_where_it_was_asked_for(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "shown.txt"
    file.write_text("seen\n")
    prepared = await bench.prepare(base.Mount(file, "/mlreef/shown.txt"))
    ran = await bench.finish(await bench.start(prepared, "cat", prepared.place("/mlreef/shown.txt")))
    assert ran.output == "seen\n"


@everywhere
async def test_a_timeout_ends_everything(bench: Bench) -> None:
    ran = await bench.run("/bin/sh", "-c", "setsid sleep 600 & sleep 600", seconds=1)
    assert ran.outcome.timed_out
    assert ran.code == 137


@everywhere
async def test_cancelling_kills_the_whole_tree(bench: Bench) -> None:
    marker = f"6{secrets.randbelow(10**8):08}"
    tree = f"setsid sh -c 'trap \"\" TERM HUP; sleep {marker}' & (sleep {marker} &) ; echo up; sleep {marker}"
    handle = await bench.start(await bench.prepare(), "/bin/sh", "-c", tree)
    await anext(handle.output())
    async with asyncio.timeout(10):
        await handle.cancel()
        while sleeping(marker):
            await asyncio.sleep(0.01)
    await handle.cleanup()


@everywhere
async def test_a_background_child_does_not_keep_the_job_alive(bench: Bench) -> None:
    marker = f"6{secrets.randbelow(10**8):08}"
    async with asyncio.timeout(20):
        ran = await bench.sh(f"setsid sleep {marker} & echo done")
    assert ran.output == "done\n"
    assert not sleeping(marker)


@everywhere
async def test_too_much_memory_is_an_oom_kill(bench: Bench) -> None:
    prepared = await bench.prepare(memory_bytes=64 << 20)
    handle = await bench.start(prepared, "python3", "-c", "x = bytearray(200 << 20); print('survived')")
    ran = await bench.finish(handle)
    assert (ran.code, ran.outcome.oom) == (137, True)
    assert "survived" not in ran.output
    assert not Path("oom").exists(), "an engine's monitor left its mark where the runner was started"


@everywhere
async def test_a_fork_bomb_is_contained_and_ends(bench: Bench) -> None:
    bomb = "import os, time\ntry:\n  while True:\n    os.fork()\nexcept OSError: time.sleep(600)"
    handle = await bench.start(await bench.prepare(pids=32), "python3", "-c", bomb, seconds=2)
    async with asyncio.timeout(20):
        ran = await bench.finish(handle)
    assert ran.outcome.timed_out


@everywhere
async def test_processor_time_is_limited_and_measured(bench: Bench) -> None:
    spin = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.4: pass"
    ran = await bench.finish(await bench.start(await bench.prepare(cpus=0.5), "python3", "-c", spin))
    assert ran.code == 0
    assert ran.outcome.usage.wall_s > 0.6


@contained
async def test_files_of_the_machine_are_out_of_reach(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    secret.chmod(0o644)
    ran = await bench.sh(f"cat {secret} /etc/shadow /root/.profile {bench.place.private}/x; ls /root /home /srv /work")
    assert "canary" not in ran.output
    assert "root:" not in ran.output


@contained
async def test_the_root_is_read_only(bench: Bench) -> None:
    ran = await bench.sh("for d in / /usr /etc /mlreef /usr/bin; do touch $d/new 2>/dev/null && echo wrote $d; done; :")
    assert ran.output == ""


@contained
async def test_tmp_is_private_and_bounded(bench: Bench) -> None:
    ran = await bench.sh("ls -A /tmp; head -c 33554432 /dev/zero > /tmp/big; echo code $?")
    assert "code 0" not in ran.output
    assert "No space left" in ran.output


@contained
async def test_there_is_no_network(bench: Bench) -> None:
    script = """
import socket
virtual = ('lo', 'tunl', 'sit', 'gre', 'ip', 'erspan')
print(sorted(name for _, name in socket.if_nameindex() if not name.startswith(virtual)))
for address in [('127.0.0.1', 22), ('10.88.0.1', 22), ('1.1.1.1', 53), ('169.254.169.254', 80)]:
    try:
        socket.create_connection(address, 2); print('CONNECTED', address)
    except OSError: pass
"""
    assert (await bench.run("python3", "-c", script)).output == "[]\n"


@contained
async def test_no_command_line_and_no_first_environment_holds_a_secret(bench: Bench) -> None:
    show = "for f in /proc/1/environ /proc/1/cmdline /proc/self/mountinfo; do tr '\\0' ' ' < $f; done; "
    script = show + "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done; exit 0"
    secret = secrets.token_hex(16)
    os.environ["MLREEF_TEST_OF_THE_RUNNER"] = canary = secrets.token_hex(16)
    try:
        ran = await bench.run("/bin/sh", "-c", script, env={"CI_JOB_TOKEN": secret})
    finally:
        del os.environ["MLREEF_TEST_OF_THE_RUNNER"]
    assert canary not in ran.output
    if bench.executor.name == "bubblewrap":  # in a container the first process is the job's own
        assert secret not in ran.output


@contained
async def test_the_machine_shows_no_secret_of_a_job_in_its_process_list(bench: Bench) -> None:
    secret = secrets.token_hex(16)
    handle = await bench.start(await bench.prepare(), "/bin/sh", "-c", "echo up; sleep 600", CI_JOB_TOKEN=secret)
    await anext(handle.output())
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    await handle.cancel()
    await handle.cleanup()
    assert not [line for line in lines if secret.encode() in line]


@contained
async def test_privileges_cannot_be_had(bench: Bench) -> None:
    script = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print('uid', os.getuid() != 0)
print('mount', libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))
for path in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/kernel/hostname'):
    try: open(path, 'r+').write('x'); print('WROTE', path)
    except OSError: pass
caps = [line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapPrm', 'CapBnd'))]
print('caps', {int(value, 16) for value in caps})
print('nnp', [line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNewPrivs')])
print('userns', libc.unshare(0x10000000 | 0x20000))
"""
    ran = await bench.run("python3", "-c", script)
    assert ran.output.splitlines()[:2] == ["uid True", "mount -1"], ran.output
    assert "WROTE" not in ran.output
    assert "caps {0}" in ran.output
    assert "nnp ['1']" in ran.output
    assert "userns -1" in ran.output


@contained
async def test_the_proxy_is_the_only_way_out(bench: Bench) -> None:
    server = await asyncio.start_server(_hello, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    refused: list[str] = []
    path = bench.place.private / "proxy.sock"
    allowed = frozenset([("http", "127.0.0.1", port)])
    proxy = Proxy(path, Policy(allowed), refused=refused.append)
    await proxy.start()
    prepared = await bench.prepare(base.Mount(path, "/mlreef/proxy.sock", writable=True))
    script = """
import socket, sys
for target in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX); s.connect('/mlreef/proxy.sock')
    s.sendall(f'GET {target} HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n'.encode())
    print(s.makefile().read().split()[1])
"""
    urls = [f"http://127.0.0.1:{port}/a", f"http://127.0.0.1:{port + 1}/", "http://169.254.169.254/latest"]
    ran = await bench.finish(await bench.start(prepared, "python3", "-c", script, *urls))
    await proxy.stop()
    server.close()
    assert ran.output.split() == ["200", "403", "403"], ran.output
    assert len(refused) == 2


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    await writer.drain()
    writer.close()


def sleeping(marker: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                argv = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argv[:2] == [b"sleep", marker.encode()]:
                found.append(entry.name)
    return found

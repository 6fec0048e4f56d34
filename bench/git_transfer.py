"""git clone and push of 10,000 files and 200 MB against git http-backend behind nginx, and an LFS upload of 1 GB."""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from measure import alternate, live, show, timed

from support import ports

BASE = "/dev/shm"  # many small files on a file system that does not slow down after deletes
FILES, SIZE, ROUNDS = 10_000, 20_000, 5
NUMBERS = count()


def git(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    variables = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(env or {})}
    subprocess.run(["git", *arguments], cwd=cwd, check=True, env=variables, stdout=subprocess.DEVNULL)


def source(folder: Path) -> Path:
    """A repository of 10,000 random files, 200 MB in all."""
    repository = folder / "source"
    repository.mkdir()
    for number in range(FILES):
        path = repository / f"d{number % 100}" / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(SIZE))
    git("init", "-q", "-b", "main", cwd=repository)
    git("config", "gc.auto", "0", cwd=repository)  # no collection in the background of what is measured
    git("add", "-A", cwd=repository)
    git("-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "files", cwd=repository)
    git("gc", "-q", cwd=repository)
    return repository


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """git http-backend behind nginx and fcgiwrap."""
    root, port = folder / "nginx", ports.free()
    (root / "srv").mkdir(parents=True)
    socket = root / "fcgi.sock"
    conf = f"""
daemon off; pid {root}/pid; error_log {root}/error.log; user {getpass.getuser()};
events {{}}
http {{ access_log off; client_max_body_size 0; client_body_temp_path {root}/b; fastcgi_temp_path {root}/f;
 proxy_temp_path {root}/p; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
 server {{ listen 127.0.0.1:{port}; location ~ ^/(.*)$ {{
  include /etc/nginx/fastcgi_params; fastcgi_pass unix:{socket}; fastcgi_request_buffering off; fastcgi_buffering off;
  fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend; fastcgi_param PATH_INFO /$1;
  fastcgi_param GIT_PROJECT_ROOT {root}/srv; fastcgi_param GIT_HTTP_EXPORT_ALL ""; fastcgi_param REMOTE_USER bench;
  fastcgi_param GIT_PROTOCOL $http_git_protocol; }} }} }}
"""
    (root / "conf").write_text(conf)
    wrap = subprocess.Popen(["fcgiwrap", "-c", "4", "-s", f"unix:{socket}"], start_new_session=True)
    web = subprocess.Popen(["nginx", "-c", str(root / "conf")])
    try:
        ports.wait(lambda: ports.accepts(port), "nginx's start")
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        os.killpg(wrap.pid, signal.SIGTERM)  # its workers outlive it otherwise
        web.wait()
        wrap.wait()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mlreef-git-", dir=BASE) as name,
        live("none", base=BASE) as server,
        nginx(Path(name)) as plain,
    ):
        folder = Path(name)
        warm(folder)
        repository = source(folder)
        reef = server.reef
        ours = f"http://{server.username}:{server.token}@127.0.0.1:{server.port}"

        def push_ours() -> None:
            path = reef.forge.projects.create({"name": f"p{next(NUMBERS)}"}).path_with_namespace
            git("push", "-q", f"{ours}/{path}.git", "main", cwd=repository)

        def push_plain() -> None:
            target = folder / f"nginx/srv/p{next(NUMBERS)}.git"
            git("init", "-q", "--bare", str(target), cwd=folder)
            git("config", "http.receivepack", "true", cwd=target)
            git("push", "-q", f"{plain}/{target.name}", "main", cwd=repository)

        def clone(url: str) -> None:
            target = folder / "clone"
            git("clone", "-q", "--no-checkout", url, str(target), cwd=folder)
            shutil.rmtree(target)

        show("push", alternate(ROUNDS, mlreef=push_ours, nginx=push_plain), against="nginx")
        first = reef.forge.projects.list(owned=True, order_by="id", sort="asc")[0].path_with_namespace
        theirs = min((folder / "nginx/srv").iterdir()).name
        urls = f"{ours}/{first}.git", f"{plain}/{theirs}"
        rounds = alternate(ROUNDS, mlreef=lambda: clone(urls[0]), nginx=lambda: clone(urls[1]))
        show("clone", rounds, against="nginx")
        lfs(folder, reef, ours)


def warm(folder: Path) -> None:
    """Use the memory once: a virtual machine gets its pages from the host at a third of the speed of later uses."""
    path = folder / "warm"
    with path.open("wb") as file:
        for _ in range(8_000):
            file.write(bytes(1_000_000))
    path.unlink()


def lfs(folder: Path, reef: object, ours: str) -> None:
    """git-lfs push of one object of 1 GB, and what SHA-256 alone takes for it."""
    path = reef.forge.projects.create({"name": "lfs"}).path_with_namespace  # type: ignore[attr-defined]
    work = folder / "lfs"
    git("init", "-q", "-b", "main", str(work), cwd=folder)
    git("lfs", "install", "--local", cwd=work)
    git("lfs", "track", "*.bin", cwd=work)
    git("remote", "add", "origin", f"{ours}/{path}.git", cwd=work)
    big, seconds = work / "big.bin", []
    for _ in range(3):
        with big.open("wb") as file:
            for _ in range(1000):
                file.write(os.urandom(1_000_000))
        git("add", "-A", cwd=work)
        git("-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "big", cwd=work)
        warm(folder)
        seconds.append(timed(lambda: git("lfs", "push", "origin", "main", cwd=work)))
    with big.open("rb") as file:
        hashing = timed(lambda: hashlib.file_digest(file, "sha256"))
    rates = ", ".join(f"{1000 / one:.0f}" for one in seconds)
    print(f"\nLFS push of 1 GB, three times: {rates} MB/s; SHA-256 alone {1000 / hashing:.0f} MB/s")


if __name__ == "__main__":
    main()

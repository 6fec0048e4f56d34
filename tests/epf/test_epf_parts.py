"""The parts of EPF by themselves: metrics, HTTP, layers, the archive, the documentation's completeness."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import epf_fakes
import pytest

from mlreef_epf import (
    cache,
    environments,
    errors,
    forge,
    layers,
    lfs,
    log,
    metrics,
    registry,
    relay,
    resources,
    seal,
    settings,
    step,
    web,
)

REPOSITORY = Path(__file__).resolve().parents[2]


class Taken:
    def __init__(self):
        self.rows, self.params = [], {}
        self.points = metrics.Points(self.rows.extend, self.params.update, clock=lambda: 1.0)

    def found(self):
        return [(row["key"], row["step"], row["value"]) for row in self.rows]


@pytest.fixture
def taken():
    return Taken()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"mlreef: epoch=3 loss=0.21 accuracy=0.97", [("loss", 3, 0.21), ("accuracy", 3, 0.97)]),
        (b"mlreef: iteration=7, loss=1e-3", [("loss", 7, 0.001)]),
        (b"mlreef: loss=2", [("loss", 0, 2.0)]),
        (b"mlreef: epoch=3", []),
        (b"mlreef: loss=nan", [("loss", 0, "NaN")]),
        (b"mlreef: loss=-inf", [("loss", 0, "-Infinity")]),
        (b"mlreef: loss=high", []),
        (b"other: loss=2", []),
        (b"see mlreef: loss=2", []),
        (b"  mlreef: loss=2\r", [("loss", 0, 2.0)]),
    ],
)
def test_printed_lines_are_read(taken, line, expected):
    metrics.Printed(taken.points).take(line)
    assert taken.found() == expected


def test_printed_lines_are_found_across_pieces_and_carriage_returns(taken):
    printed = metrics.Printed(taken.points)
    for piece in (b"x\nmlr", b"eef: a=", b"1\r50%\rmlreef: a=2\n", b"mlreef: a=3"):
        printed.feed(piece)
    printed.finish()
    assert [value for _, _, value in taken.found()] == [1.0, 2.0, 3.0]


def test_a_metric_in_the_middle_of_a_line_is_none(taken):
    printed = metrics.Printed(taken.points)
    for piece in (b"hello ", b"mlreef: a=1\n"):
        printed.feed(piece)
    assert taken.found() == []


def test_the_metrics_file_is_followed_line_by_line(taken, tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"name": "a", "value": 1}\n{"name": "a", "val')
    follower = metrics.MetricsFile(str(path), taken.points)
    follower.poll()
    assert taken.found() == [("a", 0, 1.0)]
    with path.open("a") as out:
        out.write('ue": 2}\nnot json\n[1]\n{"metrics": {"b": true, "c": 3}, "epoch": 9}')
    follower.finish()
    assert taken.found()[1:] == [("a", 1, 2.0), ("c", 9, 3.0)]
    assert taken.points.skipped == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"metrics": {"loss": [0.5, 0.25]}}, [("loss", 0, 0.5), ("loss", 1, 0.25)]),
        ({"metrics": [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]}, [("loss", 1, 0.5), ("loss", 2, 0.25)]),
        ({"accuracy": 0.9, "name": "mine"}, [("accuracy", 0, 0.9)]),
        ([{"loss": 0.5}, {"loss": 0.25}], [("loss", 0, 0.5), ("loss", 1, 0.25)]),
        ("text", []),
    ],
)
def test_every_shape_of_experiment_json_is_read(taken, tmp_path, content, expected):
    (tmp_path / "experiment.json").write_text(json.dumps(content))
    metrics.ExperimentFile(str(tmp_path / "experiment.json"), taken.points).poll()
    assert taken.found() == expected


def test_experiment_json_yields_only_what_is_new(taken, tmp_path):
    path = tmp_path / "experiment.json"
    follower = metrics.ExperimentFile(str(path), taken.points)
    for content in (
        '{"loss": [3, NaN]}',
        '{"loss": [3]}',
        '{"loss": [3, 2',
        '{"loss": [3, 2]}',
        '{"loss": [3, 2], "acc": 1}',
    ):
        path.write_text(content)
        follower.poll()
        follower.poll()
    assert taken.found() == [("loss", 0, 3.0), ("loss", 1, "NaN"), ("loss", 1, 2.0), ("acc", 0, 1.0)]


def test_a_metrics_file_that_is_a_link_or_a_pipe_is_left_alone(taken, tmp_path):
    (tmp_path / "secret").write_text('{"name": "a", "value": 1}\n')
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        metrics.MetricsFile(str(tmp_path / name), taken.points).poll()
    assert taken.found() == []


def test_layers_do_not_depend_on_times_links_or_order(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "pkg").mkdir(parents=True)
    (tmp_path / "one/b").write_text("same")
    (tmp_path / "one/pkg/a").write_text("same")
    (tmp_path / "two/pkg/a").write_text("same")
    os.link(tmp_path / "two/pkg/a", tmp_path / "two/b")
    os.utime(tmp_path / "two/b", (1, 1))
    built = [layers.build(str(tmp_path / n), str(tmp_path / (n + ".gz")), "opt/deps") for n in ("one", "two")]
    assert built[0].digest == built[1].digest
    layers.unpack(built[1].path, str(tmp_path / "out"))
    assert (tmp_path / "out/opt/deps/b").read_text() == "same"


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", "a/./b", "", "a/../../b", "a\0b"])
def test_names_that_leave_their_directory_are_refused(path):
    with pytest.raises(errors.InputUnavailable):
        forge.safe_path(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:5000/g/c/a@sha256:00", ("127.0.0.1:5000", "g/c/a", "sha256:00")),
        ("registry.example.org/g/c:1.0", ("registry.example.org", "g/c", "1.0")),
        ("localhost/a", ("localhost", "a", "latest")),
    ],
)
def test_image_references_are_taken_apart(text, expected):
    assert registry.split(text) == expected


def test_only_real_pointers_count_as_pointers():
    assert lfs.find_pointer(epf_fakes.pointer(b"abc")) == lfs.Object(epf_fakes.sha256(b"abc"), 3)
    assert lfs.find_pointer(epf_fakes.pointer(b"abc") + b"more") is None
    assert lfs.find_pointer(b"version https://git-lfs") is None


def test_an_input_and_an_output_become_arguments_after_the_others():
    spec = {
        "command": ["python3", "/mlreef/code/a.py"],
        "arguments": [{"name": "n", "flag": "-n", "value": "1"}],
        "inputs": [{"name": "data", "flag": None}, {"name": "quiet", "flag": ""}],
        "outputs": [{"name": "out", "flag": "--out"}],
    }
    mapped = settings.Settings(root="/r").mapped
    argv = step.command_line(spec, mapped, {"data": "/r/in/data", "quiet": "/r/in/quiet"}, {"out": "/r/out/out"})
    assert argv == ["python3", "/r/code/a.py", "-n", "1", "/r/in/data", "--out", "/r/out/out"]


def test_variables_that_repeat_a_token_are_secret_too():
    environ = {"CI_JOB_TOKEN": "abc123", "MY_URL": "http://x:abc123@h", "PATH": "/bin"}
    assert settings.secret_names(environ) == ["CI_JOB_TOKEN", "MY_URL"]
    assert callable(seal.seal)


def _proxy(path, seen):
    """A forward proxy on a unix socket that serves one plain and one CONNECT request per connection."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve():
        while True:
            try:
                near, _ = server.accept()
            except OSError:  # the test is over
                return
            head = near.recv(65536).decode()
            seen.append(head.split("\r\n")[0])
            near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            near.close()

    threading.Thread(target=serve, daemon=True).start()
    return server


def test_plain_requests_go_through_the_proxy_socket_in_absolute_form(tmp_path):
    seen = []
    with _proxy(tmp_path / "s", seen):
        answer = web.Client(str(tmp_path / "s")).request("GET", "http://forge.invalid/api?x=1")
        assert (answer.body, seen) == (b"hi", ["GET http://forge.invalid/api?x=1 HTTP/1.1"])


def test_encrypted_requests_go_through_the_proxy_socket_by_connect(tmp_path):
    seen = []
    with _proxy(tmp_path / "s", seen), pytest.raises(web.Unreachable):
        web.Client(str(tmp_path / "s"), patience=0).request("GET", "https://forge.invalid/api")
    assert seen == ["CONNECT forge.invalid:443 HTTP/1.1"]


def test_the_relay_carries_bytes_both_ways(tmp_path):
    seen = []
    with _proxy(tmp_path / "s", seen), relay.listening(str(tmp_path / "s")) as url:
        answer = web.Client().request("GET", url + "/through")
    assert (answer.body, seen) == (b"hi", ["GET /through HTTP/1.1"])


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(world):
    world.fail = {"GET /lfs/a": [429, 503, 500], "GET /lfs/b": [403]}
    world.lfs = {"a": b"content", "b": b"secret"}
    assert web.Client(pause=0.01).request("GET", world.url + "/lfs/a").body == b"content"
    with pytest.raises(web.HttpError, match="403: made to fail"):
        web.Client().request("GET", world.url + "/lfs/b")
    assert len(world.asked("/lfs/b")) == 1


def test_connections_are_kept(world):
    world.lfs = {"a": b"content"}
    client = web.Client()
    for _ in range(5):
        client.request("GET", world.url + "/lfs/a")
    assert [len(idle) for idle in client._idle.values()] == [1]


def test_the_cache_gives_up_what_was_unused_for_longest(tmp_path):
    held = cache.Cache(str(tmp_path))
    for index in range(4):
        content = b"%d" % index * 100
        held.store(cache.LFS, epf_fakes.sha256(content), 100, [content])
        os.utime(held._path(cache.LFS, epf_fakes.sha256(content)), (index, index))
    held.trim(250)
    assert [held.has(cache.LFS, epf_fakes.sha256(b"%d" % i * 100)) for i in range(4)] == [False, False, True, True]


def test_the_cache_takes_nothing_that_is_not_what_it_says(tmp_path):
    held = cache.Cache(str(tmp_path))
    with pytest.raises(cache.Mismatch):
        held.store(cache.LFS, epf_fakes.sha256(b"true"), 4, [b"lies"])
    assert not held.has(cache.LFS, epf_fakes.sha256(b"true"))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_gpu_use_is_the_mean_of_the_visible_gpus():
    program = "import time; print('40 \\n 60', flush=True); time.sleep(60)"
    gpu = resources.Gpu((sys.executable, "-c", program))
    deadline = time.monotonic() + 20
    while gpu.percent != 50.0 and time.monotonic() < deadline:
        time.sleep(0.01)
    gpu.close()
    assert gpu.percent == 50.0


def test_a_sample_covers_children_and_their_memory():
    program = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(b\"x\") * (64 << 20); input()'])"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while resources.memory(resources.descendants(process.pid)) < 64 << 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        sample = resources.Meter(process.pid).sample()
        process.communicate(b"\n")
    assert sample["memory_bytes"] > 64 << 20
    assert sample["cpu_percent"] > 0


def test_the_archive_is_the_same_every_time(builder, tmp_path):
    digests = {builder.build(tmp_path / name) for name in ("a.pyz", "b.pyz")}
    assert digests == {epf_fakes.sha256((tmp_path / "a.pyz").read_bytes())}


def test_every_definition_of_an_environment_is_complete():
    for path in (REPOSITORY / "epf" / "environments").glob("*.json"):
        definition = environments.load(path.stem)
        assert definition["name"] == path.stem
        assert definition["from"] or definition["debian"]
        assert definition["title"]
        assert definition["python"]


def test_every_variable_that_is_read_is_documented():
    text = (REPOSITORY / "epf" / "README.md").read_text()
    source = "".join(path.read_text() for path in (REPOSITORY / "epf" / "src").rglob("*.py"))
    read = set(re.findall(r'"(MLREEF_[A-Z_]*[A-Z])"', source)) - {"MLREEF_CONFIG"}
    assert not {name for name in read if name not in text}


def test_byte_counts_are_for_people():
    assert [log.size(n) for n in (5, 1500, 2_000_000, 3 * 10**12)] == ["5 B", "1.5 kB", "2.0 MB", "3000.0 GB"]


def test_the_modules_stay_within_their_size():
    for path in (REPOSITORY / "epf" / "src").rglob("*.py"):
        assert len(path.read_text().splitlines()) < 400, path

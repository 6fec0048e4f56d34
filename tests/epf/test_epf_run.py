"""Whole steps: the zipapp runs as a runner would start it, against a fake management service and forge."""

import json
import os
import signal
import stat
import time

import epf_fakes
import pytest

pytestmark = pytest.mark.slow
COPY = """
import os, shutil, sys
source, target = os.environ["MLREEF_INPUT_DATA"], os.environ["MLREEF_OUTPUT_OUTPUT"]
shutil.copytree(source, target, dirs_exist_ok=True)
"""
WRITE = "import sys, pathlib; pathlib.Path(sys.argv[-1], 'r.txt').write_text('x')\n"


def git_input(path="train", name="data", flag="--input-path"):
    source = {"type": "git", "project_id": 1, "commit": epf_fakes.COMMIT, "path": path}
    return {"name": name, "flag": flag, "source": source}


def stored(world, name="output"):
    return {e["path"]: world.lfs[e["oid"]] for e in world.outputs[name]["entries"]}


def test_a_step_fetches_its_input_runs_and_stores_its_output(machine, world):
    world.files = {"train/a.txt": b"one", "train/sub/b.txt": b"two", "other.txt": b"no"}
    code, log = machine.run(COPY, inputs=[git_input()])
    assert code == 0, log
    assert stored(world) == {"a.txt": b"one", "sub/b.txt": b"two"}
    assert (world.result["status"], world.result["exit_code"], world.result["reason"]) == ("success", 0, None)


def test_what_the_processor_used_is_reported(machine, world):
    program = "import time, pathlib, sys; d = b'x' * (64 << 20); [sum(range(10**6)) for _ in range(5)]"
    code, log = machine.run(program + "; pathlib.Path(sys.argv[-1], 'a').write_text('x')")
    assert code == 0, log
    used = world.result["usage"]
    assert 0.02 < used["cpu_s"] < 30
    assert used["peak_memory_bytes"] > 64 << 20
    assert used["gpu_s"] is None


def test_values_reach_the_processor_verbatim_without_a_shell(machine, world):
    program = "import sys, json, pathlib; pathlib.Path(sys.argv[-1], 'argv').write_text(json.dumps(sys.argv[1:]))"
    arguments = [
        {"name": "text", "flag": "--text", "value": "$(reboot) 'a b' ; \\ * \n é"},
        {"name": "fast", "flag": "--fast", "value": None},
        {"name": "empty", "flag": "--empty", "value": ""},
        {"name": "files", "flag": None, "values": ["a", "-b"]},
    ]
    code, log = machine.run(program, arguments=arguments)
    assert code == 0, log
    given = json.loads(stored(world)["argv"])
    assert given[:-2] == ["--text", arguments[0]["value"], "--fast", "--empty", "", "a", "-b"]
    assert given[-2:] == ["--output-path", str(machine.root / "out" / "output")]


def test_many_files_come_as_one_archive_and_the_second_job_asks_for_none(machine, world):
    world.files = {f"train/{i:03}.txt": b"file %d" % i for i in range(250)}
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    assert len(world.asked("/archive.tar")) == 1
    assert world.asked("/raw") == []
    assert len(world.asked("/tree")) == 3
    world.requests.clear()
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    assert world.asked("/archive.tar") + world.asked("/raw") + world.asked("PUT /lfs/") == []


def test_lfs_pointers_become_their_objects(machine, world):
    world.add_lfs("train/big.bin", b"big content" * 1000)
    code, log = machine.run(COPY, inputs=[git_input()])
    assert code == 0, log
    assert stored(world)["big.bin"] == b"big content" * 1000


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_archives_that_resolve_lfs_pointers_do_no_harm(machine, world, size):
    world.archives_resolve_lfs = True
    for index in range(45):
        world.add_lfs(f"train/{index}.bin", b"%03d" % index * (size // 3))
    code, log = machine.run(COPY, inputs=[git_input()])
    assert code == 0, log
    assert len(stored(world)) == 45
    assert (b"no archive" in log) == (size > 100)


@pytest.mark.parametrize("path", ["", "/", ".", "./train/..", "train/", "/train"])
def test_paths_may_be_written_in_any_way(machine, world, path):
    world.files = {"train/a.txt": b"one"}
    assert machine.run(COPY, inputs=[git_input(path)])[0] == 0
    assert set(stored(world)) <= {"a.txt", "train/a.txt"}


def test_a_single_file_is_an_input_too(machine, world):
    world.files = {"data/a.csv": b"1,2\n", "data/b.csv": b"3,4\n"}
    code, log = machine.run(COPY, inputs=[git_input("data/b.csv")])
    assert code == 0, log
    assert stored(world) == {"b.csv": b"3,4\n"}


def test_an_upstream_output_is_an_input_by_its_manifest(machine, world):
    world.lfs[epf_fakes.sha256(b"made")] = b"made"
    entry = {"path": "d/made.txt", "size": 4, "oid": epf_fakes.sha256(b"made"), "mode": "100644"}
    manifest = {"version": 1, "entries": [entry]}
    digest = epf_fakes.sha256(epf_fakes.canonical(manifest))
    world.manifests[digest] = manifest
    source = {"type": "manifest", "digest": digest, "step": "up"}
    code, log = machine.run(COPY, inputs=[{"name": "data", "flag": "-i", "source": source}])
    assert code == 0, log
    assert world.outputs["output"] == manifest


def test_a_missing_path_fails_as_input_unavailable(machine, world):
    world.files = {"train/a.txt": b"one"}
    code, log = machine.run(COPY, inputs=[git_input("trian")])
    assert code == 1
    assert world.result["reason"] == "input_unavailable"
    assert "trian" in world.result["message"]
    assert b"trian" in log


def test_a_missing_lfs_object_fails_as_input_unavailable(machine, world):
    world.files = {"train/a.bin": epf_fakes.pointer(b"never uploaded")}
    assert machine.run(COPY, inputs=[git_input()])[0] == 1
    assert world.result["reason"] == "input_unavailable"


def test_a_poisoned_cache_is_noticed_and_healed(machine, world):
    world.files = {"train/a.txt": b"true"}
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    oid = epf_fakes.blob_id(b"true")
    held = machine.cache / "git" / oid[:2] / oid[2:]
    held.chmod(0o644)
    held.write_bytes(b"lies")
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    assert stored(world) == {"a.txt": b"true"}


def test_a_job_that_changes_its_inputs_changes_nothing_in_the_cache(machine, world):
    world.files = {"train/a.txt": b"true"}
    program = "import os, pathlib; p = pathlib.Path(os.environ['MLREEF_INPUT_DATA'], 'a.txt'); p.chmod(0o666)\n"
    program += "p.write_text('changed')\n" + COPY
    assert machine.run(program, inputs=[git_input()])[0] == 0
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    assert stored(world) == {"a.txt": b"true"}


def test_the_processors_exit_code_is_the_jobs(machine, world):
    code, _ = machine.run("import sys; print('broken'); sys.exit(3)")
    assert code == 3
    assert (world.result["reason"], world.result["exit_code"]) == ("exit_code", 3)


def test_no_output_is_a_failure(machine, world):
    assert machine.run("print('done nothing')")[0] == 1
    assert world.result["reason"] == "no_output"


def test_an_output_directory_that_is_gone_is_no_output(machine, world):
    assert machine.run("import os, sys; os.rmdir(sys.argv[-1])")[0] == 1
    assert world.result["reason"] == "no_output"


def test_outputs_the_processor_locked_are_stored_all_the_same(machine, world):
    program = "import os, sys; d = sys.argv[-1] + '/d'; os.mkdir(d); open(d + '/f', 'w').write('x')\n"
    machine.run(program + "os.chmod(d + '/f', 0); os.chmod(d, 0)")
    assert stored(world) == {"d/f": b"x"}


def test_output_bytes_pass_through_unchanged(machine, world):
    program = (
        r"import sys, os; os.write(1, b'a\xff\r50%\r100%\n'); os.write(2, b'err\n'); os.write(1, b'no end')" + "\n"
    )
    _, log = machine.run(program + WRITE)
    assert b"a\xff\r50%\r100%\nerr\nno end" in log


def test_the_log_is_folded_into_sections(machine, world):
    _, log = machine.run(WRITE)
    for name in (b"mlreef_fetch", b"mlreef_run", b"mlreef_store"):
        assert b":" + name + b"\r\x1b[0K" in log


def test_all_three_roads_of_metrics_arrive(machine, world):
    program = WRITE + (
        "import os, json, pathlib\n"
        "f = open(os.environ['MLREEF_METRICS'], 'a')\n"
        "f.write(json.dumps({'metrics': {'a': 1.5}, 'step': 4}) + '\\n')\n"
        "f.write(json.dumps({'name': 'b', 'value': 2}) + '\\n' + json.dumps({'param': {'k': 'v'}}))\n"
        "f.close()\n"
        "pathlib.Path('experiment.json').write_text(json.dumps({'metrics': {'c': [3, 4]}}))\n"
        "print('mlreef: epoch=3 d=0.25, e=nan')\n"
        'open(os.environ[\'MLREEF_METRICS\'], \'a\').write(\'\\n{"name": "f", "value": "high"}\')\n'
    )
    code, log = machine.run(program)
    assert code == 0, log
    found = {key: world.metric(key) for key in "abcd"}
    assert found == {"a": [(4, 1.5)], "b": [(0, 2.0)], "c": [(0, 3.0), (1, 4.0)], "d": [(3, 0.25)]}
    assert world.metric("e") == [(3, "NaN")]
    assert world.params == {"k": "v"}
    assert b"passed over 1 metric" in log


def test_metrics_arrive_while_the_processor_runs_and_survive_an_outage(machine, world):
    world.fail = {"POST .*/metrics": [503, 500]}
    go = machine.root / "go"
    program = (
        f"{WRITE}import time\nfor i in range(30):\n    print('mlreef: step=%d x=%d' % (i, i), flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n"
    )
    machine.step(program)
    process = machine.start()
    deadline = time.monotonic() + 60
    while not world.points and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert world.points, "the first points came before the end"
    go.touch()
    process.communicate(timeout=60)
    assert world.metric("x") == [(i, float(i)) for i in range(30)]
    numbers = [number for stream, number in world.batches if stream == "metrics"]
    assert numbers == sorted(set(numbers))
    assert world.samples[0]["memory_bytes"] > 1 << 20


def test_tokens_are_out_of_reach_of_the_processor(machine, world):
    program = (
        "import os, pathlib, sys\n"
        "seen = repr(dict(os.environ)).encode()\n"
        "for name in ('environ', 'cmdline'):\n"
        "    try: seen += pathlib.Path('/proc/%d/%s' % (os.getppid(), name)).read_bytes()\n"
        "    except OSError as e: seen += b'denied'\n"
        "pathlib.Path(sys.argv[-1], 'seen').write_bytes(seen)\n"
    )
    code, log = machine.run(program)
    assert code == 0, log
    seen = stored(world)["seen"]
    assert epf_fakes.ID_TOKEN.encode() not in seen
    assert epf_fakes.JOB_TOKEN.encode() not in seen
    assert b"capability" not in seen


def test_a_timeout_ends_the_whole_tree(machine, world):
    program = (
        "import subprocess, sys, time, os, pathlib\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "pathlib.Path({!r}).write_text(str(p.pid)); time.sleep(600)\n"
    ).format(str(machine.root / "stray"))
    limits = {"timeout_s": 1.5, "memory_bytes": 2 << 30, "cpus": 1}
    assert machine.run(program, limits=limits)[0] != 0
    assert world.result["reason"] == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int((machine.root / "stray").read_text()), 0)


def test_more_memory_than_the_limit_ends_as_memory_limit(machine, world):
    program = "import time; held = bytearray(b'x') * (300 << 20); time.sleep(60)"
    code, _ = machine.run(program, limits={"timeout_s": 60, "memory_bytes": 100 << 20, "cpus": 1})
    assert code == 137
    assert world.result["reason"] == "memory_limit"


def test_a_kill_from_outside_near_the_limit_counts_as_memory_limit(machine, world):
    program = "import os, signal; held = bytearray(b'x') * (95 << 20); os.kill(os.getpid(), signal.SIGKILL)"
    machine.run(program, limits={"timeout_s": 60, "memory_bytes": 110 << 20, "cpus": 1})
    assert world.result["reason"] == "memory_limit"


def test_a_kill_far_from_the_limit_is_killed(machine, world):
    code, _ = machine.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (code, world.result["reason"]) == (139, "killed")
    assert "SIGSEGV" in world.result["message"]


def test_cancelling_ends_the_processor(machine, world):
    started = machine.root / "started"
    machine.step(f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)")
    process = machine.start()
    deadline = time.monotonic() + 20
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert world.result["reason"] == "killed"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, sys; os.symlink('/etc/passwd', sys.argv[-1] + '/link')", "link is a symbolic link"),
        ("import os, sys; os.rmdir(sys.argv[-1]); os.symlink('/etc', sys.argv[-1])", "replaced by a symbolic link"),
        ("import os, sys; os.mkfifo(sys.argv[-1] + '/pipe')", "pipe is a named pipe"),
        ("import os, sys; open(sys.argv[-1] + '/a\\nb', 'w')", "cannot be stored"),
        ("import os, sys; os.makedirs(sys.argv[-1] + '/.git/hooks')", "cannot be stored"),
        ("import sys; open(sys.argv[-1] + '/.gitattributes', 'w')", "cannot be stored"),
    ],
)
def test_odd_outputs_are_refused_with_the_reason(machine, world, program, words):
    assert machine.run(program)[0] == 1
    assert world.result["status"] == "failed"
    assert words in world.result["message"]


def test_too_many_output_files_are_refused(machine, world):
    program = "import sys\nfor i in range(4): open(sys.argv[-1] + '/%d' % i, 'w').write('x')"
    machine.run(program, variables={"MLREEF_OUTPUT_MAX_FILES": "3"})
    assert "more than 3 files" in world.result["message"]


def test_executable_outputs_keep_their_bit(machine, world):
    machine.run("import os, sys; p = sys.argv[-1] + '/run.sh'; open(p, 'w').write('x'); os.chmod(p, 0o755)")
    assert [e["mode"] for e in world.outputs["output"]["entries"]] == ["100755"]


def test_a_cached_step_ends_at_once(machine, world):
    code, _ = machine.run("raise SystemExit(9)", cached={"outputs": {"output": {"digest": "d"}}})
    assert code == 0
    assert world.result["status"] == "success"


def test_servers_that_restart_are_waited_for(machine, world):
    world.files = {"train/a.txt": b"one"}
    world.fail = {"GET /api/v1": [502, 503], "/tree": [500], "objects/batch": [502], "PUT .*/result": [503, 500]}
    assert machine.run(COPY, inputs=[git_input()])[0] == 0
    assert world.result["status"] == "success"


def test_a_missing_command_is_explained(machine, world):
    code, _ = machine.run("", command=["no-such-program"])
    assert code == 127
    assert "no-such-program" in world.result["message"]


def test_inputs_are_read_only(machine, world):
    world.files = {"train/a.txt": b"one"}
    world.modes = {"train/a.txt": "100755"}
    program = "import os, json, sys; p = os.environ['MLREEF_INPUT_DATA']\n"
    program += "modes = [os.stat(p).st_mode, os.stat(p + '/a.txt').st_mode]\n"
    program += "open(sys.argv[-1] + '/modes', 'w').write(json.dumps(modes))"
    machine.run(program, inputs=[git_input()])
    assert [stat.S_IMODE(m) for m in json.loads(stored(world)["modes"])] == [0o555, 0o555]


def test_small_files_go_together_where_the_server_knows_how(machine, world):
    world.bundles = True
    for number in range(250):
        world.add_lfs(f"train/{number}", b"%d" % number)
    code, log = machine.run(COPY, inputs=[git_input()])
    assert code == 0, log
    assert stored(world)["249"] == b"249"
    assert world.bundles_sent >= 2

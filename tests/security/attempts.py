"""What hostile jobs try, as programs that run inside a sandbox and tell how every attempt ended.

Each program gets `attempt(name, function)`: a raised error is told by its errno, anything else counts as success.
"""

from __future__ import annotations

PREAMBLE = """
import ctypes, errno, json, os, socket, struct, subprocess, sys
GIVEN = json.loads(sys.argv[1]); LIBC = ctypes.CDLL(None, use_errno=True); ENDED = {}
def attempt(name, function):
    try:
        ENDED[name] = 'SUCCEEDED: %r' % (function(),)
    except OSError as exc:
        ENDED[name] = errno.errorcode.get(exc.errno, str(exc))
    except (LookupError, subprocess.SubprocessError) as exc:
        ENDED[name] = 'nothing' if isinstance(exc, LookupError) else 'failed'
def call(number, *arguments):
    found = LIBC.syscall(number, *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return found
def write(path, data=b'x'):
    with open(path, 'r+b', 0) as file:
        return file.write(data)
def read(path):
    with open(path, 'rb') as file:
        return file.read()[:60]
def wanted(data, needle):
    if needle not in data:
        raise LookupError('not there')
    return needle
"""

# x86-64 and aarch64 number them differently; only calls that differ in nothing else are tried by number.
_CALLS = """
import platform
N = {'x86_64': dict(mount=165, unshare=272, setns=308, pivot_root=155, ptrace=101, keyctl=250, bpf=321,
                    perf_event_open=298, io_uring_setup=425, userfaultfd=323, init_module=175, kexec_load=246,
                    swapon=167, reboot=169, open_by_handle_at=304, process_vm_readv=310, clone3=435, clone=56),
     'aarch64': dict(mount=40, unshare=97, setns=268, pivot_root=41, ptrace=117, keyctl=219, bpf=280,
                     perf_event_open=241, io_uring_setup=425, userfaultfd=282, init_module=105, kexec_load=104,
                     swapon=224, reboot=142, open_by_handle_at=265, process_vm_readv=270, clone3=435, clone=220),
     }[platform.machine()]
"""

PROGRAMS = {
    "host file system": """
attempt('canary', lambda: read(GIVEN['canary']))
attempt('shadow', lambda: read('/etc/shadow'))
attempt('through /proc/1/root', lambda: read('/proc/1/root' + GIVEN['canary']))
attempt('root home', lambda: os.listdir('/root')[0])
attempt('write /usr', lambda: open('/usr/x', 'w'))
attempt('write /etc', lambda: open('/etc/x', 'w'))
attempt('disk device', lambda: [read('/dev/' + d) for d in ('sda', 'vda', 'nvme0n1', 'mem', 'kmsg')])
""",
    "other jobs' files": """
attempt('read', lambda: read(GIVEN['other']))
attempt('list', lambda: os.listdir(os.path.dirname(GIVEN['other'])))
attempt('symlink', lambda: (os.symlink(GIVEN['other'], '/mlreef/work/l'), read('/mlreef/work/l'))[1])
attempt('dots', lambda: read('/mlreef/out/../../../slot-1/job/work/secret'))
""",
    "platform's environment and tokens": """
for pid in [p for p in os.listdir('/proc') if p.isdigit()] + ['self']:
    attempt('environ ' + pid, lambda: wanted(read2('/proc/%s/environ' % pid), GIVEN['token'][::-1].encode()))
    attempt('cmdline ' + pid, lambda: wanted(read2('/proc/%s/cmdline' % pid), GIVEN['token'][::-1].encode()))
attempt('own', lambda: wanted(repr(os.environ).encode(), GIVEN['token'][::-1].encode()))
""",
    "/proc of others": """
attempt('host process', lambda: wanted(read2('/proc/%d/cmdline' % GIVEN['pid']), b'bin/py' + b'test'))
attempt('any pytest', lambda: wanted(b''.join(read2('/proc/%s/cmdline' % p) for p in os.listdir('/proc')
                                              if p.isdigit() and p != str(os.getpid())), b'bin/py' + b'test'))
attempt('core_pattern', lambda: write('/proc/sys/kernel/core_pattern', b'|/tmp/x'))
attempt('sysrq', lambda: open('/proc/sysrq-trigger', 'w').write('s'))
attempt('oom score', lambda: write('/proc/%d/oom_score_adj' % GIVEN['pid'], b'1000'))
""",
    "loopback and control plane": """
def connect(family, where):
    s = socket.socket(family); s.settimeout(3); s.connect(where); return where
attempt('loopback', lambda: connect(socket.AF_INET, ('127.0.0.1', GIVEN['port'])))
attempt('any address', lambda: connect(socket.AF_INET, ('0.0.0.0', GIVEN['port'])))
for address in GIVEN['addresses']:
    attempt(address, lambda: connect(socket.AF_INET, (address, GIVEN['port'])))
attempt('gateway', lambda: connect(socket.AF_INET, ('10.88.0.1', GIVEN['port'])))
attempt('metadata', lambda: connect(socket.AF_INET, ('169.254.169.254', 80)))
attempt('abstract socket', lambda: connect(socket.AF_UNIX, '\\0' + GIVEN['abstract']))
attempt('engine socket', lambda: connect(socket.AF_UNIX, '/run/podman/podman.sock'))
attempt('raw socket', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt('netlink route', lambda: subprocess.run(['ip', 'link', 'add', 'x', 'type', 'dummy'], check=True))
""",
    "nested namespaces": """
for name, flag in dict(user=0x10000000, mount=0x20000, pid=0x20000000, net=0x40000000).items():
    attempt('unshare ' + name, lambda: call(N['unshare'], flag))
attempt('clone user', lambda: call(N['clone'], 0x10000000 | 17, 0, 0, 0, 0))
attempt('clone3', lambda: call(N['clone3'], 0, 0))
attempt('setns', lambda: call(N['setns'], os.open('/proc/1/ns/mnt', os.O_RDONLY), 0))
""",
    "mount and pivot": """
attempt('tmpfs', lambda: call(N['mount'], b'none', b'/mlreef/work', b'tmpfs', 0, 0))
attempt('remount /', lambda: call(N['mount'], b'none', b'/', b'', 32, 0))
attempt('pivot_root', lambda: call(N['pivot_root'], b'/mlreef/work', b'/mlreef/work'))
attempt('chroot', lambda: os.chroot('/mlreef/work'))
attempt('mknod', lambda: os.mknod('/mlreef/work/d', 0o60666, os.makedev(8, 0)))
attempt('open by handle', lambda: call(N['open_by_handle_at'], -100, 0, 0))
""",
    "ptrace and kill of others": """
attempt('ptrace', lambda: call(N['ptrace'], 16, GIVEN['pid'], 0, 0))
attempt('kill', lambda: os.kill(GIVEN['pid'], 0))
attempt('kill parent', lambda: os.kill(GIVEN['pid'] - 1, 9))
attempt('read memory', lambda: call(N['process_vm_readv'], GIVEN['pid'], 0, 0, 0, 0, 0))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, GIVEN['pid'], -5))
""",
    "keyrings and kernel interfaces": """
attempt('keyctl', lambda: call(N['keyctl'], 0, -3, 0))
attempt('bpf', lambda: call(N['bpf'], 0, 0, 0))
attempt('perf', lambda: call(N['perf_event_open'], 0, 0, -1, -1, 0))
attempt('io_uring', lambda: call(N['io_uring_setup'], 1, 0))
attempt('userfaultfd', lambda: call(N['userfaultfd'], 0))
attempt('module', lambda: call(N['init_module'], 0, 0, 0))
attempt('kexec', lambda: call(N['kexec_load'], 0, 0, 0, 0))
attempt('swap', lambda: call(N['swapon'], b'/mlreef/work/s', 0))
attempt('clock', lambda: __import__('time').clock_settime(0, 0))
attempt('host name', lambda: socket.sethostname('evil'))
""",
    "terminal injection": """
import fcntl, termios
def inject():
    leader, follower = os.openpty()
    return fcntl.ioctl(follower, termios.TIOCSTI, b'x')
attempt('TIOCSTI', inject)
attempt('terminal', lambda: os.open('/dev/tty', os.O_RDWR))
attempt('console', lambda: os.open('/dev/console', os.O_RDWR))
""",
    "setuid and capabilities": """
import shutil, stat
def become():
    os.setuid(0); return os.getuid()
def suid():
    copy = '/mlreef/work/copy'
    shutil.copy(os.path.realpath('/usr/bin/id'), copy); os.chmod(copy, 0o6777)
    said = subprocess.run([copy, '-u'], capture_output=True, text=True).stdout.strip()
    if said != '0':
        raise LookupError('uid ' + said)
    return said
def image_suid():
    for place in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/chsh'):
        if os.path.exists(place) and os.stat(place).st_mode & stat.S_ISUID:
            said = subprocess.run([place, '--version'], capture_output=True)
            flags = open('/proc/self/status').read()
            if 'NoNewPrivs:\\t1' in flags:
                raise LookupError('no new privileges')
            return place
    raise LookupError('none in the image')
def capabilities():
    line = [l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'CapBnd'))]
    if all(int(l.split()[1], 16) == 0 for l in line):
        raise LookupError('none')
    return line
attempt('setuid', become)
attempt('own setuid program', suid)
attempt("image's setuid program", image_suid)
attempt('capabilities', capabilities)
attempt('chown', lambda: os.chown('/mlreef/work', 0, 0))
""",
    "inputs stay as they are": """
attempt('write', lambda: write('/mlreef/given'))
attempt('chmod', lambda: os.chmod('/mlreef/given', 0o777))
attempt('remove', lambda: os.unlink('/mlreef/given'))
attempt('rename', lambda: os.rename('/mlreef/work', '/mlreef/given'))
attempt('hard link', lambda: os.link('/mlreef/given', '/mlreef/out/given'))
attempt('through fd', lambda: os.open('/proc/self/fd/%d' % os.open('/mlreef/given', os.O_RDONLY), os.O_RDWR))
""",
}

_READ = """
def read2(path):
    with open(path, 'rb') as file:
        return file.read()
"""


def program(name: str) -> str:
    """The whole program of a probe."""
    return PREAMBLE + _READ + _CALLS + PROGRAMS[name] + "\nprint('ENDED ' + json.dumps(ENDED))\n"

"""Walls around the processes that run snippets, by the namespaces of the Linux kernel.

No privilege is needed, but a kernel that lets users have namespaces of their own. The server
goes on within walls (``go_inside``): a network with nothing but its own loopback, and a root
folder, read-only, without anybody's home, temporary files, sockets or disks. Each child gets
its own processes (``fork``), and last (``seal``) an empty place in memory to write to, and no
way back. What it may take of the machine has limits everywhere (``limit``).

``python -m snippets._harness.confine HOME VISIBLE...`` prints why there can be no walls, if so.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_REC, MS_BIND, MS_PRIVATE = 0x4000, 0x1000, 0x40000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
SYS_MOUNT_SETATTR, SYS_PIVOT_ROOT = 442, 155 if os.uname().machine == "x86_64" else 41
MNT_DETACH, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 2, -100, 0x8000, 1
LIBC = ctypes.CDLL(None, use_errno=True)

MEMORY = 4 << 30  # bytes that a process may write to, what the framework itself takes included
SPACE = 1 << 30  # bytes in all files of a snippet
TASKS = 512  # processes and threads of a snippet

# What people and daemons keep: secrets, sockets, other work. What a snippet needs of it (the
# environment, this project) is laid into the new root again.
HIDDEN = {"home", "root", "tmp", "run", "var", "mnt", "media", "srv", "boot", "dev", "proc"}
DEVICES = ("null", "zero", "full", "random", "urandom")  # and GPUs; not disks nor memory


def go_inside(home: str, visible: Iterable[str]) -> str:
    """Go on within walls, as a child of this process, which ends as that child does.

    Return why that is not possible, or else nothing. The process must have a single thread.
    """
    try:
        enclose(home, visible)
        pid, guard = fork(tied=True)
        if pid:
            _, status = os.waitpid(pid, 0)
            guard.kill()
            _end_with(os.waitstatus_to_exitcode(status))
        tie_to_family()
        show_processes()
    except OSError as error:
        return str(error)
    return ""


def enclose(home: str, visible: Iterable[str]) -> None:
    """Leave network, users' files and other processes' memory behind, for ever.

    ``home`` stays writable, the folders ``visible`` stay readable. Raises OSError where the
    kernel refuses. The process must have a single thread, and should fork next.
    """
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEWUSER | NEWNS | NEWNET | NEWIPC | NEWUTS)
    proc = os.open("/proc", os.O_RDONLY)
    _be(user, group, proc)
    os.close(proc)
    _raise_loopback()
    socket.sethostname("localhost")  # what looks up this machine finds the loopback
    _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    _change_root(home, visible)


def fork(*, tied: bool) -> tuple[int, subprocess.Popen[bytes]]:
    """Fork into a process namespace of its own; return process id (0 in the child) and guard.

    The guard is the first process there: killing it kills all others at once. It also ends
    with this process if ``tied``, which takes longer to start in a process of great size.
    """
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    _call("unshare", NEWPID)
    guard = subprocess.Popen(
        ["sleep", "infinity"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent if tied else None,  # noqa: PLW1509 (one thread)
    )
    pid = os.fork()
    if pid:
        with suppress(OSError):  # not allowed in the process namespace of all, nor needed
            _call("setns", own, NEWPID)
    os.close(own)
    return pid, guard


def seal(folder: str) -> None:
    """In a child that ``fork`` made: let it write to ``folder`` alone, within limits."""
    _call("unshare", NEWNS)
    show_processes()
    with suppress(OSError):  # since Linux 6.14 each process namespace has a limit of its own
        Path("/proc/sys/kernel/pid_max").write_text(str(TASKS))
    proc = os.open("/proc", os.O_RDONLY)  # covered by the next, which cannot be written to
    show_processes()
    _set_attributes("/proc", MOUNT_ATTR_RDONLY, 0, 0)
    home = str(Path(folder).parent)
    for place in ("/dev/shm", home):  # noqa: S108 (empty, and ours)
        _call("mount", b"none", place.encode(), b"tmpfs", 0, b"mode=1777,size=%d" % SPACE)
    Path(folder).mkdir()
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEWUSER)  # what is mounted now is not in its power
    _be(user, group, proc)
    os.close(proc)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NPROC, (TASKS, TASKS))


def limit() -> None:
    """Limit what this process, and each that it starts, may take; with walls or without."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (SPACE, SPACE))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        with suppress(OSError):  # if memory runs out all the same, it is this one's fault
            Path("/proc/self/oom_score_adj").write_text("1000")


def tie_to_family() -> None:
    """On Linux, end with the parent, and inherit the orphans among the descendants.

    A daemon that a snippet starts thus becomes a child of the snippet's process or, without
    walls and once that has ended, of the server: somebody finds and kills it.
    """
    if sys.platform == "linux":
        die_with_parent()
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def show_processes() -> None:
    """Let ``/proc`` show the processes of this process's own namespace."""
    _call("mount", b"proc", b"/proc", b"proc", 0, None)


def die_with_parent() -> None:
    """End this process when its parent does."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_with(code: int) -> NoReturn:
    """End this process with an exit code, or by a signal if the code is negative."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if code < 0:
        with suppress(OSError):  # SIGKILL has no other handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the C library; raise OSError if it fails."""
    whole = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if getattr(LIBC, name)(*whole) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _be(user: int, group: int, proc: int) -> None:
    """Be the same user within a new namespace as outside of it; ``proc`` is an open ``/proc``."""
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in maps.items():
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def _raise_loopback() -> None:
    siocsifflags, up_and_running = 0x8914, 0x1 | 0x40
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sH14x", b"lo", up_and_running))


def _change_root(home: str, visible: Iterable[str]) -> None:
    """Take a new root folder of what may be seen, and forget the old one."""
    here, new = Path.cwd(), Path(home, "root")
    new.mkdir(exist_ok=True)  # servers share their home, not what they mount there
    _call("mount", b"none", os.fsencode(new), b"tmpfs", 0, b"mode=755")
    for entry in Path("/").iterdir():
        if entry.is_symlink():
            Path(new, entry.name).symlink_to(entry.readlink())
        elif entry.name not in HIDDEN and entry.is_dir():
            _lay(new, str(entry))
    for device in (*DEVICES, *(gpu.name for gpu in Path("/dev").glob("nvidia*"))):
        _lay(new, f"/dev/{device}")
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        Path(new, "dev", name).symlink_to(f"/proc/self/fd{target}")
    shared = f"{new}/dev/shm"  # noqa: S108
    Path(shared).mkdir()
    _call("mount", b"none", os.fsencode(shared), b"tmpfs", 0, b"mode=1777")
    # Links may lead from a folder as it is called to where it really is, so both are laid.
    named = [kind(folder) for kind in (os.path.realpath, os.path.abspath) for folder in visible]
    for path in ("/proc", *named, home):
        if Path(path).exists() and (path == home or not Path(f"{new}{path}").exists()):
            _lay(new, path)
    _set_attributes(str(new), MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE)
    for writable in (f"{new}{home}", shared):
        _set_attributes(writable, 0, MOUNT_ATTR_RDONLY, 0)
    os.chdir(new)
    _call("syscall", SYS_PIVOT_ROOT, b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir(here)


def _lay(new: Path, path: str) -> None:
    """Make a file or folder appear below ``new`` where it is below ``/``."""
    place = Path(f"{new}{path}")
    if Path(path).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _call("mount", os.fsencode(path), os.fsencode(place), None, MS_BIND | MS_REC, None)


def _set_attributes(path: str, add: int, clear: int, flags: int) -> None:
    """Change attributes of a mount (with ``AT_RECURSIVE`` of those below it too)."""
    attributes = struct.pack("QQQQ", add, clear, 0, 0)
    arguments = AT_FDCWD, os.fsencode(path), flags, attributes, len(attributes)
    _call("syscall", SYS_MOUNT_SETATTR, *arguments)


if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        print("walls need Linux")
    elif refusal := go_inside(sys.argv[1], sys.argv[2:]):
        print(refusal)

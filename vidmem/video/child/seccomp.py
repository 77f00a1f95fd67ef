"""Which requests to the Linux kernel a decoding child may still make: a seccomp filter.

What starts programs, reaches other processes, changes files or the system is refused with EPERM; a
request that is newer than this list is answered as by a kernel that does not know it. It is a list
of what is refused, since what a C library needs differs from one to the next.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

# struct seccomp_data of linux/seccomp.h; the low half of an argument comes first on both machines.
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16

_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

_SET_MODE_FILTER, _ALL_THREADS = 1, 1

_NEWEST_KNOWN = 462
"""Numbers above are of newer kernels, or of x32, another way into an x86-64 kernel."""

_CLONE_THREAD = 0x00010000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_TYPE_INTO_TERMINAL = (0x5412, 0x541C)
_LOCAL, _INTERNET, _INTERNET_6, _ROUTES = 1, 2, 10, 16
"""Families of sockets; glibc asks for routes to sort a host's addresses."""

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_NEVER = {
    # name: (x86_64, aarch64), -1 where a machine has none
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setgroups": (116, 159),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
    "truncate": (76, 45),
    "rename": (82, -1),
    "mkdir": (83, -1),
    "rmdir": (84, -1),
    "creat": (85, -1),
    "link": (86, -1),
    "unlink": (87, -1),
    "symlink": (88, -1),
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "utime": (132, -1),
    "mknod": (133, -1),
    "utimes": (235, -1),
    "mkdirat": (258, 34),
    "mknodat": (259, 33),
    "fchownat": (260, 54),
    "futimesat": (261, -1),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "linkat": (265, 37),
    "symlinkat": (266, 36),
    "fchmodat": (268, 53),
    "utimensat": (280, 88),
    "renameat2": (316, 276),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
    "uselib": (134, -1),
    "ustat": (136, -1),
    "sysfs": (139, -1),
    "vhangup": (153, 58),
    "pivot_root": (155, 41),
    "_sysctl": (156, -1),
    "adjtimex": (159, 171),
    "chroot": (161, 51),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "quotactl": (179, 60),
    "kexec_load": (246, 104),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "finit_module": (313, 273),
    "kexec_file_load": (320, 294),
    "unshare": (272, 97),
    "setns": (308, 268),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
    "userfaultfd": (323, 282),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "memfd_create": (319, 279),
    "pidfd_send_signal": (424, 424),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443),
    "memfd_secret": (447, 447),
    "process_mrelease": (448, 448),
    "fchmodat2": (452, 452),
}
"""Refused to every child."""

_LISTENING = {"listen": (50, 201), "accept": (43, 202), "accept4": (288, 242)}
"""Accepting connections is nothing that a decoder does, but for its own, through a gate."""

_AS_IF_OLD = {
    # glibc then falls back to what can be looked into: `clone` and `openat`.
    "clone3": (435, 435),
    "openat2": (437, 437),
    # Rings carry out requests that no filter sees.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_setup": (206, 0),
    "io_submit": (209, 2),
}

_SOCKETS = {
    "connect": (42, 203),
    "bind": (49, 200),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "sendmmsg": (307, 269),
    "recvmmsg": (299, 243),
}
_CLONE, _SOCKET, _IOCTL = (56, 220), (41, 198), (16, 29)
_OPEN, _OPENAT, _FTRUNCATE = (2, -1), (257, 56), (77, 46)
_KILL_PROCESS, _TGKILL, _PRLIMIT = (62, 129), (234, 131), (302, 261)
_SECCOMP = {"x86_64": 317, "aarch64": 277}


def machine() -> str | None:
    """This machine's name in the tables here; `None`: it has none, or the system is not Linux."""
    name = platform.machine()
    is_known = sys.platform == "linux" and name in MACHINES and sys.maxsize > 2**32
    return name if is_known and sys.byteorder == "little" else None


def restrict(*, sockets: tuple[int, ...], may_write: bool, may_listen: bool = False) -> None:
    """Put the filter on all threads of this process, for good; `no_new_privs` must be set.

    Args:
        sockets: Families of sockets that may be made; see `socket_families`.
        may_listen: Connections may be accepted.
        may_write: Files may be opened for writing; else for reading only.

    Raises:
        OSError: If the kernel has no such filters.
    """
    name = machine()
    if name is None:
        raise OSError(errno.ENOSYS, "no filter for this system")
    program = filter_program(
        name, os.getpid(), sockets=sockets, may_write=may_write, may_listen=may_listen
    )
    data = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where they are
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(data))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SECCOMP[name], _SET_MODE_FILTER, _ALL_THREADS, header) != 0:
        raise OSError(ctypes.get_errno() or errno.EPERM, "seccomp")


def socket_families(*, has_network: bool, has_local: bool) -> tuple[int, ...]:
    """Families of sockets for a child that decodes from the network, or for none."""
    network = (_INTERNET, _INTERNET_6, _ROUTES) if has_network else ()
    return (*network, _LOCAL) if has_local else network


def filter_program(
    name: str, pid: int, *, sockets: tuple[int, ...], may_write: bool, may_listen: bool = False
) -> bytes:
    """The filter as instructions of 8 bytes, for a machine of `MACHINES` and a process."""
    column = list(MACHINES).index(name)
    steps = [_do(_LOAD, _MACHINE), _do(_EQUAL, MACHINES[name], 1, 0), _do(_RETURN, _KILL)]
    steps += [_do(_LOAD, _NUMBER)]
    steps += [_do(_ABOVE, _NEWEST_KNOWN, 0, 1), _do(_RETURN, _ERROR | errno.ENOSYS)]
    refused = {**_NEVER, **({} if sockets else _SOCKETS), **({} if may_listen else _LISTENING)}
    if not may_write:
        refused["ftruncate"] = _FTRUNCATE
    for number in _numbers(refused, column):
        steps += [_do(_EQUAL, number, 0, 1), _do(_RETURN, _ERROR | errno.EPERM)]
    for number in _numbers(_AS_IF_OLD, column):
        steps += [_do(_EQUAL, number, 0, 1), _do(_RETURN, _ERROR | errno.ENOSYS)]
    steps += _only_if(_CLONE[column], 0, _ANY_BIT, (_CLONE_THREAD,))
    steps += _only_if(_SOCKET[column], 0, _EQUAL, sockets)
    for signal in (_KILL_PROCESS, _TGKILL):
        steps += _only_if(signal[column], 0, _EQUAL, (pid,))
    steps += _only_if(_PRLIMIT[column], 0, _EQUAL, (0, pid))
    steps += _unless(_IOCTL[column], 1, _EQUAL, _TYPE_INTO_TERMINAL)
    if not may_write:
        steps += _unless(_OPEN[column], 1, _ANY_BIT, (_WRITES,))
        steps += _unless(_OPENAT[column], 2, _ANY_BIT, (_WRITES,))
    return b"".join([*steps, _do(_RETURN, _ALLOW)])


def _numbers(calls: dict[str, tuple[int, int]], column: int) -> list[int]:
    return [numbers[column] for numbers in calls.values() if numbers[column] >= 0]


def _do(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _only_if(number: int, argument: int, test: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse a call unless one of the values is found in its argument."""
    return _by_argument(number, argument, test, values, (_ALLOW, _ERROR | errno.EPERM))


def _unless(number: int, argument: int, test: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse a call if one of the values is found in its argument."""
    return _by_argument(number, argument, test, values, (_ERROR | errno.EPERM, _ALLOW))


def _by_argument(
    number: int, argument: int, test: int, values: tuple[int, ...], answers: tuple[int, int]
) -> list[bytes]:
    """Answer a call by the low half of an argument: with the first answer where a value is found.

    The high half means nothing: the kernel takes these arguments as 32 bits, or has no flag there.
    """
    if number < 0:
        return []
    found, not_found = answers
    body = [_do(_LOAD, _ARGUMENTS + 8 * argument)]
    for value in values:
        body += [_do(test, value, 0, 1), _do(_RETURN, found)]
    body.append(_do(_RETURN, not_found))
    return [_do(_EQUAL, number, 0, len(body)), *body]

"""By which names the app may be called: the values of the Host header that are answered."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterable

from app.guard import wording
from vidmem.errors import SettingError

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_DEFAULT_PORTS = (80, 443)
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which no other machine can reach."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # `::ffff:127.0.0.1`
    return (mapped or address).is_loopback


def is_wildcard(host: str) -> bool:
    """Whether a server that listens there is reached by every name of this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return host == ""


def host_without_port(host: str) -> str:
    """The name in the value of a Host header."""
    return host if host.endswith("]") else re.sub(r":\d+$", "", host)


def is_host(text: str) -> bool:
    """Whether a text can be the value of a Host header."""
    return _NAME.fullmatch(text.lower()) is not None


def allowed_hosts(host: str, port: int, more: Iterable[str] = ()) -> frozenset[str]:
    """The values of the Host header that are answered, in lower case.

    Args:
        host: Where the app listens.
        port: At which port.
        more: Other names it has, such as that of a proxy before it; with a port or without.

    Raises:
        SettingError: If one of them can be no name.
    """
    own = [*LOOPBACK_NAMES, *(_names_of_this_machine() if is_wildcard(host) else [bare(host)])]
    allowed = {f"{name.lower()}:{port}" for name in own}
    if port in _DEFAULT_PORTS:  # which a browser leaves out
        allowed |= {name.lower() for name in own}
    for name in more:
        if not is_host(name):
            raise SettingError(wording.BAD_HOST.format(host=name))
        name = name.lower()
        allowed.add(name)
        if host_without_port(name) == name:
            # Without a port: that of a proxy at the usual port, or the app's own.
            allowed.add(f"{name}:{port}")
    return frozenset(allowed)


def bare(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host.strip('[]')}]" if ":" in host else host


def name_to_print(host: str) -> str:
    """The name to print of an app that listens there."""
    return socket.gethostname() if is_wildcard(host) else bare(host)


def _names_of_this_machine() -> list[str]:
    """Its name and its addresses, asked of nobody but this machine.

    No other page can be of these: a name in a browser leads where its owner wants, but an address
    leads to itself.
    """
    import psutil

    names = [socket.gethostname()]
    with contextlib.suppress(OSError):
        for addresses in psutil.net_if_addrs().values():
            for one in addresses:
                if one.family in (socket.AF_INET, socket.AF_INET6):
                    names.append(bare(one.address.partition("%")[0]))
    return names

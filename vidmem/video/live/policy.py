"""Where an address that somebody else typed may lead: checked when its name is resolved."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import asdict, dataclass
from typing import Any

from vidmem.errors import AddressError, SettingError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]
"""What `socket.connect` takes, with its family."""

METADATA = frozenset(
    ipaddress.ip_address(one)
    for one in (
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("fd00:ec2::254", "fd20:ce::254"),
    )
)
"""Where clouds tell their machines keys and names; not all of them are link-local."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, kw_only=True)
class AddressPolicy:
    """What a live source may connect to, itself and by redirects and playlists.

    Always refused are addresses that reach no camera but may reach what tells secrets or many
    machines at once: link-local, multicast, unspecified, reserved, and those of clouds' metadata.

    Raises:
        SettingError: If one of the networks is none.
    """

    allows_private: bool = False
    """Whether loopback and private networks may be connected to."""

    networks: tuple[str, ...] = ()
    """Private networks that may be connected to anyway, such as `192.168.20.0/24`."""

    tells_why: bool = True
    """Whether errors say what went wrong; False: one sentence for all, lest somebody learns from
    them what listens where."""

    def __post_init__(self) -> None:
        for network in self.networks:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise SettingError(
                    f"a network must be given as 192.168.20.0/24 or 10.0.0.7, got {network!r}"
                ) from None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AddressPolicy:
        """From what `to_json` returned."""
        return cls(**{**values, "networks": tuple(values["networks"])})

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def refusal(self, address: str) -> str | None:
        """Why an IP address is not connected to; `None`: it may be."""
        ip = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        if (kind := _never(ip)) is not None:
            return f"{address} ({kind}), which is never opened from the app"
        if self.allows_private or any(
            ip in ipaddress.ip_network(one, strict=False) for one in self.networks
        ):
            return None
        if not ip.is_global:
            return f"{address}, in a private network or on this machine"
        return None

    def resolve(self, host: str, port: int) -> list[SocketAddress]:
        """The addresses of a host that may be connected to, to be used instead of its name.

        Who looks the name up again might be told other addresses.

        Raises:
            AddressError: If none of them may be.
            OSError: If there are none.
        """
        refused = ""
        allowed: list[SocketAddress] = []
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            why = self.refusal(str(address[0]))
            if why is None:
                allowed.append((family, address))
            refused = refused or why or ""
        if not allowed:
            raise AddressError(f"{host} leads to {refused}")
        return allowed


def _never(ip: IPAddress) -> str | None:
    """The kind of an address that is never connected to."""
    if ip in METADATA:
        return "metadata of a cloud"
    kinds = {
        "link-local": ip.is_link_local,
        "multicast": ip.is_multicast,
        # All of 0.0.0.0/8 reaches this machine on some systems.
        "unspecified": ip.is_unspecified or (ip.version == 4 and ip.packed[0] == 0),
        # Python counts ::1 among the reserved ones.
        "reserved": ip.is_reserved and not ip.is_loopback,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), None)


def _unwrapped(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    for inner in (ip.ipv4_mapped, ip.sixtofour, (ip.teredo or (None, None))[1]):
        if inner is not None:
            return inner
    is_compatible = ip in _COMPATIBLE and int(ip) > 1
    if ip in _NAT64 or is_compatible:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip

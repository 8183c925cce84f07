"""Which addresses outgoing requests may go to: public ones, and those that the operator allows."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Our own table of IANA's special registries, because `is_global` of the standard library differs
# between patch releases of Python, calls multicast groups global, and `::127.0.0.1` too.
_SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind the NAT of a carrier
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; the metadata services of clouds answer here
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All of IPv6 that is handed out is here. Outside lie loopback, unique-local, link-local, site-local
# and multicast addresses, and the forms that hide an IPv4 address: mapped, compatible, NAT64.
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocols, among them Teredo, which hides an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4 hides an IPv4 address
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether everybody in the internet means the same machine by this address."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    if address not in _GLOBAL_IPV6:
        return False
    return not any(address in network for network in _SPECIAL_IPV6)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator lets through although it is not public: host names, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> "Allowed":
        """From host names, addresses and networks with commas between."""
        hosts, networks = set(), []
        for entry in filter(None, map(str.strip, (text or "").split(","))):
            network = _network(entry)
            if network is None:
                hosts.add(entry.lower().rstrip("."))
            else:
                networks.append(network)
        return cls(frozenset(hosts), tuple(networks))

    def lets(self, host: str, address: Address) -> bool:
        """Whether a request to `host`, which means `address` now, may be sent."""
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            return False  # with a zone (`fe80::1%eth0`) it names a wire of this machine
        return is_public(address) or self.names(host, address)

    def names(self, host: str, address: Address) -> bool:
        """Whether the operator named the host, or a network with the address."""
        if host.lower().rstrip(".") in self.hosts:
            return True
        return any(address in network for network in self.networks)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


#: Numbers as C reads them in an address: hexadecimal, octal, decimal.
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_FULL_STOPS = re.compile("[\u3002\uff0e\uff61]")
_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback", "localhost.localdomain"})


def plain_host(host: str) -> str:
    """A host as resolvers will read it: full-width digits and other full stops are plain ones, case
    does not count, and a stop at the end says nothing."""
    text = _FULL_STOPS.sub(".", unicodedata.normalize("NFKC", host)).lower()
    return text.removeprefix("[").removesuffix("]").rstrip(".")


def is_local_name(host: str) -> bool:
    """Whether a name means this machine by convention (RFC 6761)."""
    plain = plain_host(host)
    return plain in _LOCAL_NAMES or plain.endswith(".localhost")


def literal_address(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that some resolver takes: `127.1`,
    `2130706433`, `0x7f.0.0.1`, `017700000001`, `[::ffff:127.0.0.1]`. None for a name."""
    plain = plain_host(host)
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        pass
    parts = plain.split(".")
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *heads, last = numbers
    if any(number > 255 for number in heads) or last >= 256 ** (4 - len(heads)):
        return None
    value = sum(number << (24 - 8 * place) for place, number in enumerate(heads))
    return ipaddress.IPv4Address(value + last)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)

"""Checks at every start that the installation is what it should be."""

from collections.abc import Iterable
from importlib.metadata import packages_distributions

from server.settings import ConfigurationError

ROOMS = ("domain", "persistence", "realtime", "gql", "rest_compat", "processing", "server")


def foreign_owners(rooms: Iterable[str] = ROOMS) -> dict[str, list[str]]:
    """For each room name the other installed distributions that bring a package of that name."""
    owners = packages_distributions()
    found = {room: sorted(set(owners.get(room, [])) - {"tablecast"}) for room in rooms}
    return {room: names for room, names in found.items() if names}


def require_own_rooms() -> None:
    """Refuse to start beside a package such as PyPI's client `gql`, which overwrites our `gql`."""
    for room, names in foreign_owners().items():
        raise ConfigurationError(
            f"The installed package {' and '.join(names)} also brings a module named '{room}' and "
            f"hides or overwrites ours. tablecast is an application: give it an environment of its "
            f"own (`uv tool install`, or `make` in its checkout)."
        )

"""Our own endpoints, all in one table: what GraphQL leads to by address because it is no JSON."""

from rest_compat.endpoints import Endpoint

#: The paths that belong to this table; what is under them and not in it does not exist.
PREFIXES = ("/export", "/charts", "/imports")

ENDPOINTS: tuple[Endpoint, ...] = ()

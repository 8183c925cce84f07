"""What programs of others get to see of our environment: the database, the keys and the secrets of
the operator stand in it, and none of them needs those."""

import os

#: Where programs, libraries and folders are, who we are, and how texts and times are written.
_KEPT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
)


def bare_environment() -> dict[str, str]:
    """Our environment without anything that is ours."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}

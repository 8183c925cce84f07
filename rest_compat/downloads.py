"""What answers that browsers save as files have in common."""

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()\[\]{}@,=-]")


def disposition(name: str) -> str:
    """`Content-Disposition` for a download: a plain name for old clients, the whole one in
    UTF-8."""
    plain = _UNSAFE.sub("_", name)
    header = f'attachment; filename="{plain}"'
    if plain == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"

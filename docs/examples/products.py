"""Write 50 real products as CSV: software that tablecast is made of, as its packages tell."""

import csv
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution


def needed(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The installed packages that this one needs, and those that they need, by name."""
    for line in distribution(name).requires or []:
        match = re.match(r"[\w.-]+", line)
        if match is None or "extra ==" in line or match[0].lower() in found:
            continue
        try:
            found[match[0].lower()] = distribution(match[0])
        except PackageNotFoundError:  # for another system
            continue
        needed(match[0], found)
    return found


def about(package: Distribution) -> str:
    """What its metadata say, a line each."""
    fields = package.metadata
    licence = (fields["License-Expression"] or fields["License"] or "not told").splitlines()[0]
    pages = [entry.split(",", 1) for entry in fields.get_all("Project-URL") or []]
    home = fields["Home-page"] or "".join(
        url.strip() for label, url in pages if label.lower() == "homepage"
    )
    lines = [f"Version: {package.version}", f"Licence: {licence}"]
    lines += [f"Home page: {home}"] if home else []
    return "\n".join([*lines, f"Needs Python {fields['Requires-Python']}"])


packages = sorted(needed("tablecast", {}).items())
writer = csv.writer(sys.stdout)
writer.writerow(["name", "summary", "about"])
writer.writerows(
    [package.metadata["Name"], package.metadata["Summary"], about(package)]
    for _, package in [pair for pair in packages if pair[1].metadata["Summary"]][:50]
)

"""One running application for the tests of repeated requests."""

from tests.rest.conftest import calls, site

__all__ = ["calls", "site"]

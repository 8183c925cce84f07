"""One running application for the tests of templates."""

from tests.rest.conftest import calls, site

__all__ = ["calls", "site"]

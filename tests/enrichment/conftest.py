"""An organisation whose runs a worker inside this process carries out."""

from tests.runs.conftest import running

__all__ = ["running"]

"""A real server in a folder that any account can reach (as root its PostgreSQL runs as another account), in memory if it fits."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.conftest import place


@pytest.fixture
def server() -> Iterator[Server]:
    """Not yet started; stopped at the end whatever happens."""
    with tempfile.TemporaryDirectory(prefix="hantar-acceptance-", dir=place(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder))
        try:
            yield made
        finally:
            made.stop()
            made.http.close()
            print(made.log[-8000:])  # shown by pytest when the test fails

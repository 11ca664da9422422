"""Fixtures of the multi-process tests; senders.py has the server and the senders."""
import pytest

from senders import Server


@pytest.fixture(name="box", scope="module")
def fixture_box():
    """An empty Fairlead with a listener, for the tests of one file."""
    server = Server()
    try:
        yield server
    finally:
        server.remove()

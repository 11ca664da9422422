"""A short series of soak.py: the long one is `make soak`."""
import os

from soak import soak


def test_kills_under_load():
    rows, accepted = soak(int(os.environ.get("FAIRLEAD_SOAK_KILLS", "12")),
                          int(os.environ.get("FAIRLEAD_SOAK_SEED", "20251122")))
    assert rows > 1000 and accepted > 500

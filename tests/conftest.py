"""What every test shares: small tensors are fastest on one thread, and threads that wait must not spin."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays in one process, where its fixtures are, but for tests marked `anywhere`: each goes to a free one.

    For tests of a minute that share nothing: in one process their file would outlast all others. They go first, so
    that no process is left alone with one at the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("anywhere") is None)
    for item in items:
        file, *_ = item.nodeid.split("::")
        place = item.nodeid if item.get_closest_marker("anywhere") else file
        item.add_marker(pytest.mark.xdist_group(place))

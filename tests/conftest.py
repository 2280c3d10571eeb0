"""What every test shares: small tensors are fastest on one thread, and threads that wait must not spin."""

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# On a busy machine an example may take long, which says nothing about the code. The same examples each time: a rare find
# should not stop an unrelated change. To look for new ones: pytest --hypothesis-profile=explore
settings.register_profile(
    "course", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=2000
)
settings.load_profile("course")


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

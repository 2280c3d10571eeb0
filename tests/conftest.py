"""What every test shares: small tensors are fastest on one thread, and threads that wait must not spin."""

import os
from typing import Any

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


# Each takes a minute and shares nothing with the rest of its file, so any test process may take it. By name, because
# the process that deals tests out has not read their marks.
ANYWHERE = "test_a_student_can_do_a_lesson["
LONGEST = ("tests/checks/grading/test_battery.py", ANYWHERE, "tests/training/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: [name in item.nodeid for name in LONGEST], reverse=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n` a file stays in one process, where its fixtures are, but for what may go anywhere."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if ANYWHERE in nodeid else nodeid.partition("::")[0]

    return ByFile(config, log)

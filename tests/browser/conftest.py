"""One server and one browser for all tests; a copy of the notebooks, because JupyterLab saves what it shows."""

import shutil
from pathlib import Path

import pytest

from slmlib.files import home

sync_api = pytest.importorskip("playwright.sync_api", reason="SKIPPED: playwright is not installed")

from .lab import CHROMIUM, CHROMIUM_OPTIONS, Notebook, Server  # noqa: E402 (it needs playwright)

COURSE = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("SKIPPED: no Chromium on this machine (Debian, Ubuntu: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory):
    root, folder = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    for name in ("lessons", "solutions"):
        shutil.copytree(COURSE / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    server = Server(root, folder)
    page = browser.new_page()
    try:
        while not server.answers():
            page.wait_for_timeout(200)
        page.close()
        yield server
    finally:
        server.stop()


@pytest.fixture
def open_notebook(browser, server, request):
    """Opens a notebook; afterwards its picture is in work/screenshots."""
    opened = []

    def open_one(path: str) -> Notebook:
        opened.append(Notebook(browser, server, path))
        return opened[-1]

    yield open_one
    for number, notebook in enumerate(opened):
        notebook.close(home() / "screenshots" / f"{request.node.name}-{number}.png")

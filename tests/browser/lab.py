"""JupyterLab as a student has it, driven through a real browser: keys and clicks go in, what is shown comes out."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

PATIENCE = 120_000
"""Milliseconds after which something that did not happen counts as not happening; two busy cores are slow."""

expect.set_options(timeout=PATIENCE)

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

ERROR = "[data-mime-type='application/vnd.jupyter.error']"
# All cells are on the page at once; a person would scroll.
OVERRIDES = (
    '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false},'
    ' "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}'
)

# The cell of that id becomes the active one, in the middle of the window.
ACTIVATE = """async id => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const index = notebook.widgets.findIndex(cell => cell.model.id === id);
    if (index < 0) throw new Error("no cell " + id);
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    await notebook.scrollToItem(index, "center");
}"""
COMMAND = "name => window.jupyterapp.commands.execute(name)"
KERNEL = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"

CHANGES = """(element, [before, patience]) => new Promise(resolve => {
    let watcher, timer;
    const end = changed => { watcher.disconnect(); clearTimeout(timer); resolve(changed); };
    const look = () => { if (element.innerHTML !== before) end(true); };
    watcher = new MutationObserver(look);
    watcher.observe(element, {childList: true, subtree: true, characterData: true, attributes: true});
    timer = setTimeout(() => end(false), patience);
    look();
})"""


class Server:
    """JupyterLab on the loopback, its settings and its home in a folder of the tests."""

    def __init__(self, root: Path, home: Path):
        """root: the folder it shows. home: for everything that Jupyter and the course would keep."""
        self.root, self.home = root, home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.token = secrets.token_hex(16)
        settings = home / "app" / "settings"
        settings.mkdir(parents=True)
        (settings / "overrides.json").write_text(OVERRIDES)
        jupyter = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "user-settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "SLM_HOME": "slm",
        }
        hidden = ("SLM_CHECKS", "SLM_WIDGETS", "SLM_CORPUS", "NBGRADER_EXECUTION", "MPLBACKEND")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment |= {name: str(home / folder) for name, folder in jupyter.items()}
        environment |= {"SLM_FAST": "1", "SLM_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
        command = (
            *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}"),
            *("--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}"),
            *(f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"),
            f"--LabApp.app_settings_dir={settings}",
        )
        self.log = open(home / "server.log", "wb")  # noqa: SIM115 (closed in `stop`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *command],
            env=environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def address(self, path: str) -> str:
        """Where a page of this server is."""
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"

    def answers(self) -> bool:
        """Whether it is up."""
        if self.process.poll() is not None:
            raise AssertionError(f"JupyterLab ended: {(self.home / 'server.log').read_text()[-2000:]}")
        try:
            return urllib.request.urlopen(self.address("api/status"), timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """End it and its kernels."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Notebook:
    """One notebook, open in a tab of the browser."""

    def __init__(self, browser: Browser, server: Server, path: str, view: str = "doc"):
        """view: `doc` shows the notebook alone, `lab` the list of files beside it."""
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1400})
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(server.address(f"{view}/tree/{path}") + "&reset")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        self.page.wait_for_function(KERNEL)

    def run_all(self) -> None:
        """Run → Run All Cells, to the end."""
        self.page.evaluate(COMMAND, "notebook:run-all-cells")
        self.page.wait_for_function(KERNEL)

    def run(self, cell: str, wait: bool = True) -> Locator:
        """Run one cell as Shift-Enter does; returns the cell."""
        self.page.evaluate(ACTIVATE, cell)
        if wait:
            self.page.evaluate(COMMAND, "notebook:run-cell")
        else:
            self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
        return self.cell(cell)

    def write(self, cell: str, code: str) -> None:
        """Replace what stands in a cell by typing it."""
        self.page.evaluate(ACTIVATE, cell)
        self.page.evaluate(COMMAND, "notebook:enter-edit-mode")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        source = (
            "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource()"
        )
        assert self.page.evaluate(source) == code

    def try_out(self, code: str) -> Locator:
        """Run code in a new cell below the active one; returns the cell."""
        self.page.evaluate(COMMAND, "notebook:insert-cell-below")
        new = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id")
        self.write(new, code)
        return self.run(new)

    def changes(self, element: Locator, before: str, key: str, seconds: float = 5.0) -> bool:
        """Press a key; whether what the element holds then becomes another than `before`, within so many seconds."""
        self.page.keyboard.press(key)
        return bool(element.evaluate(CHANGES, [before, 1000 * seconds]))

    def cell(self, cell: str) -> Locator:
        """A cell by its id."""
        place = (
            "id => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(c => c.model.id === id)"
        )
        return self.page.locator(
            f".jp-Notebook [data-windowed-list-index='{self.page.evaluate(place, cell)}']"
        )

    def errors(self) -> list[str]:
        """The text of every error that is shown."""
        return [error.inner_text() for error in self.page.locator(ERROR).all()]

    def close(self, picture: Path) -> None:
        """Keep a picture of the whole notebook, stop its kernel and close the tab."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=picture)
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()

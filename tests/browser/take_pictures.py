"""Takes the pictures of README.md anew, after the lessons were built: `python -m tests.browser.take_pictures`.

JupyterLab runs in Chromium as in the tests. Two pictures show what this run computes; the training panel is the one
that the build of lesson 08 left in its notebook, because a real run takes minutes.
"""

import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from checks.course import Course
from slmlib.files import atomic_write

from .lab import CHROMIUM, CHROMIUM_OPTIONS, Notebook, Server

COURSE = Path(__file__).parent.parent.parent
PICTURES = COURSE / ".ci" / "pictures"
SETTLE = 3000
"""Milliseconds for fonts, formulas and pictures to come to rest."""


def lesson_00(browser: Browser, server: Server) -> None:
    """The map, of an imagined student who is in lesson 06, beside the list of lessons."""
    course = Course(COURSE)
    states = iter(["earned"] * 24 + ["lent", "tried"])
    exercises = (exercise for lesson in course.lessons() for exercise in course.exercises(lesson))
    progress = {
        exercise.id: {"state": state, "points": exercise.points if state == "earned" else 0}
        for state, exercise in zip(states, exercises, strict=False)
    }
    (server.home / "slm").mkdir(exist_ok=True)
    (server.home / "slm" / "progress.json").write_text(json.dumps(progress))
    notebook = Notebook(browser, server, "lessons/00_first_story.ipynb", view="lab")
    notebook.page.set_viewport_size({"width": 1280, "height": 860})
    cells = code_cells("lessons/00_first_story.ipynb")
    notebook.run(next(iter(cells)))
    chart = notebook.run(next(name for name, source in cells.items() if source == "progress()"))
    chart.evaluate("cell => cell.scrollIntoView({block: 'end'})")
    save(notebook, "lesson_00_map")


def lesson_06(browser: Browser, server: Server) -> None:
    """The attention explorer, its kernel alive."""
    notebook = Notebook(browser, server, "solutions/06_attention.ipynb")
    notebook.page.set_viewport_size({"width": 1000, "height": 672})
    for name, source in code_cells("solutions/06_attention.ipynb").items():
        cell = notebook.run(name)
        if "AttentionExplorer(pieces" in source:
            break
    cell.evaluate("cell => cell.scrollIntoView({block: 'start'})")
    save(notebook, "lesson_06_attention")


def lesson_08(browser: Browser, server: Server) -> None:
    """The live panel as its run left it."""
    notebook = Notebook(browser, server, "solutions/08_training_loop.ipynb")
    notebook.page.set_viewport_size({"width": 1000, "height": 672})
    cells = code_cells("solutions/08_training_loop.ipynb")
    run = next(name for name, source in cells.items() if source.endswith("evaluation = trainer.run()"))
    panel = notebook.cell(run).locator("figure").first
    panel.evaluate("figure => figure.scrollIntoView({block: 'start'})")
    save(notebook, "lesson_08_training")


def code_cells(path: str) -> dict[str, str]:
    """Id and source of a notebook's code cells, in order."""
    cells = nbformat.read(COURSE / path, as_version=4).cells
    return {cell.id: cell.source for cell in cells if cell.cell_type == "code"}


def save(notebook: Notebook, name: str) -> None:
    """Write what the window shows, in 256 colours; close the notebook."""
    notebook.page.wait_for_timeout(SETTLE)
    shown = Image.open(io.BytesIO(notebook.page.screenshot())).convert("RGB")
    with atomic_write(PICTURES / f"{name}.png") as file:
        shown.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    print(f"Written: {(PICTURES / name).relative_to(COURSE)}.png", flush=True)
    notebook.page.close()


def main() -> None:
    """Take all pictures."""
    assert CHROMIUM, "There is no Chromium on this machine (Debian, Ubuntu: apt-get install chromium)."
    takes: tuple[Callable[[Browser, Server], None], ...] = (lesson_00, lesson_06, lesson_08)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, home = Path(folder, "course"), Path(folder, "home")
        for name in ("lessons", "solutions"):
            shutil.copytree(COURSE / name, root / name)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_OPTIONS)
        server = Server(root, home)
        try:
            while not server.answers():
                time.sleep(0.2)
            for take in takes:
                take(browser, server)
        finally:
            server.stop()
            browser.close()


if __name__ == "__main__":
    main()

"""Widgets: controls where someone can use them, the same story in a still picture everywhere else."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from slmlib.errors import ConfigError, DataError
from slmlib.plots import Picture, Table, bars
from slmlib.widgets import LivePanel, Page, Widget, base, live, live_panel, type_out
from slmlib.widgets.base import WIDGET_MIME, paragraph, slider, view


class Dial(Widget):
    """The smallest widget there is."""

    def still(self) -> Page:
        return Page("<p>one &lt; two</p>", "one < two")

    def controls(self):
        return view(lambda number: Page(f"<p>{number}</p>", ""), number=slider("number", highest=5, value=2))


@pytest.fixture
def nobody(monkeypatch):
    """No environment variable decides."""
    for name in ("SLM_WIDGETS", "SLM_CHECKS", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_kernel_there_are_no_controls(nobody):
    assert not live()
    assert Dial()._repr_mimebundle_() == {"text/plain": "one < two", "text/html": "<p>one &lt; two</p>"}
    assert repr(Dial()) == "one < two"


def test_in_a_kernel_controls_come_along_with_the_still_picture(nobody, monkeypatch):
    monkeypatch.setattr(base, "in_kernel", lambda: True)
    bundle = Dial()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_MIME}
    assert bundle["text/html"] == "<p>one &lt; two</p>"


@pytest.mark.parametrize("name", ["SLM_CHECKS", "NBGRADER_EXECUTION"])
def test_builds_tests_and_graders_get_the_still_picture(nobody, monkeypatch, name):
    monkeypatch.setattr(base, "in_kernel", lambda: True)
    monkeypatch.setenv(name, "strict")
    assert not live()
    monkeypatch.setenv("SLM_WIDGETS", "live")
    assert live()


def test_a_mistyped_wish_is_named(monkeypatch):
    monkeypatch.setenv("SLM_WIDGETS", "yes")
    with pytest.raises(ConfigError, match="SLM_WIDGETS is 'yes'"):
        live()


def test_a_control_that_moves_redraws_in_one_go(monkeypatch):
    box = Dial().controls()
    number, canvas = box.children
    assert canvas.value == "<p>2</p>"
    number.value = 4
    assert canvas.value == "<p>4</p>"
    assert number.description == "number"


def test_what_cannot_be_drawn_is_told_instead_of_the_old_drawing(monkeypatch):
    def draw(number):
        if number == 3:
            raise DataError("There is no <3>.", "Take another.")
        return Page(f"<p>{number}</p>", "")

    number, canvas = view(draw, number=slider("number", highest=5, value=2)).children
    number.value = 3
    assert "There is no &lt;3&gt;. Take another." in canvas.value
    assert "<p>2</p>" not in canvas.value
    number.value = 4
    assert canvas.value == "<p>4</p>"


def test_a_paragraph_keeps_lines_and_escapes():
    assert "a &lt; b\nc" in paragraph("a < b\nc")


def test_text_is_typed_for_who_watches_and_printed_for_who_does_not(nobody, monkeypatch, capsys):
    assert type_out(iter(["One", " day"])) == ["One", " day"]
    assert capsys.readouterr().out == "One day\n"
    monkeypatch.setenv("SLM_WIDGETS", "live")
    assert type_out(iter(["One", " day"]), pause=0) == ["One", " day"]
    assert capsys.readouterr().out == "One day\n"


def test_typed_lines_break_between_words(capsys):
    pieces = ["word", *[" word"] * 50, "\n", "end"]
    assert type_out(iter(pieces)) == pieces
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(lines) == "word " * 51 + "end"


# --- the live panel ---


def write_log(folder: Path, steps: int, extra: list[dict] | None = None) -> list[dict]:
    """A log as the trainer leaves it, without the trainer."""
    events: list[dict] = [
        {"event": "start", "step": 0, "seconds": 0.0, "decided": {"total_steps": 40}},
        {"event": "evaluation", "step": 0, "seconds": 0.0, "loss": 6.9},
    ]
    events += [
        {
            "event": "step",
            "step": i + 1,
            "seconds": i / 10,
            "loss": 6.9 - i / 20,
            "learning_rate": 1e-3,
            "gradient_norm": 1.0,
            "tokens_per_second": 20_000,
        }
        for i in range(steps)
    ]
    events += extra or []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return events


def test_a_finished_run_can_be_drawn_at_any_time(tmp_path):
    write_log(tmp_path, 40, [{"event": "evaluation", "step": 40, "seconds": 4.0, "loss": 4.9}])
    picture = LivePanel(tmp_path, floors={"letters": 5.0}).picture()
    assert isinstance(picture, Picture)
    assert picture.alt.startswith("Validation loss fell from 6.90 to 4.90 in 40 steps.")
    assert "A thin line at 5.00: letters." in picture.alt
    assert "learning rate 0.001, gradient norm 1, tokens a second 20,000" in picture.alt


def test_a_run_that_has_not_begun_is_a_picture_too(tmp_path):
    assert LivePanel(tmp_path).picture().alt.startswith("No measurement yet")


def test_headless_it_prints_a_line_for_every_measurement_and_ends_in_a_picture(tmp_path, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    panel = LivePanel(tmp_path)
    for event in [*write_log(tmp_path, 40), {"event": "end", "step": 40, "finished": True}]:
        panel(event)
    assert capsys.readouterr().out == "Training for 40 steps.\nstep 0 of 40: validation loss 6.90\n"
    assert [type(one) for one in shown] == [Page]
    assert repr(shown[0]).startswith("Step 40 of 40. Finished.\nPicture: Validation loss is 6.90 at step 0")


def test_a_run_whose_number_of_steps_was_corrected_counts_up_to_the_new_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda _: None)
    panel = LivePanel(tmp_path)
    measured = {"event": "evaluation", "step": 30, "loss": 5.0}
    for event in [
        *write_log(tmp_path, 30),
        {"event": "plan", "step": 20, "planned": 40, "total_steps": 30},
        measured,
    ]:
        panel(event)
    assert capsys.readouterr().out.endswith("step 30 of 30: validation loss 5.00\n")
    assert panel._status() == "Step 30 of 30."


class Slot:
    """A display handle that remembers."""

    def __init__(self):
        self.pages = []

    def update(self, page):
        self.pages.append(page)


@pytest.fixture
def watched(monkeypatch):
    """Someone watches; returns what they see."""
    slot = Slot()
    monkeypatch.setenv("SLM_WIDGETS", "live")

    def display(value, display_id=None):
        slot.pages.append(value)
        return slot

    monkeypatch.setattr("IPython.display.display", display)
    return slot


def test_watched_it_draws_every_so_many_steps_in_one_place(tmp_path, watched, capsys):
    panel = LivePanel(tmp_path, every=10)
    for event in write_log(tmp_path, 35):
        panel(event)
    assert len(watched.pages) == 1 + 1 + 3  # at the start, at the measurement of step 0, at steps 10, 20, 30
    assert "Step 35 of 40. About 0 s to go." in repr(watched.pages[-1])
    panel({"event": "end", "step": 35, "finished": False})
    assert repr(watched.pages[-1]).startswith("Step 35 of 40. Stopped and saved.\n")
    assert capsys.readouterr().out == ""


def test_watching_costs_at_most_a_twentieth_of_the_time(tmp_path, watched, monkeypatch):
    clock = iter(range(0, 10**6, 1))
    monkeypatch.setattr(live_panel.time, "perf_counter", lambda: next(clock))  # one second a question
    panel = LivePanel(tmp_path)
    for event in write_log(tmp_path, 40):
        panel(event)
    assert len(watched.pages) == 1 + 1 + 40 // live_panel.SHARE


def test_a_kernel_that_no_click_can_reach_says_so(tmp_path, watched):
    panel = LivePanel(tmp_path, every=1)
    panel(write_log(tmp_path, 1)[0])
    assert "a click cannot reach this kernel" in repr(watched.pages[0])


def test_the_button_stops_as_an_interrupt_does(monkeypatch):
    class Shell:
        kernel = type("Kernel", (), {"_supports_kernel_subshells": True})()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    button, sentence = live_panel._stop_button()
    assert "Kernel → Interrupt" in sentence
    caught = []
    previous = signal.signal(signal.SIGINT, lambda *_: caught.append("stop"))
    try:
        button.click()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert caught == ["stop"]
    assert button.disabled


def test_a_click_is_not_sent_to_the_busy_main_thread(tmp_path, watched, monkeypatch):
    class Button:
        comm = type("Comm", (), {})()
        close = staticmethod(lambda: None)

    Button.comm._reply_subshell_id = None  # as ipykernel 7.4 leaves it
    monkeypatch.setattr(live_panel, "_stop_button", lambda: (Button, "press"))
    panel = LivePanel(tmp_path, every=1)
    for event in write_log(tmp_path, 1):
        panel(event)
    assert vars(Button.comm) == {}
    panel({"event": "end", "step": 1, "finished": True})
    assert "press" not in repr(watched.pages[-1])


def test_a_checkpoint_that_cannot_be_read_does_not_stop_the_run(tmp_path):
    panel = LivePanel(tmp_path)
    panel({"event": "checkpoint", "step": 5, "folder": "step-00000005"})
    assert panel.stories == []
    assert "is not a checkpoint" in repr(panel.page())


# --- tables and bars, which widgets show ---


def test_a_table_reads_in_html_and_in_text():
    table = Table("Dirt & co", ("what", "stories"), [("a < b", 5), ("bb", 12_345)])
    assert repr(table) == "Dirt & co\nwhat   stories\na < b        5\nbb      12,345"
    page = table._repr_html_()
    assert '<caption style="text-align: left; white-space: nowrap">Dirt &amp; co</caption>' in page
    assert '<th scope="row" style="text-align: left">a &lt; b</th>' in page
    assert '<td style="text-align: right">12,345</td>' in page


def test_a_yes_or_no_is_no_number():
    table = Table("runs", ("name", "loss", "finished"), [("a", 1234.5, True), ("b", np.float64(2), False)])
    assert [line.split() for line in repr(table).splitlines()[-2:]] == [
        ["a", "1,234.50", "yes"],
        ["b", "2.00", "no"],
    ]
    assert '<td style="text-align: left">yes</td>' in table._repr_html_()


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="A row of 1 cells in a table of 2 columns"):
        Table("", ("a", "b"), [(1,)])


def test_bars_say_their_values_in_words():
    assert bars({"one": 1, "two": 2.5}, "Two is more").alt == "Two is more. Bars: one 1, two 2.5."

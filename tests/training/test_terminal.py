"""What a terminal shows of a training: a captured window, a pipe, a terminal that can do little."""

import io
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.console import Console

from slmlib.training.run import Result
from slmlib.training.terminal import COLUMNS, TerminalProgress, closing_card

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
COLOR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38|9[0-7])[0-9;]*m")


def event(kind: str, step: int, **values: object) -> dict:
    return {"event": kind, "step": step, "seconds": step * 2.0, **values}


def measurement(step: int) -> dict:
    return event("evaluation", step, loss=8 - step / 10, perplexity=1234.5, bits_per_byte=3.21)


def events(steps: int = 20, done: int = 0) -> list[dict]:
    """What a trainer tells of `steps` steps and two measurements on the way, from step `done` on."""
    told = [event("start", done, decided={"total_steps": steps, "evaluations": 2})]
    told += [event("story", 0, name="before", text="Once [bold] upon\na time."), measurement(0)]
    for step in range(done + 1, steps + 1):
        told.append(event("step", step, loss=float(step), tokens_per_second=14_775))
        if step % (steps // 2) == 0:
            told.append(measurement(step))
    return [*told, event("end", steps, finished=True)]


def shown(console: Console, told: Iterable[dict]) -> str:
    with TerminalProgress(console) as progress:
        for one in told:
            progress(one)
    return console.file.getvalue()


def window(**options) -> Console:
    values = dict(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    return Console(**values | {"_environ": {"TERM": "xterm"}} | options)


@pytest.fixture(autouse=True)
def every_step_is_drawn(monkeypatch):
    monkeypatch.setattr("slmlib.training.terminal.REDRAW_SECONDS", -1.0)


def test_a_pipe_gets_plain_lines_with_a_row_at_every_tenth():
    output = shown(Console(file=io.StringIO(), width=40), events())
    assert "\x1b" not in output
    assert "Once [bold] upon\na time.\n" in output, "a story is no markup and is not broken into lines of 40"
    rows = output[output.index("    step  train loss") :].splitlines()
    assert re.split(r"\s{2,}", rows[0].strip()) == list(COLUMNS)
    assert [int(row.split()[0]) for row in rows[1:]] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[1].split() == ["0", "8.0000", "1,234.50", "3.2100", "0:00:00"]
    assert rows[2].split() == ["2", "1.5000", "14,775", "0:00:04"], (
        "the mean of the losses since the last row"
    )
    assert rows[6].split() == ["10", "9.5000", "7.0000", "1,234.50", "3.2100", "14,775", "0:00:20"]


@pytest.mark.parametrize(("total", "is_told"), [(16, True), (30, True), (20, False)])
def test_a_corrected_number_of_steps_is_told_and_counted_up_to(total, is_told):
    told = events()
    place = next(i for i, one in enumerate(told) if one["event"] == "step" and one["step"] == 11)
    told.insert(place, event("plan", 10, planned=20, total_steps=total))
    sentence = f"The pace is known by now: it will be {total} steps, not 20."
    assert (sentence in shown(window(), told)) == is_told
    assert f"step 11 of {total}" in shown(window(), told)
    rows = shown(Console(file=io.StringIO(), width=40), told).splitlines()
    tenths = [int(row.split()[0]) for row in rows if re.match(r" +\d", row)]
    assert tenths[:6] == [0, 2, 4, 6, 8, 10], "those before it stay"
    assert tenths[6:9] == {16: [11, 13, 14], 30: [12, 18, 20], 20: [12, 14, 16]}[total]


def test_a_window_has_a_moving_line_that_goes_away():
    output = shown(window(), events())
    assert "step 7 of 20" in output
    assert "loss 7.000  14,775 tokens/s" in output
    rows = [line for line in output.splitlines() if re.search(r"1,234\.50", line)]
    assert len(rows) == 3
    assert output.count("train loss") == 1
    assert output.endswith(SHOW_CURSOR) or output.rfind(SHOW_CURSOR) > output.rfind(HIDE_CURSOR)
    assert "step 20 of 20" not in output[output.rfind("\x1b[2K") :], "the line is wiped out at the end"


def test_the_table_fits_into_eighty_columns():
    console = window(width=80, color_system=None)
    output = shown(console, events())
    head = next(line for line in output.splitlines() if "perplexity" in line)
    assert re.split(r"\s{2,}", re.sub(r"\x1b\[[\d;?]*\w", "", head).strip()) == list(COLUMNS)
    console = window(width=80)
    with TerminalProgress(console) as progress:
        progress.say("word " * 30)
    assert max(map(len, console.file.getvalue().splitlines())) <= 80


def test_a_resumed_run_begins_where_it_stopped():
    output = shown(window(), events(done=10))
    assert "step 11 of 20" in output
    assert "10 of 20 steps are left." in output
    assert "Training for 20 steps." in shown(window(), events())
    assert not re.search(r"step [01] of", output)


def test_a_training_that_breaks_gives_the_cursor_back():
    console = window()

    def told():
        yield from events()[:5]
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        shown(console, told())
    output = console.file.getvalue()
    assert HIDE_CURSOR in output
    assert output.rfind(SHOW_CURSOR) > output.rfind(HIDE_CURSOR)


def test_a_dumb_terminal_gets_plain_lines():
    output = shown(window(_environ={"TERM": "dumb"}, color_system="auto"), events())
    assert "\x1b" not in output
    assert "step 7 of 20" not in output
    assert [int(row.split()[0]) for row in output.splitlines() if row.endswith("0:00:04")] == [2]


def test_no_color_is_respected():
    told = [*events()[:-1], event("warning", 20, text="the loss is climbing")]
    assert COLOR.search(shown(window(), told))
    assert not COLOR.search(shown(window(_environ={"TERM": "xterm", "NO_COLOR": "1"}), told))


def test_a_terminal_of_another_alphabet_draws_its_bar_in_ascii():
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="cp1252", errors="replace")
    with TerminalProgress(window(file=file)) as progress:
        for one in events():
            progress(one)
    file.flush()
    output = raw.getvalue().decode("cp1252")
    assert re.search(r"step 7 of 20 .*-{5}", output)
    assert "?" not in output.replace("[?25", "")


def result(world, **changes) -> Result:
    trainer = world.trainer("run one", **changes)
    trainer.run()
    return Result(trainer.last_evaluation, trainer.finished, True, trainer)


def test_the_card_says_how_good_how_fast_where_and_what_next(world, monkeypatch):
    done = result(world)
    monkeypatch.chdir(world.folder)
    card = closing_card(done)
    first, last = done.trainer.history[0], done.evaluation
    assert card.startswith("Finished: step 12 of 12\n")
    assert f"bits per byte   {last.bits_per_byte:.4f}" in card
    assert (
        f"loss            {last.loss:.4f}      before training {first['nats'] / first['tokens']:.4f}" in card
    )
    assert re.search(r"training        \d+ s, 768 tokens, [\d,]+ tokens/s", card)
    assert "MFU" not in card, "there is no published peak of a CPU"
    assert f"checkpoints     {Path('run one', 'checkpoints')}" in card
    commands = [shlex.split(line) for line in card.splitlines()[-2:]]
    assert [words[1:4] for words in commands] == [["-m", "slmlib", "generate"], ["-m", "slmlib", "report"]]
    assert all(Path(words[0]).samefile(sys.executable) for words in commands)
    assert all(words[-1] == "run one" for words in commands)


def test_a_gpu_has_its_share_of_the_peak_on_the_card(world, monkeypatch):
    monkeypatch.setattr("slmlib.training.terminal.model_flops_utilization", lambda *values: 0.4123)
    assert "MFU             41.2% of what test promises in float32" in closing_card(result(world))

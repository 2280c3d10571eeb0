"""The playground: what it writes is what generate() writes, and its numbers are the model's."""

import math
import threading

import pytest
import torch

from slmlib.config import ModelConfig, Sampling
from slmlib.errors import ConfigError, DataError
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.plots.sampling import next_token_bars
from slmlib.shipped import SHIPPED
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import load_checkpoint
from slmlib.widgets import playground
from slmlib.widgets.playground_desk import Desk
from slmlib.widgets.playground_drafts import Draft, Writer
from slmlib.widgets.token_viewer import visible

BYTES = Tokenizer(())
PLAY = Sampling(max_tokens=8, temperature=1.2, top_k=20, seed=3)


def bits_by_hand(model, tokens):
    """Surprise of every token but the first, from one plain forward pass."""
    with torch.inference_mode():
        chances = model(torch.tensor([tokens]))[0].softmax(-1)
    return [-math.log2(float(chances[place, token])) for place, token in enumerate(tokens[1:])]


@pytest.fixture(scope="module")
def model():
    config = ModelConfig(BYTES.vocab_size, 32, embed_dim=16, num_layers=1, num_heads=2, initialization="gpt2")
    model = Decoder(config, seed=0)
    with torch.no_grad():
        model.embedding.weight.mul_(20)
    return model.eval()


@pytest.fixture
def play(model):
    return playground(model, BYTES, "Once", PLAY, count=3)


@pytest.fixture
def desk(play):
    desk = Desk(play.writer, play.first(), play.sampling)
    yield desk
    desk._finish()


def press(button, desk):
    button.click()
    desk.thread.join()


def written(play, prompt, sampling=PLAY, count=1):
    *_, draft = play.writer.write(prompt, sampling, count)
    play.writer.measure(draft)
    return draft


def test_it_writes_what_generate_writes(play, model):
    draft = written(play, "Once", count=3)
    told = ["Once" + BYTES.decode(row) for row in draft.rows]
    assert told == generate(model, BYTES, ["Once"] * 3, PLAY)
    assert len(set(told)) == 3


def test_surprises_are_those_of_the_model(play, model):
    draft = written(play, "Once", count=2)
    for row, shown in zip(draft.rows, draft.surprises, strict=True):
        expected = bits_by_hand(model, [*draft.tokens, *row])[len(draft.tokens) - 1 :]
        assert [bits for _, bits in shown] == pytest.approx(expected, abs=1e-4)


def test_a_certain_token_is_not_surprising_below_zero(play, model, monkeypatch):
    weight = model.output.weight if hasattr(model, "output") else model.embedding.weight
    monkeypatch.setattr(weight, "data", weight.data * 1000)
    draft = written(play, "Once", Sampling(temperature=0.0, max_tokens=4))
    assert all(math.copysign(1, bits) == 1 for _, bits in draft.surprises[0])


def test_a_story_ends_where_the_context_does(play):
    long = Sampling(max_tokens=1000, top_k=20)
    draft = written(play, "x" * 28, long)
    assert len(draft.rows[0]) == 32 + 1 - 29
    assert len(draft.surprises[0]) == len(draft.rows[0])
    with pytest.raises(ConfigError, match="The beginning has 33 tokens, the model reads 32"):
        next(play.writer.write("x" * 32, PLAY, 1))


def test_a_story_that_ends_itself_says_so(play, monkeypatch):
    def two_rows(model, prompts, sampling, stop_token):
        yield [97, 98]
        yield [97, None]

    monkeypatch.setitem(Writer.write.__globals__, "generate_tokens", two_rows)
    ended = []
    for draft in play.writer.write("Once", Sampling(max_tokens=2), 2):
        ended.append(list(draft.ended))
    assert ended == [[False, False], [False, True]], "the first reached its length"
    assert draft.rows == [[97, 97], [98]]
    *_, draft = play.writer.write("Once", PLAY, 2)
    assert draft.ended == [True, True]
    assert "Continuation 2, seed 4: 1 token, the end" in play.writer.texts(draft).text


def test_a_story_that_ends_at_once_has_nothing_to_look_into(play, monkeypatch):
    monkeypatch.setitem(Writer.write.__globals__, "generate_tokens", lambda *_: iter(()))
    draft = written(play, "Once")
    assert draft.rows == [[]]
    assert draft.most_surprising == 1
    assert "Continuation 1 ended at once" in play.writer.page(draft, True, 1, 1).text


def test_alternatives_are_those_the_token_was_drawn_from(play, model):
    sampling = Sampling(max_tokens=3, temperature=0.0, repetition_penalty=1.8)
    draft = written(play, "aab", sampling)
    for number in range(1, len(draft.rows[0]) + 1):
        bars = play.writer.page(draft, False, 1, number).text
        name = draft.surprises[0][number - 1][0]
        assert f"▶ {name} " in bars
        assert " to 100.0%" in bars.partition(f"▶ {name} ")[2].partition(",")[0], (
            "temperature 0 draws only this"
        )
    assert f"1 of {BYTES.vocab_size} tokens can be drawn" in bars


def test_the_still_picture_has_the_numbers_and_the_most_surprising_token(play):
    still = play.still()
    draft = play.first()
    place = draft.most_surprising
    name, bits = draft.surprises[0][place - 1]
    assert bits == max(bits for _, bits in draft.surprises[0])
    assert f"{bits:.1f}<br>▲" in still.html
    assert still.html.count("▲") == 1
    assert f"Continuation 1, token {place}: after" in still.text
    assert [f"seed {PLAY.seed + row}" in still.text for row in range(3)] == [True] * 3
    assert repr(play) == still.text
    assert f"{name} {bits:.1f}" in still.text


def test_prompts_are_escaped(play):
    assert "<u>&lt;b&gt;</u>" in play.writer.texts(written(play, "<b>")).html


def test_every_control_has_a_name(desk):
    assert all(
        one.description for one in (desk.prompt, desk.count, *desk.dials.values(), desk.write, desk.stop)
    )
    look = desk.paper.children[0]
    assert [one.description for one in look.children[:-1]] == [
        "Show each token's surprise",
        "Look into continuation",
        "At its token number",
    ]


def test_write_takes_all_settings(desk, play):
    desk.prompt.value, desk.count.value = "Then", 2
    values = dict(
        temperature=0.7, top_p=0.9, top_k=5, min_p=0.01, repetition_penalty=1.5, max_tokens=7, seed=9
    )
    assert set(values) == set(desk.dials)
    for name, value in values.items():
        desk.dials[name].value = value
    press(desk.write, desk)
    expected = generate(play.writer.model, BYTES, ["Then"] * 2, Sampling(**values))
    shown = desk.paper.children[0]
    shown.children[0].value = False  # plain text
    for story in expected:
        assert (
            play.writer.texts(written(play, "Then", Sampling(**values), 2)).html in shown.children[-1].value
        )
        assert story.startswith("Then")
    assert "Done: 14 tokens" in desk.status.value


def test_a_chosen_token_is_looked_into(desk):
    look = desk.paper.children[0]
    _, continuation, token, canvas = look.children
    continuation.value, token.value = 2, 3
    assert "Continuation 2, token 3: after" in canvas.value


def test_text_appears_as_it_is_written_and_stop_keeps_it(desk, play, monkeypatch):
    """The model waits after its second token until Stop was pressed: no clock decides."""
    paused, go_on = threading.Event(), threading.Event()

    a, b, c, d = BYTES.encode("abcd")

    def slow(model, prompts, sampling, stop_token):
        yield [a]
        yield [b]
        paused.set()
        assert go_on.wait(60)
        yield [c]
        yield [d]

    monkeypatch.setitem(Writer.write.__globals__, "generate_tokens", slow)
    monkeypatch.setattr("slmlib.widgets.playground_desk.REDRAW", 0.0)
    desk.count.value = 1
    desk.write.click()
    assert paused.wait(60)
    assert desk.paper.children == (desk.growing,)
    assert "<u>Once</u>ab</div>" in desk.growing.value
    assert "Writing." in desk.status.value
    desk.stop.click()
    go_on.set()
    desk.thread.join()
    assert "Stopped: 3 tokens" in desk.status.value
    monkeypatch.undo()
    press(desk.write, desk)
    assert "Done: 8 tokens" in desk.status.value, "an old Stop does not stop a new text"


def test_stop_when_nothing_is_written(desk):
    desk.stop.click()
    assert "Nothing is being written." in desk.status.value


@pytest.mark.parametrize(
    ("prompt", "sentence"), [("x" * 50, "Make it shorter."), ("<|endoftext|>", "endoftext")]
)
def test_a_beginning_that_cannot_be_read_is_named(desk, prompt, sentence):
    before = desk.paper.children
    desk.prompt.value = prompt
    press(desk.write, desk)
    assert sentence in desk.status.value
    assert desk.paper.children == before


def test_what_fails_in_the_thread_is_said(desk, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of <memory>")
        yield

    monkeypatch.setitem(Writer.write.__globals__, "generate_tokens", broken)
    press(desk.write, desk)
    assert "Writing failed. RuntimeError: out of &lt;memory&gt;" in desk.status.value


def test_a_checkpoint_brings_its_tokenizer():
    checkpoint = load_checkpoint(SHIPPED)
    made = playground(checkpoint)
    assert (made.writer.model, made.writer.tokenizer) == (checkpoint.model, checkpoint.tokenizer)


def test_what_does_not_fit_is_refused(model):
    with pytest.raises(ConfigError, match="A model alone cannot read"):
        playground(model)
    with pytest.raises(ConfigError, match="count must be from 1 to 4; it is 5"):
        playground(model, BYTES, count=5)
    with pytest.raises(DataError, match="tokenizer has"):
        playground(model, Tokenizer(((97, 98),))).still()


class Sentences(Tokenizer):
    """As in a SentencePiece vocabulary, a text's first space is no part of it."""

    def decode(self, ids):
        return super().decode(ids).removeprefix(" ")


def test_a_continuation_keeps_the_space_that_it_begins_with(model):
    draft = Draft("Once", [256, *b"Once"], PLAY, [BYTES.encode(" upon")], [False])
    assert Writer(model, Sentences(())).texts(draft).text.endswith("\nOnce upon")


def test_what_nobody_can_see_or_what_looks_like_a_formula_can_be_drawn():
    assert visible(b"a\x13 b") == "a13·b"
    picture = next_token_bars(["a"], [1.0], [1.0], "It wrote $x_ and then $")
    assert picture.figure.axes[0].get_title(loc="left") == "It wrote $x_ and then $"
    assert picture.png(50)

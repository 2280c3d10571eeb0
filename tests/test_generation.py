"""Generation: filters against Hugging Face's, rows that do not feel each other, characters never cut."""

import dataclasses
import inspect
from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slmlib import generation
from slmlib.config import ModelConfig, Sampling
from slmlib.errors import ConfigError
from slmlib.generation import generate, generate_tokens, probabilities, stream
from slmlib.model.decoder import Decoder
from slmlib.text.bpe import BYTE_OF_ID
from slmlib.text.tokenizer import Tokenizer

BYTES = Tokenizer(())  # 256 single bytes and end-of-text
END = BYTES.end_of_text
PLAIN = Sampling(temperature=1.0)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)


def random_model(vocab_size: int = 257, context_length: int = 24, **switches) -> Decoder:
    """Tensors random and small enough that many tokens are likely."""
    config = ModelConfig(vocab_size, context_length, embed_dim=32, num_layers=2, num_heads=4, **switches)
    model = Decoder(config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.25, generator=generator)
    return model


def chain_model(follows: dict[int, int], **switches) -> Decoder:
    """A real Decoder that answers each token with the one that `follows` it, and any other with end-of-text."""
    size = BYTES.vocab_size
    config = ModelConfig(
        size, 64, size, 1, num_heads=1, position="none", qk_norm=False, tie_embeddings=False, **switches
    )
    model = Decoder(config, seed=0)  # zero_output: the block adds nothing
    with torch.no_grad():
        model.embedding.weight.copy_(torch.eye(size))
        model.head.weight.zero_()
        for token in range(size):
            model.head.weight[follows.get(token, END), token] = 5.0
    return model


@cache
def silent_model() -> Decoder:
    return chain_model({})


def chain(*tokens: int) -> dict[int, int]:
    return dict(pairwise(tokens))


def random_logits(rows: int = 8, vocab_size: int = 50) -> torch.Tensor:
    return torch.randn(rows, vocab_size, generator=torch.Generator().manual_seed(2)) * 3


# Drawing.


def test_draws_follow_the_chances_and_never_the_impossible():
    chances = torch.tensor([0.0, 0.5, 0.0, 0.3, 0.2, 0.0])
    generator = torch.Generator().manual_seed(5)
    drawn = generation.draw(chances.expand(4000, -1), [generator] * 4000)
    shares = torch.bincount(torch.tensor(drawn), minlength=6) / 4000
    assert torch.equal(shares == 0, chances == 0)
    torch.testing.assert_close(shares, chances, atol=4 * (0.25 / 4000) ** 0.5, rtol=0)


@pytest.mark.parametrize("total", [0.999, 1.0, 1.001])
def test_the_largest_random_number_stays_on_the_ruler(monkeypatch, total):
    largest = 1 - 2.0**-53
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([largest], dtype=torch.float64))
    assert generation.draw(torch.tensor([[0.25, total - 0.25, 0.0]]), [torch.Generator()]) == [1]


# The filters, one at a time and all together.


def theirs(sampling: Sampling, prompt: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """What transformers makes of the same wishes, its processors called in our order."""
    from transformers import (
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    chain = [RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty))]
    chain += [TemperatureLogitsWarper(float(sampling.temperature))]
    chain += [TopKLogitsWarper(sampling.top_k)] if sampling.top_k else []
    chain += [TopPLogitsWarper(sampling.top_p)] if sampling.top_p < 1 else []
    chain += [MinPLogitsWarper(sampling.min_p)] if sampling.min_p else []
    for processor in chain:
        logits = processor(prompt, logits)
    return logits.softmax(-1)


ONE_AT_A_TIME = [
    *(dict(repetition_penalty=value) for value in (1.3, 0.7)),
    *(dict(temperature=value) for value in (0.3, 0.8, 2.0)),
    *(dict(top_k=value) for value in (1, 5, 49, 50, 1000)),
    *(dict(top_p=value) for value in (0.01, 0.3, 0.9, 0.999)),
    *(dict(min_p=value) for value in (0.01, 0.2, 1.0)),
]
TOGETHER = [
    dict(temperature=0.7, top_k=10, top_p=0.8),
    dict(temperature=1.5, top_p=0.9, min_p=0.1),
    dict(repetition_penalty=1.5, temperature=1.3, top_k=20, top_p=0.9, min_p=0.05),
    dict(repetition_penalty=2.0, temperature=0.5, top_k=7, top_p=0.95, min_p=0.02),
]


@pytest.mark.parametrize("filters", ONE_AT_A_TIME + TOGETHER, ids=str)
def test_filters_are_those_of_transformers(filters):
    sampling = Sampling(**dict(temperature=1.0) | filters)
    logits = random_logits()
    prompt = torch.randint(50, (8, 12), generator=torch.Generator().manual_seed(3))
    seen = torch.zeros(8, 50, dtype=torch.bool).scatter(1, prompt, True)
    ours = probabilities(logits, sampling, seen)
    torch.testing.assert_close(ours, theirs(sampling, prompt, logits), atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.sum(-1), torch.ones(8))


def test_filters_apply_in_the_order_in_which_they_stand_in_sampling():
    names = [field.name for field in dataclasses.fields(Sampling)]
    source = inspect.getsource(probabilities)
    places = [source.index(f"sampling.{name}") for name in names if f"sampling.{name}" in source]
    assert places == sorted(places)
    assert len(places) == 5


def test_what_was_not_seen_is_not_penalised():
    logits = random_logits()
    for seen in (None, torch.zeros(8, 50, dtype=torch.bool)):
        assert torch.equal(
            probabilities(logits, Sampling(repetition_penalty=3.0), seen), probabilities(logits, Sampling())
        )


def test_temperature_zero_is_the_likeliest_token():
    logits = random_logits()
    chances = probabilities(logits, Sampling(temperature=0))
    assert torch.equal(chances.argmax(-1), logits.argmax(-1))
    assert (chances.sum(-1) == 1).all()
    assert (chances.amax(-1) == 1).all()
    penalised = probabilities(logits, Sampling(temperature=0, repetition_penalty=1e6), chances > 0)
    assert torch.equal(penalised.argmax(-1), logits.topk(2).indices[:, 1]), "the penalty comes first"


def test_entropy_rises_with_temperature():
    entropies = [
        torch.special.entr(probabilities(random_logits(), Sampling(temperature=temperature))).sum(-1)
        for temperature in (0, 0.1, 0.5, 1.0, 2.0, 10.0)
    ]
    for colder, warmer in pairwise(entropies):
        assert (colder < warmer).all()


@unhurried
@given(st.integers(0, 10**6), st.floats(0.01, 0.99))
def test_top_p_keeps_enough_and_no_more(seed, top_p):
    logits = torch.randn(1, 40, generator=torch.Generator().manual_seed(seed)) * 2
    before = logits.softmax(-1)[0]
    kept = probabilities(logits, Sampling(temperature=1.0, top_p=top_p))[0] > 0
    assert before[kept].sum() >= top_p - 1e-5
    assert before[kept].sum() - before[kept].min() < top_p + 1e-5, (
        "without the last one it would be too little"
    )
    assert before[kept].min() >= before[~kept].max()


@unhurried
@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_min_p_compares_with_the_likeliest(seed, min_p):
    logits = torch.randn(1, 40, generator=torch.Generator().manual_seed(seed)) * 2
    before = logits.softmax(-1)[0]
    kept = probabilities(logits, Sampling(temperature=1.0, min_p=min_p))[0] > 0
    assert kept[before.argmax()]
    assert torch.equal(kept, before >= min_p * before.max())


def test_half_precision_logits_become_float32():
    assert probabilities(random_logits().bfloat16(), Sampling(top_p=0.9)).dtype == torch.float32


# Rows of tokens.


def continuations(model: Decoder, prompts: list[list[int]], sampling: Sampling, **options) -> list[list[int]]:
    steps = list(generate_tokens(model, prompts, sampling, **options))
    return [[step[row] for step in steps if step[row] is not None] for row in range(len(prompts))]


def test_greedy_is_the_likeliest_token_each_time():
    model, tokens = random_model(), [END, 65, 66]
    [new] = continuations(model, [tokens], Sampling(temperature=0, max_tokens=15))
    for token in new:
        with torch.no_grad():
            assert token == model(torch.tensor([tokens]))[0, -1].argmax()
        tokens = [*tokens, token]


def test_draws_follow_the_probabilities():
    """The first token of 2,000 rows with the same prompt, each row with its own seed."""
    model, sampling = random_model(vocab_size=6), Sampling(temperature=1.0, max_tokens=1)
    [drawn] = generate_tokens(model, [[1, 2]] * 2000, sampling)
    with torch.no_grad():
        expected = model(torch.tensor([[1, 2]]))[0, -1].softmax(-1)
    found = torch.bincount(torch.tensor(drawn), minlength=6) / 2000
    assert (found - expected).abs().max() < 4 * (0.25 / 2000) ** 0.5
    assert expected.max() < 0.9, "or there would be nothing to see"


def test_a_seed_reproduces_and_row_i_draws_from_seed_plus_i():
    model, prompts = random_model(), [[END, 65]] * 3
    rows = continuations(model, prompts, Sampling(seed=5, max_tokens=20))
    assert rows == continuations(model, prompts, Sampling(seed=5, max_tokens=20))
    assert rows[0] != rows[1]
    assert rows[1:] == continuations(model, prompts[1:], Sampling(seed=6, max_tokens=20))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    continuations(model, prompts, Sampling(max_tokens=2))
    assert torch.equal(before, torch.get_rng_state()), "torch's own randomness is left alone"


POSITIONS = ["rope", "learned", "sinusoidal", "alibi", "none"]
# Shorter than the window of 24, as long, longer; 40 new tokens slide them out of it once or more.
LENGTHS = [3, 24, 17, 50, 25]


@pytest.mark.parametrize(
    ("position", "use_cache"),
    [*((position, True) for position in POSITIONS), ("rope", False), ("learned", False)],
)
def test_a_row_does_not_feel_its_neighbours_even_past_the_window(position, use_cache):
    model = random_model(position=position, num_kv_heads=2)
    sampling = Sampling(seed=3, max_tokens=40, repetition_penalty=1.2, top_p=0.95)
    generator = torch.Generator().manual_seed(4)
    prompts = [torch.randint(257, (length,), generator=generator).tolist() for length in LENGTHS]
    together = continuations(model, prompts, sampling, use_cache=use_cache)
    for row, prompt in enumerate(prompts):
        own = dataclasses.replace(sampling, seed=sampling.seed + row)
        assert continuations(model, [prompt], own) == [together[row]]
        assert len(together[row]) == 40


@pytest.mark.parametrize("context_length", [1, 2, 3])
def test_the_smallest_windows_slide_too(context_length):
    model = random_model(context_length=context_length)
    cached, fresh = (
        continuations(model, [[1, 2, 3, 4], [5]], Sampling(max_tokens=12), use_cache=use_cache)
        for use_cache in (True, False)
    )
    assert cached == fresh
    assert [len(row) for row in cached] == [12, 12]


def test_past_the_window_a_row_goes_on_from_its_most_recent_three_quarters():
    model, read = random_model(context_length=8), []
    model.register_forward_pre_hook(lambda _, args: read.append(args[0][0].tolist()))
    prompt = list(range(10, 18))
    [new] = continuations(model, [prompt], Sampling(max_tokens=5))
    text = prompt + new
    assert read == [text[:8], text[3:9], text[9:10], text[10:11], text[6:12]]


def test_a_cache_saves_reading_again():
    model, read = random_model(), []
    model.register_forward_pre_hook(lambda _, args: read.append(tuple(args[0].shape)))
    continuations(model, [[1, 2, 3], [4]], Sampling(max_tokens=4))
    assert read == [(2, 3), (2, 1), (2, 1), (2, 1)]
    read.clear()
    continuations(model, [[1, 2, 3], [4]], Sampling(max_tokens=4), use_cache=False)
    assert read == [(2, 3), (2, 4), (2, 5), (2, 6)]


@pytest.mark.parametrize(
    ("prompts", "max_tokens", "expected"),
    [
        ([[1, 2, 3], [4]], 5, [7]),  # the last new token is not read
        ([[1]], 1, [1]),
        ([[1, 2, 3]], 30, [24, 24, 18]),  # never more than the context, however often the window slides
        ([[1] * 23, [4]], 6, [24, 21]),
    ],
)
def test_the_cache_is_as_large_as_it_will_be_filled(monkeypatch, prompts, max_tokens, expected):
    """A context of 131,072 would be 8.6 GB a row for a story of 20 tokens."""
    model, made = random_model(), []
    new_cache = model.new_cache

    def keep(padding, capacity):
        made.append(new_cache(padding, capacity))
        return made[-1]

    monkeypatch.setattr(model, "new_cache", keep)
    continuations(model, prompts, Sampling(max_tokens=max_tokens))
    assert [cache.capacity for cache in made] == expected
    assert made[-1].length == expected[-1]


def test_a_context_beyond_any_memory_tells_a_short_story():
    model = random_model(context_length=2**48)
    assert len(continuations(model, [[1]], Sampling(max_tokens=5))[0]) == 5


def test_a_row_that_has_ended_is_silent_and_the_others_go_on():
    model, greedy = chain_model(chain(10, 11, 12, 13)), Sampling(temperature=0)
    steps = list(generate_tokens(model, [[12], [10], [13]], greedy, stop_token=END))
    assert steps == [[13, 11, None], [None, 12, None], [None, 13, None]]
    assert list(generate_tokens(model, [[13], [13]], greedy, stop_token=END)) == []
    unstopped = list(generate_tokens(model, [[12]], dataclasses.replace(greedy, max_tokens=4)))
    assert unstopped == [[13], [END], [END], [END]]


def test_a_row_stays_silent_when_its_model_would_speak_again():
    model = chain_model(chain(10, 11, 12, 13) | {END: 50, 50: END})
    steps = list(generate_tokens(model, [[13], [10]], Sampling(temperature=0), stop_token=END))
    assert steps == [[None, 11], [None, 12], [None, 13]]


def test_the_penalty_falls_on_prompt_and_new_tokens_of_the_own_row():
    from transformers import RepetitionPenaltyLogitsProcessor

    model, processor = random_model(vocab_size=12), RepetitionPenaltyLogitsProcessor(1.5)
    sampling = Sampling(temperature=0, repetition_penalty=1.5, max_tokens=15)
    prompts = [[1, 2], [3], [4, 4, 5]]
    for prompt, new in zip(prompts, continuations(model, prompts, sampling), strict=True):
        text = list(prompt)
        for token in new:
            row = torch.tensor([text])
            with torch.no_grad():
                assert token == processor(row, model(row)[:, -1]).argmax()
            text.append(token)


@pytest.mark.parametrize("prompts", [[], [[1], []]])
def test_a_prompt_of_nothing_is_refused_in_one_sentence(prompts):
    with pytest.raises(ConfigError, match="Every prompt needs at least one token"):
        next(generate_tokens(random_model(), prompts, PLAIN))


# Text.


def test_a_story_ends_where_its_model_ends_it():
    model = chain_model(chain(*BYTES.encode("abcdefg")) | {END: BYTES.encode("c")[0]})
    assert generate(model, BYTES, ["", "ab", "xyz", "g"], Sampling(temperature=0)) == [
        "cdefg",
        "abcdefg",
        "xyz",
        "g",
    ]
    assert generate(model, BYTES, "a", Sampling(temperature=0)) == ["abcdefg"]
    assert generate(model, BYTES, "a", Sampling(temperature=0, max_tokens=2)) == ["abc"]


def test_prompts_follow_an_end_of_text_as_stories_do_in_training():
    model, read = random_model(), []
    model.register_forward_pre_hook(lambda _, args: read.append(args[0].tolist()))
    generate(model, BYTES, ["ab", ""], Sampling(max_tokens=1))
    assert read == [[[END, *BYTES.encode("ab")], [0, 0, END]]]


@pytest.mark.parametrize("seed", range(3))
def test_streaming_gives_what_generate_gives(seed):
    """The random model writes bytes that are mostly no UTF-8, and slides past its window."""
    model, sampling = random_model(), Sampling(seed=seed, max_tokens=50)
    pieces = list(stream(model, BYTES, "Once", sampling))
    assert ["Once" + "".join(pieces)] == generate(model, BYTES, "Once", sampling)
    assert len(pieces) > 20


def test_characters_are_never_cut():
    text = "é€🦊"  # 2, 3 and 4 bytes, all of them different
    model = chain_model(chain(END, *BYTES.encode(text)))
    pieces = list(stream(model, BYTES, "", Sampling(temperature=0)))
    assert pieces == ["", "é", "", "", "€", "", "", "", "🦊", ""]
    assert generate(model, BYTES, "", Sampling(temperature=0)) == [text]
    cut = Sampling(temperature=0, max_tokens=7)  # max_tokens falls into the fox
    assert "".join(stream(model, BYTES, "", cut)) == "é€\ufffd" == generate(model, BYTES, "", cut)[0]


@unhurried
@given(st.text(max_size=30), st.binary(max_size=10))
def test_any_text_streams_whole(text, rubbish):
    written = text.encode("utf-8", errors="replace")
    tokens = [BYTE_OF_ID.index(byte) for byte in written + rubbish]
    original = generation.generate_tokens
    generation.generate_tokens = lambda *_, **__: iter([[token] for token in tokens])
    try:
        pieces = list(stream(silent_model(), BYTES))
        [whole] = generate(silent_model(), BYTES)
    finally:
        generation.generate_tokens = original
    assert "".join(pieces) == whole == (written + rubbish).decode("utf-8", errors="replace")


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_mode_comes_back(training, monkeypatch):
    model = random_model(dropout=0.5).train(training)
    sampling = Sampling(max_tokens=10)
    assert generate(model, BYTES, "a", sampling) == generate(random_model(), BYTES, "a", sampling)
    assert model.training == training
    assert "a" + "".join(stream(model, BYTES, "a", sampling)) == generate(model, BYTES, "a", sampling)[0]
    assert model.training == training
    broken_off = stream(model, BYTES, "a", sampling)
    next(broken_off)
    assert not model.training
    broken_off.close()
    assert model.training == training
    assert generate(model, BYTES, []) == []

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(generation, "choose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(model, BYTES, "a", sampling)
    assert model.training == training


def test_generation_leaves_no_gradients():
    model = random_model()
    generate(model, BYTES, "a", Sampling(max_tokens=3))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    model(torch.tensor([[1, 2]])).sum().backward()  # and the weights can still be trained

"""Evaluation against a plain loop, and against numbers known by calculation alone."""

import json
import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from slmlib.config import MambaConfig, ModelConfig
from slmlib.devices import Device
from slmlib.errors import DataError
from slmlib.evaluation import Evaluation, evaluate, surprise
from slmlib.model.decoder import Decoder
from slmlib.model.mamba import Mamba
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import Tokenizer
from tests.model.tiny import randomised

BYTES = Tokenizer(())  # 256 single bytes and end-of-text
STORIES = ["Tom had a red ball.", "Ann café, naïve 🦊!", "Up, up, up."]


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> TokenStream:
    return TokenStream.write(tmp_path_factory.mktemp("stream") / "valid.bin", STORIES, BYTES)


def random_model(context_length: int = 8, **switches) -> Decoder:
    config = ModelConfig(257, context_length, embed_dim=32, num_layers=2, num_heads=2, **switches)
    model = Decoder(config, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    return model


def bigram_model(chances: torch.Tensor) -> Decoder:
    """A real Decoder that knows only the last token: chances[a, b] is the probability of b after a."""
    size = len(chances)
    config = ModelConfig(
        size, 8, size, 1, num_heads=1, position="none", qk_norm=False, tie_embeddings=False, norm_eps=1e-12
    )
    model = Decoder(config, seed=0)  # zero_output: the block adds nothing
    with torch.no_grad():
        model.embedding.weight.copy_(torch.eye(size))
        model.head.weight.copy_(chances.log().T / size**0.5)  # a normed one-hot vector has length sqrt(size)
    return model


@torch.no_grad()
def one_window_at_a_time(model: Decoder, stream: TokenStream) -> float:
    tokens, time = stream.as_tensor(), model.config.context_length
    nats = 0.0
    for start in range(0, len(tokens) - 1, time):
        window = tokens[start : start + time + 1]
        chances = model(window[None, :-1])[0].double().log_softmax(-1)
        nats -= sum(chances[i, token].item() for i, token in enumerate(window[1:]))
    return nats


@pytest.mark.parametrize("context_length", [1, 7, 8, 1000])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
def test_every_token_counts_once_whatever_the_batch_size(stream, context_length, batch_size):
    model = random_model(context_length)
    result = evaluate(model, stream, batch_size=batch_size)
    assert result.tokens == len(stream) - 1 == len("".join(STORIES).encode()) + 3 - 1
    assert result.nats == pytest.approx(one_window_at_a_time(model, stream), rel=2e-7)


def test_the_last_window_is_shorter_here_so_a_mean_of_means_would_be_seen(stream):
    assert (len(stream) - 1) % 8 != 0
    model, tokens = random_model(), stream.as_tensor()
    windows = [tokens[start : start + 9] for start in range(0, len(tokens) - 1, 8)]
    with torch.no_grad():
        means = [model.loss(window[None, :-1], window[None, 1:]).item() for window in windows]
    assert abs(sum(means) / len(means) - evaluate(model, stream).loss) > 1e-3


def test_what_it_says_follows_from_the_sum():
    result = Evaluation(nats=200.0, tokens=100, bytes=400)
    assert result.loss == 2.0
    assert result.perplexity == math.exp(2.0)
    assert result.bits_per_byte == 200 / math.log(2) / 400
    assert str(result) == "0.721 bits per byte, perplexity 7.39, loss 2.000"
    assert Evaluation.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert math.isfinite(Evaluation(1e6, 1, 1).perplexity)


def test_bits_per_byte_divides_by_the_utf8_bytes_of_the_stories(stream):
    result = evaluate(random_model(), stream)
    assert result.bytes == sum(len(story.encode("utf-8")) for story in STORIES) > len("".join(STORIES))
    assert result.bits_per_byte == pytest.approx(result.loss / math.log(2) * result.tokens / result.bytes)


def test_a_model_that_knows_nothing_loses_ln_v(stream):
    model = random_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    result = evaluate(model, stream)
    assert result.loss == pytest.approx(math.log(257), rel=1e-7)
    assert result.perplexity == pytest.approx(257, rel=1e-6)


def test_a_bigram_model_loses_what_can_be_calculated(stream):
    chances = torch.rand(257, 257, generator=torch.Generator().manual_seed(2), dtype=torch.float64) + 0.01
    chances /= chances.sum(-1, keepdim=True)
    tokens = stream.tokens.tolist()
    expected = -sum(math.log(chances[a, b]) for a, b in pairwise(tokens))
    assert evaluate(bigram_model(chances), stream).nats == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_mode_comes_back(stream, training):
    model = random_model(dropout=0.5).train(training)
    assert evaluate(model, stream) == evaluate(model, stream)
    assert model.training == training


def test_autocast_stays_near_float32(stream):
    model = random_model()
    half = evaluate(model, stream, Device("cpu", "this CPU", "bfloat16", "asked for"))
    exact = evaluate(model, stream)
    assert half != exact
    assert half.loss == pytest.approx(exact.loss, rel=0.02)


def test_a_stream_of_another_vocabulary_is_refused_in_one_sentence(stream):
    with pytest.raises(DataError, match=r"vocabulary of 257, the model knows 300 tokens") as refusal:
        evaluate(Decoder(ModelConfig(300), seed=0), stream)
    assert "\n" not in str(refusal.value)


def test_nothing_is_drawn_from_torchs_randomness(stream):
    model = random_model(dropout=0.5).train()
    before = torch.get_rng_state()
    evaluate(model, stream)
    assert torch.equal(before, torch.get_rng_state())


def test_a_large_vocabulary_gets_fewer_windows_at_once(stream, monkeypatch):
    model, sizes = random_model(8), []
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    whole = evaluate(model, stream)
    assert max(sizes) > 2
    monkeypatch.setattr("slmlib.evaluation.LOGITS", 2 * 8 * model.config.vocab_size + 1)
    sizes.clear()
    assert evaluate(model, stream).nats == pytest.approx(whole.nats, rel=2e-7)
    assert max(sizes) == 2
    monkeypatch.setattr("slmlib.evaluation.LOGITS", 1)
    sizes.clear()
    evaluate(model, stream)
    assert set(sizes) == {1}


@pytest.mark.parametrize("kind", ["decoder", "mamba"])
@pytest.mark.parametrize("batch_size", [0, 2])
def test_a_window_with_too_many_logits_is_read_in_pieces(stream, monkeypatch, kind, batch_size):
    """40 tokens of 257 logits each, where 7 x 257 are allowed at once: five full pieces and a shorter one."""
    switches = dict(num_kv_heads=1, windows=(0, 5), block_repeat=2)
    config = MambaConfig(257, 40, embed_dim=32, num_layers=2)
    model = random_model(40, **switches) if kind == "decoder" else randomised(Mamba(config, seed=0))
    whole, read = evaluate(model, stream, batch_size=1), []
    model.register_forward_pre_hook(lambda _, args: read.append(args[0].shape[1]))
    monkeypatch.setattr("slmlib.evaluation.LOGITS", 7 * 257 + 1)
    evaluate(model, stream)
    assert max(read) == 40  # a window that is not too large stays whole
    monkeypatch.setattr("slmlib.evaluation.LOGITS_OF_A_WINDOW", 40 * 257 - 1)
    read.clear()
    pieces = evaluate(model, stream, batch_size=batch_size)
    assert (set(read[:5]), read[5]) == ({7}, 5)
    assert pieces.tokens == whole.tokens
    assert pieces.nats == pytest.approx(whole.nats, rel=1e-6)
    half = Device("cpu", "this CPU", "bfloat16", "asked for")
    assert evaluate(model, stream, half).loss == pytest.approx(whole.loss, rel=0.02)


@pytest.mark.parametrize("at_once", [1, 257 * 3, 2**20])
def test_the_surprise_is_torchs_cross_entropy_however_many_rows_at_once(monkeypatch, at_once):
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(2, 5, 257, generator=generator).bfloat16() * 9
    targets = torch.randint(257, (2, 5), generator=generator)
    monkeypatch.setattr("slmlib.evaluation.LOGITS_IN_CACHE", at_once)
    wanted = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    assert torch.equal(surprise(logits, targets), wanted)

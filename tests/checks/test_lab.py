"""The lab's five checks: right things pass, each wrong one fails with its own sentence."""

import copy

import pytest
import torch

from checks import check_checkpoint, check_model, check_story, check_tokens, check_training

TOKENS = torch.arange(100_000) % 50


def told(report):
    """The one problem of a report, with what was expected and got."""
    (outcome,) = report.outcomes
    return f"{outcome.problem} | {outcome.expected} | {outcome.got}" if not report.passed else ""


@pytest.mark.parametrize(
    ("tokens", "vocab_size", "words"),
    [
        (TOKENS, 50, ""),
        (TOKENS.to(torch.uint16), 50, ""),
        (TOKENS.tolist(), 50, "not a torch tensor"),
        (None, 50, "not a torch tensor"),
        (TOKENS.view(100, -1), 50, "not one long row"),
        (TOKENS.float(), 50, "whole numbers"),
        (TOKENS > 3, 50, "whole numbers"),
        (TOKENS[1:], 50, "Too few tokens to learn from. | at least 100,000 | 99,999"),
        (TOKENS[:0], 50, "Too few tokens"),
        (TOKENS, 49, "not in the vocabulary: was another tokenizer used? | 0 to 48 | 0 to 49"),
        (TOKENS - 1, 50, "0 to 49 | -1 to 48"),
        (TOKENS, "50", "vocab_size"),
        (TOKENS, True, "vocab_size"),
    ],
)
def test_tokens(tokens, vocab_size, words):
    report = check_tokens(tokens, vocab_size)
    assert report.passed == (not words)
    assert words in told(report)


def lab(width=1000):
    model = torch.nn.Linear(width, 600)
    optimizer = torch.optim.AdamW(model.parameters())
    return model, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


@pytest.fixture
def cpu(monkeypatch):
    monkeypatch.setenv("SLM_DEVICE", "cpu")


def test_a_model_passes_in_cpu_mode_and_says_so(cpu):
    report = check_model(*lab())
    assert report.passed
    assert repr(report) == "[PASS] Model\nCPU mode: SLM_DEVICE=cpu asks for it."
    assert "not on the GPU" in told(check_model(*lab(), require_cuda=True))


def test_a_model_left_on_the_cpu_of_a_gpu_machine_fails(monkeypatch):
    monkeypatch.delenv("SLM_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "not on the GPU" in told(check_model(*lab()))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA GPU" in repr(check_model(*lab()))


def test_each_wrong_model_is_named(cpu):
    model, optimizer, scheduler = lab()
    _, other_optimizer, other_scheduler = lab()
    small, small_optimizer, small_scheduler = lab(width=10)
    assert "too small" in told(check_model(small, small_optimizer, small_scheduler))
    assert "too large" in told(check_model(torch.nn.Linear(10**5, 600, device="meta"), optimizer, scheduler))
    assert "not a torch module" in told(check_model("model", optimizer, scheduler))
    assert "not a torch optimizer" in told(check_model(model, None, scheduler))
    assert "does not hold all" in told(check_model(model, other_optimizer, other_scheduler))
    assert "not a learning-rate schedule" in told(check_model(model, optimizer, lambda step: 1.0))
    assert "another optimizer" in told(check_model(model, optimizer, other_scheduler))


FALLING = [4.0 - 0.1 * step for step in range(20)]


@pytest.mark.parametrize(
    ("losses", "val_losses", "words"),
    [
        (FALLING, [4.0, 3.0], ""),
        (torch.tensor(FALLING), (4.0, 3.0), ""),
        ([torch.tensor(loss) for loss in FALLING], [4, 3], ""),
        (FALLING[:19], [4.0, 3.0], "at least 20 | 19"),
        ([1.0] * 5 + [0.8] * 15, [4.0, 3.0], "did not fall by more than 20%"),
        ([1.0] * 5 + [0.79] * 15, [4.0, 3.0], ""),
        (FALLING[::-1], [4.0, 3.0], "did not fall"),
        (FALLING, [3.0, 3.0], "validation loss did not fall"),
        (FALLING, [3.0], "validation loss did not fall"),
        (FALLING, [], "validation loss did not fall"),
        ([*FALLING, float("nan")], [4.0, 3.0], "losses holds a value that is not finite"),
        (FALLING, [4.0, float("inf")], "val_losses holds a value that is not finite"),
        ("4 3 2", [4.0, 3.0], "losses is not a list of numbers"),
        (FALLING, {4.0: 1}, "val_losses is not a list of numbers"),
        ([True] * 30, [4.0, 3.0], "losses is not a list"),
    ],
)
def test_training(losses, val_losses, words):
    report = check_training(losses, val_losses)
    assert report.passed == (not words), told(report)
    assert words in told(report)


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("Once upon a time there was a cat who ran.", ""),
        ("Once upon a time there was a cat.", "at least 10 words | 8 words"),
        ("一 二 三 四 五 六 七 八 九 十", "at least 60% letters | 53%"),
        ("1 2 3 4 5 6 7 8 9 10 11", "mostly not letters"),
        (" ".join(["ab."] * 10), "at least 60% letters | 51%"),
        ("", "0 words"),
        (None, "not a string"),
        (["Once"] * 10, "not a string"),
    ],
)
def test_story(story, words):
    report = check_story(story)
    assert report.passed == (not words)
    assert words in told(report)


class Tiny(torch.nn.Module):
    """Embedding, one matrix, tied head: small enough to break in every way."""

    def __init__(self, tied=True):
        super().__init__()
        self.embedding, self.mix = torch.nn.Embedding(11, 8), torch.nn.Linear(8, 8)
        self.head = torch.nn.Linear(8, 11, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.mix(self.embedding(tokens)))


class Words:
    def __init__(self, fingerprint):
        self.fingerprint = fingerprint


def test_a_true_reload_passes():
    torch.manual_seed(0)
    model = Tiny()
    model.train()
    fresh = Tiny()
    fresh.load_state_dict(model.state_dict())
    assert check_checkpoint(model, fresh).passed
    assert check_checkpoint(model, fresh, Words("a"), Words("a")).passed
    assert model.training
    assert "tokenizer is another one" in told(check_checkpoint(model, fresh, Words("a"), Words("b")))


def untied(model):
    fresh = Tiny(tied=False)
    fresh.load_state_dict(model.state_dict())
    return fresh


def other(model):
    fresh = copy.deepcopy(model)
    with torch.no_grad():
        fresh.mix.weight.neg_()
        fresh.mix.bias.normal_()
    return fresh


def reshaped(model):
    fresh = copy.deepcopy(model)
    fresh.mix.bias = torch.nn.Parameter(torch.zeros(1))
    return fresh


def without_bias(model):
    fresh = copy.deepcopy(model)
    fresh.mix.bias = None
    return fresh


@pytest.mark.parametrize(
    ("reload", "words"),
    [
        (lambda model: model, "the very same object"),
        (untied, "head.weight is no longer tied as it was. | tied to embedding.weight | its own"),
        (
            lambda model: copy.deepcopy(model).half(),
            "The dtype of embedding.weight changed. | torch.float32 | torch.float16",
        ),
        (reshaped, "The shape of mix.bias changed. | (8,) | (1,)"),
        (without_bias, "mix.bias is missing from the reloaded model"),
        (other, "writes other tokens"),
        (lambda model: "nowhere", "nowhere is not a checkpoint"),
        (lambda model: None, "raised AttributeError"),
    ],
)
def test_each_drift_is_named(reload, words):
    torch.manual_seed(0)
    model = Tiny()
    assert words in told(check_checkpoint(model, reload(model)))

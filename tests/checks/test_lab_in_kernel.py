"""`check("lab")` on names in a kernel: everything right passes, everything tampered with is named."""

import copy
from functools import partial

import pytest
import torch

from checks.commands import check, hint, reference
from checks.course import Course
from checks.exercise import Reply, problems
from checks.judging import judge
from checks.plain import plain
from checks.probing import ask
from slmlib.config import ModelConfig
from slmlib.model.decoder import Decoder

from .conftest import DEMO, Kernel

HERE = Course(DEMO.parent.parent.parent)
LAB = HERE.exercises("lab")
STORY = "Once upon a time there was a cat who liked to run in the sun."


class Words:
    """A tokenizer, as far as the lab looks at it."""

    def __init__(self, fingerprint="a"):
        self.fingerprint = fingerprint


class Loaded:
    """What load_checkpoint returns, as far as the lab looks at it."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer


@pytest.fixture
def names(monkeypatch):
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    model = Decoder(ModelConfig(4096, 32, embed_dim=128, num_layers=1, num_heads=2), seed=0)
    with torch.no_grad():  # a newborn model only repeats its input; this one writes
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, 0.5 if "embedding" in name else 3.0)
    optimizer = torch.optim.AdamW(model.parameters())
    return {
        "train_tokens": torch.arange(100_000) % 4096,
        "vocab_size": 4096,
        "model": model,
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
        "losses": [8.0 - 0.1 * step for step in range(30)],
        "val_losses": [8.0, 5.0],
        "story_before": "qx zz",
        "story_after": STORY,
        "checkpoint_ok": True,
        "reloaded": copy.deepcopy(model),
        "tokenizer": Words(),
        "checkpoint": Loaded(None, Words()),
    }


def outcomes(names):
    return {exercise.id: judge(exercise, partial(ask, exercise, names)) for exercise in LAB}


def problem(names):
    """The one problem there is."""
    found = [one.problem for one in outcomes(names).values() if one.state != "pass"]
    assert len(found) == 1, found
    return found[0]


def test_a_whole_lab_passes(names):
    assert [exercise.id for exercise in LAB] == [f"lab.{number}" for number in range(1, 6)]
    assert {one.state for one in outcomes(names).values()} == {"pass"}
    assert sum(one.earned for one in outcomes(names).values()) == sum(one.points for one in LAB)


def test_the_lab_as_one_command(names, monkeypatch):
    monkeypatch.setenv("SLM_COURSE", str(HERE.root))
    monkeypatch.setenv("SLM_CHECKS", "strict")
    report = Kernel(names | {"check": check}).run('check("lab")')
    assert report.passed
    assert "CPU mode" in repr(report)
    names["checkpoint_ok"] = False
    with pytest.raises(AssertionError, match=r"lab\.5 Checkpoint: checkpoint_ok is not True"):
        Kernel(names | {"check": check}).run('check("lab")')


def untied(names):
    fresh = Decoder(names["model"].config.change({"tie_embeddings": False}))
    fresh.load_state_dict(names["model"].state_dict())
    return fresh


def forgetful(names):
    fresh = copy.deepcopy(names["model"])
    with torch.no_grad():
        fresh.embedding.weight.normal_()
    return fresh


TAMPERED = {
    "Too few tokens": lambda names: {"train_tokens": names["train_tokens"][1:]},
    "not in the vocabulary": lambda names: {"vocab_size": 4095},
    "was the model made again": lambda names: {
        "optimizer": torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
    },
    "drives another optimizer": lambda names: {"optimizer": torch.optim.AdamW(names["model"].parameters())},
    "did not fall by more than 20%": lambda names: {"losses": [8.0] * 30},
    "The validation loss did not fall": lambda names: {"val_losses": [5.0, 5.0]},
    "Both stories are the same": lambda names: {"story_before": STORY},
    "story_before is not a string": lambda names: {"story_before": None},
    "mostly not letters": lambda names: {"story_after": "1 2 3 4 5 6 7 8 9 10 11"},
    "checkpoint_ok is not True: ": lambda names: {"checkpoint_ok": 1},
    "keep it under the name `reloaded`": lambda names: {"reloaded": None},
    "the very same object": lambda names: {"reloaded": names["model"]},
    "The dtype of embedding.weight changed": lambda names: {
        "reloaded": copy.deepcopy(names["model"]).bfloat16()
    },
    "head.weight is no longer tied": lambda names: {"reloaded": untied(names)},
    "writes other tokens": lambda names: {"reloaded": forgetful(names)},
    "fluent nonsense": lambda names: {"checkpoint": Loaded(None, Words("b"))},
    "is not a checkpoint": lambda names: {"reloaded": "nowhere"},
}


@pytest.mark.parametrize("words", TAMPERED)
def test_a_tampered_kernel_is_named(names, words):
    assert words in problem(names | TAMPERED[words](names))


def test_a_reloaded_checkpoint_counts_like_its_model(names):
    names["reloaded"] = Loaded(names["reloaded"], Words("b"))
    assert "fluent nonsense" in problem(names)
    names["reloaded"] = Loaded(names["reloaded"].model, Words("a"))
    assert {one.state for one in outcomes(names).values()} == {"pass"}


def test_a_flag_without_proof_earns_half(names):
    del names["reloaded"]
    found = outcomes(names)["lab.5"]
    assert (found.state, found.earned) == ("fail", found.points / 2)


@pytest.mark.parametrize("exercise", LAB, ids=lambda exercise: exercise.id)
def test_the_lab_s_exercises_are_proved(exercise, names):
    assert problems(exercise) == []
    for sentence, mistake in exercise.mistakes.items():
        found = judge(
            exercise, lambda questions, number, wrong=mistake: Reply("answered", plain(wrong(questions)))
        )
        assert (found.state, found.problem) == ("fail", sentence)
    for name in exercise.asks_for:
        without = {other: value for other, value in names.items() if other != name}
        found = judge(exercise, partial(ask, exercise, without))
        assert found.state != "pass"
        assert f"`{name}`" in found.problem


def test_hints_of_the_lab(monkeypatch):
    monkeypatch.setenv("SLM_COURSE", str(HERE.root))
    monkeypatch.setenv("SLM_CHECKS", "rehearsal")
    assert "Lesson 03" in Kernel({"hint": hint}).run('hint("lab.1")').text
    loan = Kernel({"reference": reference}).run('reference("lab.5")')
    assert "no code to lend" in loan.text

"""The lab: what lies in the kernel after everything from data to a checkpoint, judged by `check("lab")`.

Each exercise hands names of the notebook to one of the five checks of `checks.lab`, which know the numbers.
"""

import math
from typing import Any

from checks import lab
from checks.exercise import Exercise, Finding, Questions
from checks.student import Student, Trouble


class LabExercise(Exercise):
    """One round without questions: the kernel is asked, not a function."""

    rounds = 1
    seconds = 60.0


class LabTokens(LabExercise):
    """`train_tokens` and `vocab_size`."""

    id, title, points, asks_for = "lab.1", "Token stream", 2, ("train_tokens", "vocab_size")
    hints = (
        "Lesson 03 built it: all stories end to end, end-of-text after each.",
        "`data.train.as_tensor()` gives the row that `prepare` made; `data.tokenizer.vocab_size` its vocabulary.",
    )
    mistakes = {
        "train_tokens is not one long row: join all stories into one dimension, end-of-text between them.": (
            lambda questions: _tokens(shape=[1000, 250])
        ),
        "Token ids are whole numbers.": lambda questions: _tokens(whole=False, dtype="torch.float32"),
        "Too few tokens to learn from.": lambda questions: _tokens(shape=[99_999], numel=99_999),
        "Some ids are not in the vocabulary: was another tokenizer used?": lambda questions: _tokens(
            most=4096
        ),
        "vocab_size is not a positive whole number.": lambda questions: _tokens(vocab_size=None),
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """Shape, dtype and range."""
        return lab.token_facts(student.get("train_tokens"), student.get("vocab_size"))

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """At least 100,000 ids of the vocabulary in one row."""
        return lab.judge_tokens(answer)


class LabModel(LabExercise):
    """`model`, `optimizer` and `scheduler`."""

    id, title, points, asks_for = "lab.2", "Model", 3, ("model", "optimizer", "scheduler")
    hints = (
        "Lessons 07 and 08: first the model, on its device; then an optimizer of its parameters; then a schedule of the "
        "optimizer.",
        "`model = Decoder(size).to(device.type)`, `optimizer = build_optimizer(model, plan)`, "
        "`scheduler = build_scheduler(optimizer, plan)`, in this order.",
    )
    mistakes = {
        "The model is too small.": lambda questions: _model(parameters=499_999),
        "The model is too large.": lambda questions: _model(parameters=50_000_001),
        "The optimizer does not hold all of this model's parameters: was the model made again after it?": (
            lambda questions: _model(in_optimizer=0)
        ),
        "scheduler is not a learning-rate schedule of torch.": lambda questions: _model(scheduler=None),
        "The schedule drives another optimizer than `optimizer`.": lambda questions: _model(
            same_optimizer=False
        ),
        "The model is not on the GPU: model.to('cuda') before the optimizer is made.": lambda questions: (
            _model(cpu_mode="")
        ),
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """Size, place and attachment."""
        return lab.model_facts(*(student.get(name) for name in self.asks_for))

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """0.5M to 50M parameters, on CUDA or in CPU mode, with its own optimizer and schedule."""
        return lab.judge_model(answer)

    def remark(self) -> str:
        """CPU mode is said in words."""
        return lab.cpu_mode()


class LabTraining(LabExercise):
    """`losses` and `val_losses`."""

    id, title, points, asks_for = "lab.3", "Training", 4, ("losses", "val_losses")
    hints = (
        "Lesson 08: one number for each step, and the loss on stories the model never learns from at least at the "
        "beginning and the end.",
        "`losses.append(loss.item())` after each step. If it does not fall: is the learning rate far too low or too high?",
    )
    mistakes = {
        "Too few steps are logged.": lambda questions: {"losses": [5.0, 2.0] * 9, "val_losses": [5.0, 2.0]},
        "The training loss did not fall by more than 20% from its first five steps to its last five.": (
            lambda questions: {"losses": [5.0] * 15 + [4.0] * 15, "val_losses": [5.0, 4.0]}
        ),
        "The validation loss did not fall.": lambda questions: {
            "losses": [5.0] * 15 + [2.0] * 15,
            "val_losses": [5.0, 5.0],
        },
        "losses is not a list of numbers: append loss.item() at each step.": lambda questions: {
            "losses": None,
            "val_losses": [5.0, 4.0],
        },
        "losses holds a value that is not finite; a lower learning rate usually helps.": lambda questions: {
            "losses": [5.0] * 15 + [math.inf],
            "val_losses": [5.0, 4.0],
        },
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """Both curves."""
        return lab.training_facts(student.get("losses"), student.get("val_losses"))

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """At least 20 steps, more than 20% lower, validation too."""
        return lab.judge_training(answer)


class LabStory(LabExercise):
    """`story_before` and `story_after`."""

    id, title, points, asks_for = "lab.4", "Story", 2, ("story_before", "story_after")
    hints = (
        "Lesson 10: let the model write before the first step and after the last, from the same beginning.",
        '`story_after = generate(model, tokenizer, "Once upon a time")[0]`; `generate` returns a list.',
    )
    mistakes = {
        "story_after is not a string: decode the tokens.": lambda questions: _stories(after=None),
        "The story is too short.": lambda questions: _stories(after="Once upon a time."),
        "The story is mostly not letters.": lambda questions: _stories(after="1 2 3 4 5 6 7 8 9 10 11 12"),
        "story_before is not a string: let the model write before the first step, too.": (
            lambda questions: _stories(before=None)
        ),
        "Both stories are the same: story_before must be written before the first step, by the untrained model.": (
            lambda questions: _stories(before=_STORY)
        ),
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The stories themselves."""
        before, after = (lab.story_facts(student.get(name)) for name in self.asks_for)
        return after | {"before": before["story"]}

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """At least 10 words, at least 60% letters, and another story than before."""
        names = list(self.mistakes)
        if answer["before"] is None:
            return Finding(names[3])
        return lab.judge_story(answer) or (Finding(names[4]) if answer["story"] == answer["before"] else None)


class LabCheckpoint(LabExercise):
    """`checkpoint_ok`, and the reloaded model that proves it."""

    id, title, points, asks_for = "lab.5", "Checkpoint", 4, ("model", "checkpoint_ok")
    hints = (
        "Exercise 11.4: save, load into a fresh model, compare, let both write.",
        "`reloaded = load_checkpoint(folder).model`, then `checkpoint_ok = drift(...) == ''`; and keep `reloaded`.",
    )
    mistakes = {
        "checkpoint_ok is not True: the round trip was not made, or it failed.": lambda questions: (
            _checkpoint(ok=False)
        ),
        "checkpoint_ok is True, but the model that was reloaded is not in the notebook: keep it under the name "
        "`reloaded`, so that the round trip can be looked at.": lambda questions: {"ok": True, "proof": None},
        "The reloaded model is the very same object: load into a fresh model, as after a restart.": (
            lambda questions: _checkpoint(same_object=True)
        ),
        "The shape of w changed.": lambda questions: _checkpoint(w=([3, 2], "torch.float32", "w")),
        "The dtype of w changed.": lambda questions: _checkpoint(w=([2, 2], "torch.bfloat16", "w")),
        "head is no longer tied as it was.": lambda questions: _checkpoint(
            head=([2, 2], "torch.float32", "head")
        ),
        "The tokenizer is another one: the model would write fluent nonsense.": lambda questions: _checkpoint(
            tokenizers=["a", "b"]
        ),
        "The reloaded model writes other tokens: some weights were not saved or not loaded.": (
            lambda questions: _checkpoint(writes=[[0, 1], [0, 2]])
        ),
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The flag, and the facts of the round trip: `reloaded` may be a model, a Checkpoint or a folder."""
        flag, model = student.get("checkpoint_ok"), student.get("model")
        facts: dict[str, Any] = {"ok": flag is True, "proof": None}
        reloaded = _or_none(student, "reloaded")
        if reloaded is not None:
            checkpoint = reloaded if hasattr(reloaded, "tokenizer") else _or_none(student, "checkpoint")
            theirs = getattr(checkpoint, "tokenizer", None)
            reloaded = getattr(reloaded, "model", reloaded) if hasattr(reloaded, "tokenizer") else reloaded
            facts["proof"] = lab.checkpoint_facts(model, reloaded, _or_none(student, "tokenizer"), theirs)
        return facts

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """What the proof says comes first: a flag is only believed with it."""
        names = list(self.mistakes)
        found = lab.judge_checkpoint(answer["proof"]) if answer["proof"] is not None else None
        if found is not None:
            return found
        if not answer["ok"]:
            return Finding(names[0], "True")
        return Finding(names[1], "reloaded", share=0.5) if answer["proof"] is None else None


def _or_none(student: Student, name: str) -> Any:
    try:
        return student.get(name)
    except Trouble:
        return None


# What right answers look like, for the tables of mistakes: each changes one thing.

_STORY = "Once upon a time there was a cat who liked to run in the sun."


def _tokens(**changes: Any) -> dict[str, Any]:
    right = {
        "type": "Tensor",
        "vocab_size": 4096,
        "shape": [250_000],
        "dtype": "torch.int64",
        "numel": 250_000,
    }
    return right | {"whole": True, "least": 0, "most": 4095} | changes


def _model(**changes: Any) -> dict[str, Any]:
    right = {
        "type": "Decoder",
        "is_model": True,
        "require_cuda": False,
        "cpu_mode": "CPU mode.",
        "optimizer": "AdamW",
    }
    right |= {
        "scheduler": "LambdaLR",
        "parameters": 10**6,
        "devices": ["cpu"],
        "trainable": 9,
        "in_optimizer": 9,
    }
    return right | {"same_optimizer": True} | changes


def _stories(before: str | None = "zq zq", after: str | None = _STORY) -> dict[str, Any]:
    return {"story": after, "type": "str" if after else "list", "before": before}


def _checkpoint(ok: bool = True, **changes: Any) -> dict[str, Any]:
    tensors = {"w": ([2, 2], "torch.float32", "w"), "head": ([2, 2], "torch.float32", "w")}
    loaded = tensors | {name: fact for name, fact in changes.items() if name in tensors}
    proof = {
        "same_object": False,
        "saved": tensors,
        "loaded": loaded,
        "tokenizers": ["a", "a"],
        "writes": [[0, 1]] * 2,
    }
    return {"ok": ok, "proof": proof | {name: fact for name, fact in changes.items() if name not in tensors}}

"""The lab's five checks, as plain functions with explicit arguments: for a notebook of one's own, or pytest.

Each has two halves, like every exercise: `*_facts` looks at the student's objects and returns plain data,
`judge_*` sees only that. Lesson 11's `check("lab")` uses the same halves on the names in the kernel.
"""

import copy
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checks.exercise import Finding
from checks.judging import Outcome
from checks.limits import quiet
from checks.plain import plain
from checks.report import Report
from slmlib.errors import SlmError

MIN_TOKENS = 100_000
MIN_PARAMETERS, MAX_PARAMETERS = 500_000, 50_000_000
MIN_STEPS, MIN_FALL = 20, 0.20
MIN_WORDS, MIN_LETTERS = 10, 0.60

Facts = dict[str, Any]
Judge = Callable[[Facts], Finding | None]


def check_tokens(train_tokens: Any, vocab_size: Any) -> Report:
    """`train_tokens` is a 1-D integer tensor of at least 100,000 tokens, every id below `vocab_size`."""
    return _report("Token stream", token_facts, judge_tokens, train_tokens, vocab_size)


def check_model(model: Any, optimizer: Any, scheduler: Any, require_cuda: bool = False) -> Report:
    """0.5M to 50M parameters on CUDA (or in CPU mode, said in words); optimizer and schedule attached."""
    report = _report("Model", model_facts, judge_model, model, optimizer, scheduler, require_cuda)
    with quiet():
        mode = cpu_mode()
    return Report(report.outcomes, (mode,) if mode and not require_cuda else ())


def check_training(losses: Any, val_losses: Any) -> Report:
    """At least 20 logged steps, the last 5 losses more than 20% below the first 5, validation loss down."""
    return _report("Training", training_facts, judge_training, losses, val_losses)


def check_story(story_after: Any) -> Report:
    """At least 10 words, and at least 60% of the characters are letters."""
    return _report("Story", story_facts, judge_story, story_after)


def check_checkpoint(
    model: Any, reloaded: Any, tokenizer: Any = None, reloaded_tokenizer: Any = None
) -> Report:
    """`reloaded` (a fresh model, or the checkpoint's folder) has the model's tensors and writes the same tokens."""
    return _report(
        "Checkpoint", checkpoint_facts, judge_checkpoint, model, reloaded, tokenizer, reloaded_tokenizer
    )


def _report(title: str, facts: Callable[..., Facts], judge: Judge, *objects: Any) -> Report:
    try:
        with quiet():
            found = judge(plain(facts(*objects)))
    except Exception as error:  # an object that breaks when it is looked at
        found = Finding(
            f"Looking at it raised {type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
        )
    if found is None:
        return Report((Outcome("", title, "pass", 0.0, 0.0),))
    fix = "Put this right, then run the cells from there on again."
    return Report((Outcome("", title, "fail", 0.0, 0.0, found.sentence, found.expected, found.got, fix),))


def token_facts(train_tokens: Any, vocab_size: Any) -> Facts:
    """Type, shape and range of the token stream."""
    import torch

    facts: Facts = {
        "type": type(train_tokens).__name__,
        "vocab_size": vocab_size if type(vocab_size) is int else None,
    }
    if type(train_tokens) is torch.Tensor:
        whole = not train_tokens.is_floating_point() and not train_tokens.is_complex()
        facts |= {
            "shape": list(train_tokens.shape),
            "dtype": str(train_tokens.dtype),
            "numel": train_tokens.numel(),
        }
        facts["whole"] = whole and train_tokens.dtype != torch.bool
        if facts["whole"] and facts["numel"]:
            wide = train_tokens.long()  # min and max do not exist for uint16
            facts |= {"least": int(wide.min()), "most": int(wide.max())}
    return facts


def judge_tokens(facts: Facts) -> Finding | None:
    """See check_tokens."""
    if "shape" not in facts:
        return Finding(
            "train_tokens is not a torch tensor; torch.tensor(...) or torch.from_numpy(...) makes one.",
            "Tensor",
            facts["type"],
        )
    if len(facts["shape"]) != 1:
        sentence = (
            "train_tokens is not one long row: join all stories into one dimension, end-of-text between them."
        )
        return Finding(sentence, "1 dimension", f"shape {tuple(facts['shape'])}")
    if not facts["whole"]:
        return Finding("Token ids are whole numbers.", "an integer dtype", facts["dtype"])
    if facts["numel"] < MIN_TOKENS:
        return Finding("Too few tokens to learn from.", f"at least {MIN_TOKENS:,}", f"{facts['numel']:,}")
    if facts["vocab_size"] is None or facts["vocab_size"] < 1:
        return Finding("vocab_size is not a positive whole number.", "an int")
    if facts["least"] < 0 or facts["most"] >= facts["vocab_size"]:
        return Finding(
            "Some ids are not in the vocabulary: was another tokenizer used?",
            f"0 to {facts['vocab_size'] - 1}",
            f"{facts['least']} to {facts['most']}",
        )
    return None


def cpu_mode() -> str:
    """Why this kernel trains on the CPU, in words; empty when CUDA is used."""
    import torch

    if os.environ.get("SLM_DEVICE") == "cpu":
        return "CPU mode: SLM_DEVICE=cpu asks for it."
    return "" if torch.cuda.is_available() else "CPU mode: this machine has no CUDA GPU that torch can use."


def model_facts(model: Any, optimizer: Any, scheduler: Any, require_cuda: bool = False) -> Facts:
    """Size and place of the model, and what optimizer and schedule are attached to."""
    import torch

    facts: Facts = {"type": type(model).__name__, "is_model": isinstance(model, torch.nn.Module)}
    facts |= {"require_cuda": bool(require_cuda), "cpu_mode": cpu_mode()}
    facts["optimizer"] = type(optimizer).__name__ if isinstance(optimizer, torch.optim.Optimizer) else None
    facts["scheduler"] = (
        type(scheduler).__name__ if isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler) else None
    )
    if facts["is_model"]:
        own = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
        facts["parameters"] = sum(parameter.numel() for parameter in model.parameters())
        facts["devices"] = sorted({parameter.device.type for parameter in model.parameters()})
        facts["trainable"] = len(own)
        if facts["optimizer"]:
            held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
            facts["in_optimizer"] = len(own & held)
    facts["same_optimizer"] = getattr(scheduler, "optimizer", None) is optimizer
    return facts


def judge_model(facts: Facts) -> Finding | None:
    """See check_model."""
    if not facts["is_model"]:
        return Finding("model is not a torch module.", "an nn.Module", facts["type"])
    size = facts["parameters"]
    if not MIN_PARAMETERS <= size <= MAX_PARAMETERS:
        word = "small" if size < MIN_PARAMETERS else "large"
        return Finding(
            f"The model is too {word}.", f"{MIN_PARAMETERS:,} to {MAX_PARAMETERS:,}", f"{size:,} parameters"
        )
    if facts["devices"] != ["cuda"] and (facts["require_cuda"] or not facts["cpu_mode"]):
        sentence = "The model is not on the GPU: model.to('cuda') before the optimizer is made."
        return Finding(sentence, "cuda", ", ".join(facts["devices"]))
    if facts["optimizer"] is None:
        return Finding("optimizer is not a torch optimizer.", "such as torch.optim.AdamW")
    if facts["in_optimizer"] < facts["trainable"] or not facts["trainable"]:
        return Finding(
            "The optimizer does not hold all of this model's parameters: was the model made again after it?",
            f"{facts['trainable']} tensors",
            f"{facts['in_optimizer']} tensors",
        )
    if facts["scheduler"] is None:
        return Finding("scheduler is not a learning-rate schedule of torch.", "an LRScheduler")
    if not facts["same_optimizer"]:
        return Finding(
            "The schedule drives another optimizer than `optimizer`.", "scheduler.optimizer is optimizer"
        )
    return None


def training_facts(losses: Any, val_losses: Any) -> Facts:
    """Both curves as lists of floats; None for what is not a list of numbers."""
    return {"losses": _floats(losses), "val_losses": _floats(val_losses)}


def _floats(values: Any) -> list[float] | None:
    values = values.tolist() if hasattr(values, "tolist") else values
    if type(values) not in (list, tuple):
        return None
    numbers = [value.item() if hasattr(value, "item") else value for value in values]
    return (
        [float(value) for value in numbers] if all(type(value) in (int, float) for value in numbers) else None
    )


def judge_training(facts: Facts) -> Finding | None:
    """See check_training."""
    for name, values in facts.items():
        if values is None:
            return Finding(
                f"{name} is not a list of numbers: append loss.item() at each step.", "a list of floats"
            )
        if not all(map(math.isfinite, values)):
            return Finding(f"{name} holds a value that is not finite; a lower learning rate usually helps.")
    losses, val_losses = facts["losses"], facts["val_losses"]
    if len(losses) < MIN_STEPS:
        return Finding("Too few steps are logged.", f"at least {MIN_STEPS}", str(len(losses)))
    first, last = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
    if not last < (1 - MIN_FALL) * first:
        return Finding(
            "The training loss did not fall by more than 20% from its first five steps to its last five.",
            f"below {(1 - MIN_FALL) * first:.3f}",
            f"{last:.3f}",
        )
    if len(val_losses) < 2 or not val_losses[-1] < val_losses[0]:
        got = f"{val_losses[0]:.3f} to {val_losses[-1]:.3f}" if val_losses else "none"
        return Finding("The validation loss did not fall.", "the last below the first", got)
    return None


def story_facts(story_after: Any) -> Facts:
    """The story itself, when it is one."""
    return {"story": story_after if type(story_after) is str else None, "type": type(story_after).__name__}


def judge_story(facts: Facts) -> Finding | None:
    """See check_story."""
    story = facts["story"]
    if story is None:
        return Finding("story_after is not a string: decode the tokens.", "str", facts["type"])
    words = len(story.split())
    if words < MIN_WORDS:
        return Finding("The story is too short.", f"at least {MIN_WORDS} words", f"{words} words")
    share = sum(map(str.isalpha, story)) / len(story)
    if share < MIN_LETTERS:
        return Finding(
            "The story is mostly not letters.", f"at least {MIN_LETTERS:.0%} letters", f"{share:.0%}"
        )
    return None


def checkpoint_facts(
    model: Any, reloaded: Any, tokenizer: Any = None, reloaded_tokenizer: Any = None
) -> Facts:
    """Tensors of both models by name, which are tied, and what each writes."""
    from slmlib.training.checkpoint import load_checkpoint

    if isinstance(reloaded, (str, Path)):
        try:
            checkpoint = load_checkpoint(reloaded)
        except SlmError as error:
            return {"trouble": str(error)}
        reloaded, reloaded_tokenizer = checkpoint.model, checkpoint.tokenizer
    facts: Facts = {"same_object": reloaded is model, "saved": _tensors(model), "loaded": _tensors(reloaded)}
    facts["tokenizers"] = [
        None if one is None else str(getattr(one, "fingerprint", None))
        for one in (tokenizer, reloaded_tokenizer)
    ]
    shapes = [{name: fact[0] for name, fact in facts[side].items()} for side in ("saved", "loaded")]
    if shapes[0] == shapes[1]:
        device = next(model.parameters()).device
        facts["writes"] = [greedy_tokens(one) for one in (model, copy.deepcopy(reloaded).to(device))]
    return facts


def _tensors(model: Any) -> dict[str, tuple[list[int], str, str]]:
    """Name -> shape, dtype, and the first name that shares its memory (tied tensors have another's)."""
    owner: dict[int, str] = {}
    return {
        name: (list(tensor.shape), str(tensor.dtype), owner.setdefault(tensor.data_ptr(), name))
        for name, tensor in model.state_dict().items()
    }


def greedy_tokens(model: Any, length: int = 24) -> list[int]:
    """The tokens a model writes after token 0, always the likeliest."""
    import torch

    training = model.training
    model.eval()
    tokens = torch.zeros(1, 1, dtype=torch.long, device=next(model.parameters()).device)
    with torch.no_grad():
        for _ in range(length):
            tokens = torch.cat((tokens, model(tokens)[:, -1:].argmax(-1)), dim=1)  # (1, time + 1)
    model.train(training)
    return [int(token) for token in tokens[0]]


def judge_checkpoint(facts: Facts) -> Finding | None:
    """See check_checkpoint."""
    if "trouble" in facts:
        return Finding(facts["trouble"])
    if facts["same_object"]:
        return Finding(
            "The reloaded model is the very same object: load into a fresh model, as after a restart."
        )
    saved, loaded = facts["saved"], facts["loaded"]
    for name in sorted(set(saved) ^ set(loaded)):
        side = "is missing from the reloaded model" if name in saved else "is only in the reloaded model"
        return Finding(f"The tensor {name} {side}.")
    for name, (shape, dtype, owner) in saved.items():
        new_shape, new_dtype, new_owner = loaded[name]
        if shape != new_shape:
            return Finding(f"The shape of {name} changed.", str(tuple(shape)), str(tuple(new_shape)))
        if dtype != new_dtype:
            return Finding(f"The dtype of {name} changed.", dtype, new_dtype)
        if owner != new_owner:
            expected, got = (f"tied to {one}" if one != name else "its own" for one in (owner, new_owner))
            return Finding(f"{name} is no longer tied as it was.", expected, got)
    old, new = facts["tokenizers"]
    if old is not None and new is not None and old != new:
        return Finding(
            "The tokenizer is another one: the model would write fluent nonsense.", old[:12], new[:12]
        )
    if facts["writes"][0] != facts["writes"][1]:
        return Finding("The reloaded model writes other tokens: some weights were not saved or not loaded.")
    return None

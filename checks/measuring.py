"""What a handed-in model can do, measured: the grader runs this in a room where no student's code was run.

The files are a stranger's, so this is not the trusted process either: it only answers in plain data, and what has
no end or no bound is ended by the room's own limits. The weights go into slmlib's Decoder; nothing is unpickled.
"""

import math
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.numpy import load
from torch import Tensor

from checks import lab
from checks.bundle import CHECKPOINT, FACTS, TOKENS, Facts, read_facts
from slmlib.config import Sampling
from slmlib.errors import SlmError
from slmlib.generation import begin, generate
from slmlib.model.decoder import Decoder
from slmlib.model.language_model import LanguageModel, evaluating
from slmlib.shipped import load_model
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.corpus import open_corpus
from slmlib.training.checkpoint import load_checkpoint

OWN_STORIES = 40
"""So many stories of the grader's own corpus are read to the model."""
MOST_TRAIN_TOKENS = 8_000
MOST_NEW_TOKENS = 1_000
SKETCH = 256
"""Weights that are picked, evenly over all of them, to compare two models by."""


def measure(folder: str) -> Facts:
    """Plain facts of the bundle that lies unpacked in `folder`; `trouble` alone when its files are no model."""
    root = Path(folder)
    try:
        claims = read_facts((root / FACTS).read_bytes()).get("lab")
        checkpoint = load_checkpoint(root / CHECKPOINT)
        tokens = load((root / TOKENS).read_bytes())
        train, valid = (torch.from_numpy(tokens[name].astype("int64")) for name in ("train", "valid"))
    except SlmError as error:
        # A stranger's words may stand in it, and our folder.
        return {"trouble": str(error).replace(f"{root}/", "")}
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        return {"trouble": f"The bundle's {TOKENS} cannot be read ({type(error).__name__})."}
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    if not isinstance(model, Decoder):
        return {"trouble": "The checkpoint holds another kind of model than the lab's Decoder."}
    weights = torch.cat([part.detach().flatten() for part in model.parameters()])
    if not bool(weights.isfinite().all()):
        return {"trouble": "The checkpoint holds weights that are not finite."}
    claims = claims if isinstance(claims, dict) else {}
    device = "cuda" if _says(claims, "device", "type") == "cuda" and torch.cuda.is_available() else "cpu"
    shipped = load_model().model
    facts: Facts = {
        "tokens": lab.token_facts(train, tokenizer.vocab_size),
        "parameters": sum(part.numel() for part in model.parameters()),
        "trainable": sum(1 for _ in model.parameters()),
        "uniform": math.log(tokenizer.vocab_size),
        "sketch": weights[torch.linspace(0, len(weights) - 1, SKETCH).long()].tolist(),
        "shipped": _sameness(model, shipped),
        "device": device,
    }
    if facts["tokens"]["numel"] < 2 or _unreadable(facts["tokens"]):
        return facts
    facts["training"] = mean_loss(model, train[:MOST_TRAIN_TOKENS])
    facts["validation"] = mean_loss(model, valid) if _usable(valid, tokenizer) else None
    facts["own"] = mean_loss(model, own_tokens(tokenizer))
    facts["greedy_gap"] = _greedy_gap(model, claims.get("greedy"))
    return facts | {"story": _story(model.to(device), tokenizer, claims)}


@torch.no_grad()
def _greedy_gap(model: Decoder, tokens: Any) -> float | None:
    """How far the claimed tokens' scores ever lie below the likeliest one's; None when they are no tokens."""
    if type(tokens) is not list or not 2 <= len(tokens) <= model.config.context_length:
        return None
    if not all(type(token) is int and 0 <= token < model.config.vocab_size for token in tokens):
        return None
    row = torch.tensor([tokens])  # (1, time)
    with evaluating(model):
        scores = model(row[:, :-1])[0]  # (time - 1, vocab_size)
    return float((scores.amax(-1) - scores.gather(-1, row[0, 1:, None])[:, 0]).max())


def _unreadable(facts: Facts) -> bool:
    """Whether these token ids cannot be read by the model at all."""
    return not 0 <= facts.get("least", -1) <= facts.get("most", -1) < facts["vocab_size"]


def own_tokens(tokenizer: BaseTokenizer) -> Tensor:
    """Stories of the grader's own corpus in the student's tokens, (time,)."""
    corpus = open_corpus("auto", max_bytes=1_000_000)
    texts = list(islice(corpus.valid() or corpus.train(), OWN_STORIES))
    rows = tokenizer.encode_batch(texts)
    return torch.tensor([token for row in rows for token in (*row, tokenizer.end_of_text)])


@torch.no_grad()
def mean_loss(model: Decoder, tokens: Tensor) -> float:
    """Mean loss in nats over a row of tokens, (time,), in float32, each token but the first predicted once."""
    context, nats = model.config.context_length, 0.0
    with evaluating(model):
        for start in range(0, len(tokens) - 1, context):
            window = tokens[None, start : start + context + 1]  # (1, up to context + 1)
            nats += model.loss(window[:, :-1], window[:, 1:]).item() * (window.shape[1] - 1)
    return nats / (len(tokens) - 1)


def _usable(valid: Tensor, tokenizer: BaseTokenizer) -> bool:
    return (
        valid.dim() == 1 and len(valid) > 1 and not _unreadable(lab.token_facts(valid, tokenizer.vocab_size))
    )


def _sameness(model: Decoder, other: LanguageModel) -> float:
    """Share of the weights that differ from the other model's by less than a hundredth of their spread."""
    if model.config != other.config:
        return 0.0
    pairs = list(zip(model.parameters(), other.parameters(), strict=True))
    near = sum(int(((one - two).abs() <= 0.01 * two.std(correction=0)).sum()) for one, two in pairs)
    return near / sum(one.numel() for one, _ in pairs)


def _story(model: Decoder, tokenizer: BaseTokenizer, claims: Facts) -> Facts:
    """Whether the model writes the claimed story again; and how surprised it is by it, in nats per token."""
    story, telling = _says(claims, "story", "story"), claims.get("telling")
    facts: Facts = {"again": False, "surprise": None}
    if type(story) is not str:
        return facts
    prompt, sampling = "", None
    try:
        if isinstance(telling, dict) and type(telling.get("prompt")) is str:
            prompt, sampling = telling["prompt"], Sampling.from_dict(telling["sampling"])
        if sampling is not None and sampling.max_tokens <= MOST_NEW_TOKENS:
            facts["again"] = generate(model, tokenizer, prompt, sampling)[0] == story
        facts["surprise"] = _surprise(model, tokenizer, story, prompt)
    except (SlmError, KeyError, TypeError):
        pass
    return facts


@torch.no_grad()
def _surprise(model: Decoder, tokenizer: BaseTokenizer, story: str, prompt: str) -> float | None:
    """Mean loss of the story's own tokens, after the prompt's, as far as they fit into the context."""
    given = begin(model, tokenizer, prompt)
    row = [tokenizer.end_of_text, *tokenizer.encode(story)][: model.config.context_length + 1]
    first = min(len(given), len(row) - 1)
    if len(row) - first < 1:
        return None
    tokens = torch.tensor([row], device=model.device)  # (1, time + 1)
    with evaluating(model):
        chances = model(tokens[:, :-1]).float().log_softmax(-1)  # (1, time, vocab_size)
    told = chances.gather(-1, tokens[:, 1:, None])[0, :, 0]  # (time,)
    return -float(told[first - 1 :].mean())


def _says(claims: Facts, *names: str) -> Any:
    """What the facts say under these names, one in the other; None where they do not."""
    found: Any = claims
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found

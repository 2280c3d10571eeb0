"""Stories out of a model: choose the next token from what it offers, append, repeat.

Shapes: batch B, vocab_size V. A cache remembers what was read, so each new token costs one token's work.
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from slmlib.config import Sampling
from slmlib.errors import ConfigError, DataError
from slmlib.model.language_model import Cache, LanguageModel, evaluating, read_rows
from slmlib.model.reader import Reader, gains_from_reader
from slmlib.text.base_tokenizer import BaseTokenizer


def probabilities(logits: Tensor, sampling: Sampling, seen: Tensor | None = None) -> Tensor:
    """The distribution the next token is drawn from.

    logits: (B, V). seen: (B, V) booleans, True where a token occurred before. Returns (B, V), rows sum to 1.
    """
    logits = logits.float()
    if seen is not None and sampling.repetition_penalty != 1.0:
        logits = penalised(logits, seen, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        smallest_kept = logits.topk(sampling.top_k).values[:, -1:]  # (B, 1)
        logits = logits.masked_fill(logits < smallest_kept, float("-inf"))
    if sampling.top_p < 1.0:
        ordered, order = logits.softmax(dim=-1).sort(dim=-1, descending=True)  # (B, V) each
        before = ordered.cumsum(dim=-1) - ordered  # probability of all likelier tokens
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= sampling.top_p)
        logits = logits.masked_fill(dropped, float("-inf"))
    result = logits.softmax(dim=-1)
    if sampling.min_p > 0.0:
        result = result.masked_fill(result < sampling.min_p * result.amax(dim=-1, keepdim=True), 0.0)
        result = result / result.sum(dim=-1, keepdim=True)
    return result


def penalised(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Scores (B, V) with those of `seen` tokens, (B, V) booleans, lowered: positive ones divided, negative multiplied."""
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def draw(chances: Tensor, generators: Sequence[torch.Generator]) -> list[int]:
    """One token for each row: the first at which the running sum passes the row's random number.

    chances: (B, V) on the CPU, rows sum to 1. (`torch.multinomial` draws V random numbers: 1 ms at 50,304.)
    """
    running = chances.double().cumsum(dim=-1)  # (B, V)
    dice = torch.cat([torch.rand(1, generator=generator, dtype=torch.float64) for generator in generators])
    # Rounded numbers do not quite sum to 1; measured by their sum, no number can fall beyond the last piece.
    return torch.searchsorted(running, dice[:, None] * running[:, -1:], right=True)[:, 0].tolist()


def choose(
    logits: Tensor, sampling: Sampling, generators: Sequence[torch.Generator], seen: Tensor | None = None
) -> list[int]:
    """The next token of each row, out of (B, V) logits; `seen` as in `probabilities`."""
    if sampling.temperature == 0:  # what `draw` would find, without a running sum of zeros and a one
        logits = logits if seen is None else penalised(logits.float(), seen, sampling.repetition_penalty)
        if logits.device.type != "cpu":
            return logits.argmax(dim=-1).tolist()
        # Of 50,304 tokens numpy's takes 4 microseconds, torch's 36 (max, which is quicker there than argmax).
        return logits.detach().float().numpy().argmax(axis=-1).tolist()
    return draw(probabilities(logits, sampling, seen).cpu(), generators)


def generate_tokens(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    stop_token: int | None = None,
    use_cache: bool = True,
) -> Iterator[list[int | None]]:
    """One new token for every row at a time; None for rows that have ended.

    prompts: rows of token ids, each at least one token, of any lengths. Past its most_tokens a row
    goes on from the most recent three quarters of them, with or without cache; a Mamba has no such limit.
    use_cache: False reads the whole window again for every token.
    """
    if not prompts or not all(len(prompt) for prompt in prompts):
        raise ConfigError("Every prompt needs at least one token.", "Begin with the end-of-text token.")
    device, limit = model.device, model.most_tokens
    generators = [torch.Generator().manual_seed(sampling.seed + row) for row in range(len(prompts))]
    rows = [list(prompt) for prompt in prompts]
    begins = [0] * len(rows)  # where each row's window begins; shared, a row would feel its neighbours
    seen = None
    if sampling.repetition_penalty != 1.0:
        seen = torch.zeros(len(rows), model.config.vocab_size, dtype=torch.bool, device=device)
        for row, prompt in enumerate(rows):
            seen[row, prompt] = True
        if stop_token is not None:
            seen[:, stop_token] = False  # it only began the prompt; penalised, stories would not end
    # Any: each kind of model has its own kind of cache.
    read: Callable[[list[list[int]], Any], Tensor] = partial(read_rows, model)
    if use_cache and gains_from_reader(model, len(rows), sampling.max_tokens):
        read = Reader(model)
    ended = [False] * len(rows)
    cache: Cache | None = None
    for written in range(sampling.max_tokens):
        for row, tokens in enumerate(rows):
            if limit is not None and len(tokens) - begins[row] > limit:
                begins[row], cache = len(tokens) - max(1, limit * 3 // 4), None
        if cache is None or not use_cache:
            windows = [tokens[first:] for tokens, first in zip(rows, begins, strict=True)]
            longest = max(map(len, windows))
            padding = [longest - len(window) for window in windows]
            unread = [[0] * empty + window for empty, window in zip(padding, windows, strict=True)]
            most = longest + sampling.max_tokens - written - 1  # the last new token is not read
            capacity = most if limit is None else min(most, limit)
            cache = model.new_cache(torch.tensor(padding, device=device), capacity)
        else:
            unread = [tokens[-1:] for tokens in rows]
        with torch.inference_mode():
            logits = read(unread, cache)  # (B, V)
            drawn = choose(logits, sampling, generators, seen)
        for tokens, token in zip(rows, drawn, strict=True):
            tokens.append(token)
        if seen is not None:
            seen[range(len(rows)), drawn] = True
        ended = [was or token == stop_token for was, token in zip(ended, drawn, strict=True)]
        if all(ended):
            return
        yield [None if end else token for end, token in zip(ended, drawn, strict=True)]


def generate(
    model: LanguageModel,
    tokenizer: BaseTokenizer,
    prompts: str | Sequence[str] = "",
    sampling: Sampling | None = None,
    use_cache: bool = True,
) -> list[str]:
    """Continue each prompt until its story ends. Returns prompt and continuation, one string a prompt.

    use_cache: False reads the whole window again for every token: the same story, later.
    """
    texts = [prompts] if isinstance(prompts, str) else list(prompts)
    if not texts:
        return []
    rows = [begin(model, tokenizer, text) for text in texts]
    new: list[list[int]] = [[] for _ in rows]
    with evaluating(model):
        for tokens in generate_tokens(model, rows, sampling or Sampling(), tokenizer.end_of_text, use_cache):
            for row, token in zip(new, tokens, strict=True):
                if token is not None:
                    row.append(token)
    return [text + continuation_of(tokenizer, row) for text, row in zip(texts, new, strict=True)]


def continuation_of(tokenizer: BaseTokenizer, tokens: Sequence[int]) -> str:
    """The text of tokens that follow others. By bytes, as `stream` does: it keeps the space that it begins with, which
    `decode` of a SentencePiece vocabulary takes for the beginning of a text and leaves out."""
    return tokenizer.decode_bytes(tokens).decode("utf-8", errors="replace")


def stream(
    model: LanguageModel, tokenizer: BaseTokenizer, prompt: str = "", sampling: Sampling | None = None
) -> Iterator[str]:
    """The continuation of one prompt, piece by piece as it is written; characters are never cut in half."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with evaluating(model):
        for tokens in generate_tokens(
            model, [begin(model, tokenizer, prompt)], sampling or Sampling(), tokenizer.end_of_text
        ):
            assert tokens[0] is not None  # the only row has not ended, or the iterator would have
            yield decoder.decode(tokenizer.token_bytes(tokens[0]))
    yield decoder.decode(b"", final=True)


def begin(model: LanguageModel, tokenizer: BaseTokenizer, prompt: str) -> list[int]:
    """Every text in training followed the same token (with us the end of another), so every prompt does too."""
    if tokenizer.vocab_size != model.config.vocab_size:
        raise DataError(
            f"The tokenizer has {tokenizer.vocab_size:,} tokens, the model {model.config.vocab_size:,}.",
            "Use the tokenizer that the model was trained with; it lies in the model's checkpoint.",
        )
    return [tokenizer.begin_of_text, *tokenizer.encode(prompt)]

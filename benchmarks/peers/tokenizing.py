"""BPE: learning 8,192 tokens from a text, and encoding the same text with them. CPU seconds: threads cost, too.

tokenizers learns the same merges as we do, and everybody but sentencepiece must encode into the same ids.
sentencepiece splits words in its own way; its outcome, bytes a token, may differ by a twentieth.
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.harness import Contestant, Row
from slmlib.text.bpe import BYTE_ALPHABET, SPLIT_PATTERN
from slmlib.text.textfiles import TextFiles
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer

VOCAB_SIZE = 8192

ROWS = [
    Row(
        f"tokenizing/{task}-{megabytes}MB",
        f"BPE, {words} {megabytes} MB of stories, vocabulary {VOCAB_SIZE}",
        "CPU s",
        contestants,
        work=dict(task=task, megabytes=megabytes, vocab_size=VOCAB_SIZE),
        higher_is_better=False,
    )
    for task, words, contestants in (
        ("train", "learning from", ("slmlib", "tokenizers", "sentencepiece")),
        ("encode", "encoding", ("slmlib", "tiktoken", "tokenizers", "sentencepiece")),
    )
    for megabytes in (5, 21)
]
QUICK = Row(
    "tokenizing/quick",
    "BPE, learning from 0.05 MB",
    "CPU s",
    ("slmlib", "tokenizers"),
    work=dict(task="train", megabytes=0.05, vocab_size=400),
    higher_is_better=False,
    turns=2,
)


def differs(name: str, outcome: dict[str, Any], expected: dict[str, Any]) -> str:
    """Whether other merges were learned or other ids written."""
    if name == "sentencepiece":
        off = abs(outcome["bytes_per_token"] / expected["bytes_per_token"] - 1)
        return f"{off:.0%} more or fewer tokens" if off > 0.05 else ""
    return "" if outcome["result"] == expected["result"] else "another result than ours"


def build(name: str, work: dict[str, Any], checkouts: dict[str, str]) -> Contestant:
    """The contestant of that name."""
    kinds: dict[str, type[Bpe]] = {
        "slmlib": Slmlib,
        "tokenizers": Tokenizers,
        "sentencepiece": Sentencepiece,
        "tiktoken": Tiktoken,
    }
    return kinds[name](work)


def stories(megabytes: float) -> list[str]:
    """So much text: the training file of SLM_CORPUS, else StoryWorld, again from the beginning where it is too short."""
    found, size, wanted = list[str](), 0, megabytes * 1e6
    folder = os.environ.get("SLM_CORPUS")
    if folder:
        texts = list(TextFiles.find(folder).train())
    else:
        from slmlib.storyworld import stories as told

        texts = [story.text for story in told(0, 2000, 0)]
    while size < wanted:
        for text in texts:
            if size >= wanted:
                break
            found.append(text)
            size += len(text.encode())
    return found


def byte_count(texts: list[str]) -> int:
    """UTF-8 bytes."""
    return sum(len(text.encode()) for text in texts)


class Bpe(Contestant):
    """A tokenizer of somebody's. For encoding it gets our merges, so that the ids are to be equal."""

    precision = ""

    def __init__(self, work: dict[str, Any]):
        self.work, self.texts = work, stories(work["megabytes"])
        self.sample = self.texts[:1000]  # enough to see how well a vocabulary compresses
        self.prepare()

    def turn(self) -> tuple[float, Any]:
        """CPU seconds of all threads, and a vocabulary or rows of ids."""
        started = time.process_time()
        made = self.learn() if self.work["task"] == "train" else self.encode()
        return time.process_time() - started, made

    def outcome(self, made: Any) -> dict[str, Any]:
        """A digest of what came out."""
        return self.learned(made) if self.work["task"] == "train" else self.encoded(made)

    def prepare(self) -> None:
        """What is not measured."""

    def learn(self) -> Any:
        """A vocabulary from the texts."""
        raise NotImplementedError

    def encode(self) -> Any:
        """The texts as ids."""
        raise NotImplementedError

    def learned(self, made: Any) -> dict[str, Any]:
        """The outcome of learning."""
        raise NotImplementedError

    def encoded(self, ids: Any) -> dict[str, Any]:
        """The outcome of encoding, from rows of ids."""
        row = np.concatenate([np.asarray(part, dtype=np.uint32) for part in ids])
        row = row[row != self.work["vocab_size"] - 1]  # ours ends each story with this mark
        return {
            "result": hashlib.sha256(row.tobytes()).hexdigest(),
            "bytes_per_token": byte_count(self.texts) / len(row),
        }

    def our_merges(self) -> Tokenizer:
        """What our trainer learns from these texts, made once for all contestants."""
        folder = Path(tempfile.gettempdir())
        sample = hashlib.sha256("\n".join(self.texts[:100]).encode()).hexdigest()[:16]
        path = folder / f"slm_bench_{sample}_{self.work['vocab_size']}.json"
        if not path.exists():
            Tokenizer.train(self.texts[: 5 * 10**3], self.work["vocab_size"]).save(path)
        return Tokenizer.load(path)


def digest(merges: list[tuple[str, str]]) -> dict[str, Any]:
    """The outcome of learning, where there are merges written in GPT-2's alphabet of bytes."""
    return {"result": hashlib.sha256(repr(merges).encode()).hexdigest(), "bytes_per_token": 0.0}


class Slmlib(Bpe):
    """Ours."""

    packages = ("regex", "tiktoken")

    def prepare(self) -> None:
        """Encoding needs merges."""
        if self.work["task"] == "encode":
            self.tokenizer = self.our_merges()
            self.tokenizer.encode("a")

    def learn(self) -> Tokenizer:
        """Our trainer."""
        return Tokenizer.train(self.texts, self.work["vocab_size"])

    def encode(self) -> Any:
        """As a token stream is written."""
        return [self.tokenizer.encode_row(self.texts)]

    def learned(self, made: Tokenizer) -> dict[str, Any]:
        """Its merges, in words."""
        words = list(BYTE_ALPHABET)
        for first, second in made.merges:
            words.append(words[first] + words[second])
        size = len(made.encode_row(self.sample)) - len(self.sample)
        merges = [(words[first], words[second]) for first, second in made.merges]
        return digest(merges) | {"bytes_per_token": byte_count(self.sample) / size}


class Tokenizers(Bpe):
    """Hugging Face's tokenizers, with the byte-level split of GPT-2."""

    packages = ("tokenizers",)

    def prepare(self) -> None:
        """For encoding: our merges in its words."""
        from tokenizers import Tokenizer as Theirs
        from tokenizers import models, pre_tokenizers

        split = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.model, self.alphabet = Theirs(models.BPE()), split.alphabet()
        if self.work["task"] == "encode":
            tokenizer = self.our_merges()
            words = list(BYTE_ALPHABET)
            for first, second in tokenizer.merges:
                words.append(words[first] + words[second])
            merges = [(words[first], words[second]) for first, second in tokenizer.merges]
            self.model = Theirs(models.BPE({word: i for i, word in enumerate(words)}, merges))
        self.model.pre_tokenizer = split

    def learn(self) -> Any:
        """Its trainer, told to begin with all bytes as we do."""
        from tokenizers import trainers

        trainer = trainers.BpeTrainer(
            vocab_size=self.work["vocab_size"] - 1,
            initial_alphabet=self.alphabet,
            show_progress=False,
        )
        self.model.train_from_iterator(self.texts, trainer)
        return self.model

    def encode(self) -> Any:
        """All texts at once, on all threads."""
        return [one.ids for one in self.model.encode_batch_fast(self.texts)]

    def learned(self, made: Any) -> dict[str, Any]:
        """Its merges."""
        import json

        return digest([tuple(pair) for pair in json.loads(made.to_str())["model"]["merges"]])


class Tiktoken(Bpe):
    """tiktoken's batch of lists; ours is tiktoken, too, in larger pieces and into arrays."""

    packages = ("tiktoken",)

    def prepare(self) -> None:
        """Our merges in its form."""
        import tiktoken

        tokenizer = self.our_merges()
        size = tokenizer.vocab_size - 1
        ranks = {tokenizer.token_bytes(index): index for index in range(size)}
        self.encoding = tiktoken.Encoding(
            "bench", pat_str=SPLIT_PATTERN, mergeable_ranks=ranks, special_tokens={END_OF_TEXT: size}
        )

    def encode(self) -> Any:
        """All texts, on all threads."""
        return self.encoding.encode_ordinary_batch(self.texts, num_threads=os.cpu_count() or 1)


class Sentencepiece(Bpe):
    """sentencepiece's BPE with bytes to fall back on, all text and all characters used."""

    packages = ("sentencepiece",)

    def prepare(self) -> None:
        """It reads from a file of lines."""
        import sentencepiece

        self.module, self.folder = sentencepiece, tempfile.mkdtemp(prefix="slm_bench_")
        self.file = Path(self.folder) / "text.txt"
        self.file.write_text("\n".join(self.texts), encoding="utf-8")
        if self.work["task"] == "encode":
            self.model = self.learn()

    def learn(self) -> Any:
        """Its trainer."""
        prefix = Path(self.folder) / "model"
        self.module.SentencePieceTrainer.train(
            input=str(self.file),
            model_prefix=str(prefix),
            vocab_size=self.work["vocab_size"],
            model_type="bpe",
            byte_fallback=True,
            character_coverage=1.0,
            max_sentence_length=10**6,
            input_sentence_size=0,
            minloglevel=2,
        )
        return self.module.SentencePieceProcessor(model_file=f"{prefix}.model")

    def encode(self) -> Any:
        """All texts, on all threads."""
        return self.model.encode(self.texts, num_threads=os.cpu_count() or 1)

    def learned(self, made: Any) -> dict[str, Any]:
        """How many bytes a token of its own stands for."""
        tokens = sum(map(len, made.encode(self.sample)))
        return {"result": "", "bytes_per_token": byte_count(self.sample) / tokens}

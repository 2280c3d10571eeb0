"""Small tokenizers laid out as published ones: the same normaliser, split, decoder and added tokens, few merges."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

from slmlib.storyworld import stories

STORIES = [story.text for story in stories(0, 60)]
TEXTS = [
    *STORIES,
    "def f(x):\n    return x\n\n\n        done 2024 10,000 naïve café 漢字 🦊 it's WE'LL \r\n\t x",
]

ODD_TEXTS = [
    "",
    " ",
    "  two  spaces ",
    "line\n\n\nline\r\n\ttab",
    "naïve café – “quotes” 🦊🦊 漢字 ١٢٣ ½",
    "it's they'll WE'VE I'm 'tis",
    "3,000.50 dollars!!! ...? 1234567",
    "\u00a0\u2003\u3000 x\u200b\u0301 e\u0301",
    "<0x41> ▁ Ġ",
    "    x        y\t\t\tz",
    "<tool_call>|||EMAIL_ADDRESS|||x",
    "\x00\x1c\x85\U0010ffff",
]

GPT4_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Layout:
    """A tokenizer.json, what tokenizer_config.json and config.json say beside it, and the marks they mean."""

    rules: dict[str, Any]
    tokenizer_config: dict[str, Any]
    begin: str
    end: str

    def write(self, folder: Path) -> Path:
        """The tokenizer's files."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(self.rules))
        (folder / "tokenizer_config.json").write_text(json.dumps(self.tokenizer_config))
        return folder


def byte_level(tokenizer: Tokenizer, vocab_size: int, first: list[str]) -> None:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=vocab_size, special_tokens=first, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.decoder = decoders.ByteLevel()


def pythia() -> Layout:
    """GPT-NeoX: NFC, marks before the bytes, runs of spaces as added tokens that are not special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level(tokenizer, 420, ["<|endoftext|>", "<|padding|>"])
    tokenizer.add_tokens([AddedToken(" " * width, normalized=True) for width in range(24, 1, -1)])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False)
    marks = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    return finished(tokenizer, "GPTNeoXTokenizerFast", "<|endoftext|>", "<|endoftext|>", **marks)


def olmo() -> Layout:
    """OLMo: as Pythia, end-of-text and many tokens for private data at the end, no token that begins a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level(tokenizer, 400, ["|||IP_ADDRESS|||", "<|padding|>"])
    tokenizer.add_tokens([AddedToken("    "), AddedToken("|||EMAIL_ADDRESS|||", normalized=False)])
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return finished(
        tokenizer, "GPTNeoXTokenizerFast", "<|endoftext|>", "<|endoftext|>", eos_token="<|endoftext|>"
    )


def phi() -> Layout:
    """Phi-1.5 and 2: GPT-2's, with runs of spaces and tabs as added tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level(tokenizer, 400, [])
    tokenizer.add_special_tokens(["<|endoftext|>"])
    runs = [" " * width for width in range(31, 1, -1)] + ["\t" * width for width in range(9, 1, -1)]
    tokenizer.add_tokens([AddedToken(run, normalized=False) for run in runs])
    marks = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    return finished(tokenizer, "CodeGenTokenizer", "<|endoftext|>", "<|endoftext|>", **marks)


def llama3() -> Layout:
    """Llama 3: tiktoken's way, up to three digits together, whole words before merges, two marks."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(GPT4_SPLIT.replace("DIGITS", "1,3")), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    byte_level(tokenizer, 420, [])
    tokenizer.add_special_tokens(
        ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|eot_id|>"]
    )
    begin = "<|begin_of_text|>"
    template = processors.TemplateProcessing(
        single=f"{begin} $A",
        pair=f"{begin} $A {begin}:1 $B:1",
        special_tokens=[(begin, tokenizer.token_to_id(begin))],
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return finished(
        tokenizer,
        "PreTrainedTokenizerFast",
        begin,
        "<|end_of_text|>",
        bos_token=begin,
        eos_token="<|end_of_text|>",
    )


def qwen2() -> Layout:
    """Qwen 1.5, 2 and 3: NFC, one digit at a time, no token that begins a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(GPT4_SPLIT.replace("{DIGITS}", "")), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    byte_level(tokenizer, 420, [])
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False)])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False)
    return finished(
        tokenizer,
        "Qwen2Tokenizer",
        "<|endoftext|>",
        "<|endoftext|>",
        bos_token=None,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
    )


def starcoder() -> Layout:
    """StarCoder and SmolLM: digits cut out first, then GPT-2's split."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    byte_level(tokenizer, 420, ["<|endoftext|>", "<fim_prefix>"])
    return finished(
        tokenizer,
        "PreTrainedTokenizerFast",
        "<|endoftext|>",
        "<|endoftext|>",
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    )


def sentencepiece(tokenizer: Tokenizer) -> dict[str, Any]:
    """Llama's vocabulary: three marks, 256 bytes, then characters and their merges."""
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    first = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))]
    # The first 20 stories only: later characters must fall back to bytes. "▁▁" lets runs of spaces be tokens.
    trainer = BpeTrainer(vocab_size=480, special_tokens=first, max_token_length=8, show_progress=False)
    tokenizer.train_from_iterator([text.replace("\n", " ") for text in STORIES[:20]] + ["    x"] * 9, trainer)
    rules = json.loads(tokenizer.to_str())
    for token in rules["added_tokens"]:
        token["normalized"] = False
    rules["added_tokens"] = rules["added_tokens"][:3]
    rules["model"] |= {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    return rules


def llama2() -> Layout:
    """Llama 1 and 2, TinyLlama, Phi-3: SentencePiece's BPE, no pre-tokeniser, a space put in front."""
    rules = sentencepiece(Tokenizer(models.BPE()))
    tokenizer = Tokenizer.from_str(json.dumps(rules))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    marks = dict(bos_token=dict(content="<s>", __type="AddedToken"), eos_token="</s>", unk_token="<unk>")
    return finished(tokenizer, "PreTrainedTokenizerFast", "<s>", "</s>", **marks)


def mistral() -> Layout:
    """Mistral and newer conversions: the space is put in front by Metaspace, of the first piece only."""
    rules = sentencepiece(Tokenizer(models.BPE())) | {"normalizer": None}
    tokenizer = Tokenizer.from_str(json.dumps(rules))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return finished(
        tokenizer, "LlamaTokenizer", "<s>", "</s>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def finished(tokenizer: Tokenizer, kind: str, begin: str, end: str, **marks: Any) -> Layout:
    """The layout of a tokenizer whose parts are all set."""
    return Layout(json.loads(tokenizer.to_str()), {"tokenizer_class": kind} | marks, begin, end)


LAYOUTS = {
    make.__name__: cache(make) for make in (pythia, olmo, phi, llama3, qwen2, starcoder, llama2, mistral)
}

"""Generation: one prompt, 200 new tokens, always the likeliest, one thread. Equal weights must write equal tokens."""

import copy
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import peers, sizes
from benchmarks.peers.harness import Contestant, Row, Unavailable
from slmlib.config import ModelConfig, Sampling
from slmlib.export.llama2c import write_llama2c
from slmlib.generation import generate_tokens
from slmlib.model.decoder import Decoder
from slmlib.text.bpe import NUM_BYTES
from slmlib.text.tokenizer import Tokenizer

PROMPT = [1, 2, 3]
NAMES = (
    *("slmlib", "slmlib bf16", "slmlib own shape", "slmlib sampling", "slmlib llama shape"),
    *("transformers", "litgpt", "nanogpt", "llama2c"),
)
ALONE = ("slmlib own shape", "slmlib sampling", "slmlib llama shape", "litgpt")
"""Another model, or drawn instead of the likeliest: there is nothing to compare with."""

ROWS = [
    Row(
        f"generation/{name}",
        f"generation on the CPU, {name}: batch 1, 200 tokens, one thread",
        "tokens/s",
        NAMES,
        ("slmlib", "slmlib bf16", "slmlib llama shape"),
        dict(sizes=size, new_tokens=200, texts=texts),
        turns=turns,
        threads=1,
    )
    for name, size, turns, texts in (("S", sizes.SMALL, 5, 4), ("M", sizes.MEDIUM, 3, 1))
]
QUICK = Row(
    "generation/quick",
    "a model of nothing, to try the machinery",
    "tokens/s",
    ("slmlib", "transformers", "nanogpt"),
    work=dict(sizes=sizes.QUICK, new_tokens=20, texts=1),
    turns=2,
    threads=1,
)


def differs(name: str, outcome: list[int], expected: list[int]) -> str:
    """Whether other tokens were written. bfloat16 may leave the path at some point, where two are almost equal."""
    if name in ALONE or name == "llama2c":
        return ""
    same = sum(map(int.__eq__, outcome, expected)) / len(expected)
    enough = 0.5 if name == "slmlib bf16" else 1.0
    return "" if same >= enough else f"only {same:.0%} of the tokens are those that were expected"


def build(name: str, work: dict[str, Any], checkouts: dict[str, str]) -> Contestant:
    """The contestant of that name, warmed up."""
    torch.set_num_threads(1)
    if name == "llama2c":
        return Llama2c(work, checkouts.get("llama2c"))
    contestant = Writer(name, work, checkouts)
    contestant.turn()
    return contestant


class Writer(Contestant):
    """Anything in Python that continues a prompt."""

    def __init__(self, name: str, work: dict[str, Any], checkouts: dict[str, str]):
        self.work, peer = work, name.split(" ")[0]
        self.packages = ("torch", *({peer} & {"transformers", "litgpt"}))
        size = work["sizes"]
        make: dict[str, Callable[[], Any]] = {
            "slmlib own shape": lambda: Decoder(ModelConfig(**size, initialization="gpt2"), seed=0),
            "slmlib llama shape": lambda: llama(size),
            "slmlib bf16": lambda: copy.deepcopy(peers.ours(size)).bfloat16(),
            "transformers": lambda: peers.transformers_model(size),
            "nanogpt": lambda: peers.nanogpt_model(size, checkouts.get("nanogpt")),
            "litgpt": lambda: peers.litgpt_model(size),
        }
        self.model = make.get(name, lambda: peers.ours(size))().eval()
        self.sampling = Sampling(
            max_tokens=work["new_tokens"], temperature=0.8 if name == "slmlib sampling" else 0.0
        )
        self.write = {
            "transformers": self.with_transformers,
            "nanogpt": self.with_nanogpt,
            "litgpt": self.with_litgpt,
        }.get(peer, self.with_slmlib)
        if name == "slmlib bf16":
            self.precision = "bfloat16"

    def turn(self) -> tuple[float, list[int]]:
        """Tokens a second in the fastest of some texts, reading the prompt included, and the tokens."""
        seconds = []
        for _ in range(self.work["texts"]):
            started = time.perf_counter()
            tokens = self.write()
            seconds.append(time.perf_counter() - started)
        return self.work["new_tokens"] / min(seconds), tokens

    def with_slmlib(self) -> list[int]:
        """Our loop, with its cache."""
        steps = list(generate_tokens(self.model, [PROMPT], self.sampling))
        return [int(token) for step in steps for token in step if token is not None]

    @torch.inference_mode()
    def with_transformers(self) -> list[int]:
        """`generate` with its default cache."""
        prompt, new = torch.tensor([PROMPT]), self.work["new_tokens"]
        written = self.model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            min_new_tokens=new,
            max_new_tokens=new,
            do_sample=False,
            pad_token_id=0,
        )
        return written[0, len(PROMPT) :].tolist()

    @torch.inference_mode()
    def with_nanogpt(self) -> list[int]:
        """`generate` as it is, without a cache; top_k 1 makes it take the likeliest."""
        written = self.model.generate(torch.tensor([PROMPT]), self.work["new_tokens"], top_k=1)
        return written[0, len(PROMPT) :].tolist()

    @torch.inference_mode()
    def with_litgpt(self) -> list[int]:
        """`litgpt.generate.base.generate` with its cache."""
        from litgpt.generate.base import generate

        total = len(PROMPT) + self.work["new_tokens"]
        self.model.max_seq_length = total
        self.model.set_kv_cache(batch_size=1)
        written = generate(self.model, torch.tensor(PROMPT), total, temperature=0.0, include_prompt=False)
        self.model.clear_kv_cache()
        return written.tolist()


class Llama2c(Contestant):
    """llama2.c's run.c, built with -Ofast for this very processor, on our model in its format. It says its own speed."""

    packages = ()
    COMMAND = ("./run", "model.bin", "-z", "tokenizer.bin", "-t", "1.0")

    def __init__(self, work: dict[str, Any], checkout: str | None):
        self.work, self.folder = work, Path(tempfile.mkdtemp(prefix="slm_bench_"))
        if checkout is None:
            raise Unavailable("not here: give a checkout with --peer llama2c=PATH")
        source = Path(checkout) / "run.c"
        command = ["gcc", "-Ofast", "-march=native", str(source), "-lm", "-o", str(self.folder / "run")]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise Unavailable("not here: gcc is missing") from None
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"gcc: {error.stderr.strip().splitlines()[-1]}") from None
        write_llama2c(self.folder, llama(work["sizes"]), any_tokenizer(work["sizes"]["vocab_size"]))

    def turn(self) -> tuple[float, None]:
        """Tokens a second as it prints them; a random model may say the mark of the beginning, which ends its story."""
        speeds = []
        for seed in range(1, 6):
            said = subprocess.run(
                [*self.COMMAND, "-s", str(seed), "-n", str(self.work["new_tokens"])],
                cwd=self.folder,
                capture_output=True,
                text=True,
                errors="replace",
            )
            speeds += [float(speed) for speed in re.findall(r"achieved tok/s: ([\d.]+)", said.stderr)]
        if not speeds:
            raise RuntimeError(f"llama2.c said no speed: {said.stderr[-200:]}")
        return sorted(speeds)[len(speeds) // 2], None


def llama(size: dict[str, int]) -> Decoder:
    """A Llama in that size, which llama2.c can run."""
    return Decoder(ModelConfig(**size, **sizes.LLAMA_SHAPE), seed=0)


def any_tokenizer(vocab_size: int) -> Tokenizer:
    """A tokenizer of that many tokens, for a model that has nothing to say: pairs of bytes."""
    pairs = ((first, second) for first in range(NUM_BYTES) for second in range(NUM_BYTES))
    return Tokenizer(tuple(pair for pair, _ in zip(pairs, range(vocab_size - NUM_BYTES - 1), strict=False)))

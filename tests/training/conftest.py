"""A tiny world to train in: stories of a few words, a tokenizer, two streams, a small model."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.model.decoder import Decoder
from slmlib.ranks import ALONE, Ranks
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import Checkpoint
from slmlib.training.trainer import Trainer

CPU = Device("cpu", "test", "float32", "tests compare numbers")


def tiny_stories(seed: int, count: int = 200) -> list[str]:
    random = np.random.default_rng(seed)
    people, verbs, things = (
        ["Tom", "Ana", "Mia", "Ben"],
        ["saw", "had", "took"],
        ["a cat", "a red ball", "the sun"],
    )
    return [
        " ".join(f"{random.choice(people)} {random.choice(verbs)} {random.choice(things)}." for _ in range(6))
        for _ in range(count)
    ]


@dataclass(frozen=True)
class World:
    folder: Path
    tokenizer: Tokenizer
    train: TokenStream
    valid: TokenStream
    model_config: ModelConfig

    def config(self, **changes) -> TrainConfig:
        values = dict(
            total_steps=12,
            batch_size=4,
            evaluations=3,
            checkpoints=4,
            keep_checkpoints=20,
            threads=1,
            dtype="float32",
            device="cpu",
            learning_rate=1e-2,
        )
        return TrainConfig(**values | changes)

    def trainer(
        self,
        name: str,
        resume: Checkpoint | None = None,
        observers=(),
        model: Decoder | None = None,
        ranks: Ranks = ALONE,
        deadline: float = math.inf,
        **changes,
    ) -> Trainer:
        if model is None:
            model = resume.model if resume else Decoder(self.model_config, seed=0)
        return Trainer(
            model,
            self.tokenizer,
            self.train,
            self.valid,
            self.config(**changes),
            CPU,
            self.folder / name,
            resume=resume,
            deadline=deadline,
            observers=observers,
            ranks=ranks,
        )


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("world")
    tokenizer = Tokenizer.train(tiny_stories(0), 280)
    return World(
        folder,
        tokenizer,
        TokenStream.write(folder / "train.bin", tiny_stories(0), tokenizer, corpus_name="tiny"),
        TokenStream.write(folder / "valid.bin", tiny_stories(1, 20), tokenizer, corpus_name="tiny"),
        ModelConfig(vocab_size=280, context_length=16, embed_dim=16, num_layers=2, num_heads=2, dropout=0.1),
    )


@pytest.fixture
def world(shared_world, tmp_path) -> World:
    """The shared streams, and an empty folder for this test's runs."""
    return World(
        tmp_path, shared_world.tokenizer, shared_world.train, shared_world.valid, shared_world.model_config
    )

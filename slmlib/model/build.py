"""From a config to its model."""

from typing import Any

from slmlib.config import LanguageModelConfig, MambaConfig, ModelConfig
from slmlib.errors import ConfigError
from slmlib.model.decoder import Decoder
from slmlib.model.language_model import LanguageModel
from slmlib.model.mamba import Mamba

MODELS: dict[str, tuple[type[LanguageModelConfig], type[LanguageModel]]] = {
    ModelConfig.kind: (ModelConfig, Decoder),
    MambaConfig.kind: (MambaConfig, Mamba),
}
"""Kind -> config and model, of all that can be trained and saved."""


def build_model(config: LanguageModelConfig, seed: int | None = None) -> LanguageModel:
    """The model of that config, with its first weights; with a seed they are the same on every machine."""
    _, model = MODELS[config.kind]
    return model(config, seed)


def read_config(kind: str, values: dict[str, Any]) -> LanguageModelConfig:
    """The model config in a checkpoint's state; ConfigError for a kind or values that slmlib does not have."""
    if kind not in MODELS:
        raise ConfigError(
            f"It is a model of kind {str(kind)[:40]!r}; this slmlib has {', '.join(MODELS)}.",
            "Use the version of slmlib that wrote it.",
        )
    config, _ = MODELS[kind]
    return config.from_dict(values)

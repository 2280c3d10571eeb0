"""Every number a run depends on, as frozen dataclasses: for the model, for the training, for telling stories.

A config is checked the moment it is made: first types and choices, then each value, then how they fit
together. All problems of such a stage are told at once, each with what was expected, what came, and the
likeliest fix; nothing is allocated before that. `to_dict` and `from_dict` are the only road to and from JSON.
"""

from slmlib.config.base import Config, LanguageModelConfig
from slmlib.config.encoder_decoder import EncoderDecoderConfig
from slmlib.config.mamba import MambaConfig
from slmlib.config.model import Activation, BlockKind, ModelConfig, Norm, Position
from slmlib.config.training import DeviceType, DType, Sampling, Schedule, TrainConfig

__all__ = [
    "Activation",
    "BlockKind",
    "Config",
    "DType",
    "DeviceType",
    "EncoderDecoderConfig",
    "LanguageModelConfig",
    "MambaConfig",
    "ModelConfig",
    "Norm",
    "Position",
    "Sampling",
    "Schedule",
    "TrainConfig",
]

"""Published models as rows of data: the same Decoder with other switches, and a few models of other kinds."""

from difflib import get_close_matches

from slmlib.config import ModelConfig
from slmlib.errors import ConfigError
from slmlib.model.houses import beyond, chinese, eleuther, laboratories, llama, openai
from slmlib.model.houses.row import Family

CATALOG: dict[str, Family] = (
    openai.ROWS | eleuther.ROWS | llama.ROWS | chinese.ROWS | laboratories.ROWS | beyond.ROWS
)
"""Name -> row. Names are the usual ones on the Hub, in lower case."""

FAMILIES: dict[str, ModelConfig] = {
    name: row.config for name, row in CATALOG.items() if isinstance(row.config, ModelConfig)
}
"""Name -> config, of those that are a Decoder."""


def family(name: str) -> ModelConfig:
    """The config of a published decoder; ConfigError names those that sound alike, or says that it is none."""
    row = catalogued(name)
    if not isinstance(row.config, ModelConfig):
        raise ConfigError(f"{row.title} is no decoder.", f"catalogued({name!r}).config is its shape.")
    return row.config


def catalogued(name: str) -> Family:
    """The whole row of a published model; ConfigError names those that sound alike."""
    name = name if name in CATALOG else name.lower()
    if name not in CATALOG:
        alike = get_close_matches(name, CATALOG, n=4)
        raise ConfigError(
            f"There is no family {name!r}.",
            (f"Did you mean {' or '.join(alike)}? " if alike else "")
            + "`python -m slmlib families` lists them all.",
        )
    return CATALOG[name]

"""Models that are no decoder of attention blocks: Mamba and T5."""

from slmlib.config import EncoderDecoderConfig, MambaConfig
from slmlib.model.houses.row import Family

_MAMBA_NEW = "no attention: a memory of fixed size that chooses what to keep"
_MAMBA_PAPER = "Gu and Dao 2023, arXiv 2312.00752, and the files of state-spaces on the Hub"
_T5_NEW = "every task is text to text: an encoder reads it, a decoder answers"
_T5_PAPER = "Raffel et al. 2020, arXiv 1910.10683"

ROWS = {
    **{
        f"mamba-{name}": Family(
            f"Mamba {name[:-1]}{name[-1].upper()}",
            2023,
            _MAMBA_NEW,
            _MAMBA_PAPER,
            MambaConfig(50280, context_length=2048, embed_dim=embed_dim, num_layers=num_layers),
        )
        for name, num_layers, embed_dim in (
            ("130m", 24, 768),
            ("370m", 48, 1024),
            ("790m", 48, 1536),
            ("1.4b", 48, 2048),
            ("2.8b", 64, 2560),
        )
    },
    **{
        name: Family(
            title,
            2019,
            _T5_NEW,
            _T5_PAPER,
            EncoderDecoderConfig(32128, 512, *sizes, head_dim=64, ffn_dim=ffn_dim),
        )
        for name, title, sizes, ffn_dim in (
            ("t5-small", "T5 small", (512, 6, 8), 2048),
            ("t5-base", "T5 base", (768, 12, 12), 3072),
        )
    },
    "chatlm-mini-chinese": Family(
        "ChatLM-mini-Chinese",
        2023,
        "a T5 that chats in Chinese, made from nothing by one person",
        "github.com/charent/ChatLM-mini-Chinese",
        EncoderDecoderConfig(29298, 512, 768, num_layers=10, num_heads=12, head_dim=64, ffn_dim=3072),
    ),
}
"""Name -> row."""

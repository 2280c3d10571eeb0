"""TinyStories (Eldan and Li 2023) from the Hugging Face Hub, kept on this machine as text files.

Only as many stories as are needed are streamed, once; from then on no network is used.
"""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from slmlib.errors import DataError, SlmError, first_line
from slmlib.files import home, person_expanded, remove_leftovers
from slmlib.text.cleaning import VALID_BYTES
from slmlib.text.progress import story_bar
from slmlib.text.textfiles import TextFiles, limited, write_stories

DATASET = "roneneldan/TinyStories"
_TRUE = {"1", "ON", "YES", "TRUE"}
_RETRIES = 2
_RETRY_SECONDS = 5


class TinyStories:
    """TinyStories as a source of stories; downloaded when the first story is asked for.

    max_bytes: how much training text is needed, None for all of it (1.9 GB). The validation split is its
    first megabyte.
    """

    def __init__(self, max_bytes: int | None = None, *, progress: bool = False):
        self.max_bytes, self.progress = max_bytes, progress

    def train(self) -> Iterator[str]:
        """The training stories, as published."""
        return self._files().train()

    def valid(self) -> Iterator[str] | None:
        """The validation stories, as published."""
        return self._files().valid()

    def fingerprint(self) -> str:
        """SHA-256 of the stories."""
        return self._files().fingerprint()

    def num_bytes(self) -> int | None:
        """How much text there is, end-of-text lines included."""
        return self._files().num_bytes()

    def cached(self) -> Path | None:
        """The folder that already has enough stories, None if there is none."""
        wanted = float("inf") if self.max_bytes is None else self.max_bytes
        sizes = {}
        for folder in (home() / "corpora").glob("tinystories-*"):
            size = folder.name.removeprefix("tinystories-")
            if (folder / "train.txt").exists() and (size == "all" or size.isdecimal()):
                sizes[folder] = float("inf") if size == "all" else float(size)
        return min(
            (folder for folder in sizes if sizes[folder] >= wanted), key=sizes.__getitem__, default=None
        )

    def _files(self) -> TextFiles:
        return TextFiles.find(self.cached() or self._download())

    def _download(self) -> Path:
        """Fetch both splits. The training file comes last: once it is there, the folder is complete."""
        folder = home() / "corpora" / f"tinystories-{self.max_bytes or 'all'}"
        refusal = hub_refusal()
        if refusal and not in_datasets_cache():
            raise DataError(
                f"TinyStories is not on this machine and {refusal}.",
                "Try again later, with a network, or set SLM_CORPUS to a .txt file of stories.",
            )
        for other in folder.parent.glob("tinystories-*"):
            remove_leftovers(other)
        for split, name, size in (("validation", "valid", VALID_BYTES), ("train", "train", self.max_bytes)):
            stories = _published(split, streaming=not refusal)
            bar = story_bar(limited(stories, size), f"TinyStories {name}", size, self.progress)
            write_stories(folder / f"{name}.txt", bar)
        return folder


def hub_refusal(timeout: float = 3.0) -> str:
    """Why the Hub (HF_ENDPOINT) does not serve TinyStories now, as half a sentence; "" when it does.

    It is not even asked if HF_HUB_OFFLINE says so. timeout: seconds.
    """
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(name, "").upper() in _TRUE:
            return f"{name} says not to ask the Hugging Face Hub"
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/") + f"/api/datasets/{DATASET}"
    answers: list[str] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(address, timeout=timeout):
                answers.append("")
        except urllib.error.HTTPError as answer:
            answers.append(f"the Hugging Face Hub answered {answer.code} ({_phrase(answer.code)})")
            answer.close()
        except (OSError, ValueError, HTTPException):  # no network, no such name, no address, not a web server
            return

    # The look-up of a name has no time-out of its own, so the question runs beside us.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return answers[0] if answers else "the Hugging Face Hub does not answer"


def _phrase(status: int) -> str:
    """What a status of HTTP means: `too many requests` for 429."""
    return HTTPStatus(status).phrase.lower() if status in set(HTTPStatus) else "no known status"


def in_datasets_cache() -> bool:
    """Whether the `datasets` library has stored all of TinyStories on this machine before."""
    hub_home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    folder = person_expanded(os.environ.get("HF_DATASETS_CACHE", f"{hub_home}/datasets"))
    finished = folder.glob("roneneldan___tiny*stories/**/dataset_info.json")
    return any(path.parent.suffix != ".incomplete" for path in finished)  # as it is named while it is made


def _published(split: str, streaming: bool) -> Iterator[str]:
    """The stories of one published split. Whatever goes wrong underneath becomes one sentence."""
    try:
        import datasets

        # The Hub's client below asks six times by itself; twenty times that would look like a hang for half an hour.
        for kind in ("READ", "OPEN"):
            setattr(datasets.config, f"STREAMING_{kind}_MAX_RETRIES", _RETRIES)
            setattr(datasets.config, f"STREAMING_{kind}_RETRY_INTERVAL", _RETRY_SECONDS)
        for row in datasets.load_dataset(DATASET, split=split, streaming=streaming):
            yield row["text"]
    except SlmError:
        raise
    except Exception as error:
        raise DataError(
            f"TinyStories could not be downloaded ({type(error).__name__}: {first_line(error)}).",
            "Try again, or set SLM_CORPUS to a .txt file of stories.",
        ) from error

"""From a corpus to what training needs, in one call: stories -> clean -> split -> tokenizer -> token streams.

The result is kept under a name made of everything that decides it, so a second call only checks and opens it.
"""

import hashlib
import json
import os
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from slmlib.errors import DataError, SlmError
from slmlib.files import (
    atomic_write,
    explain_os_errors,
    flush_folder,
    home,
    read_json,
    remove_leftovers,
    write_json,
)
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.cleaning import Cleaner, CleaningReport, Split
from slmlib.text.corpus import Corpus, open_corpus
from slmlib.text.imported_tokenizer import load_tokenizer
from slmlib.text.near_duplicates import NearDuplicates
from slmlib.text.progress import story_bar
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import as_record, read_stories
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer

# Part of the name under which results are kept: count it up when cleaning, splitting or a format changes.
_RECIPE = 1
_SPLITS: tuple[Split, ...] = ("train", "valid")


@dataclass(frozen=True)
class PreparedData:
    """A tokenizer and two token streams made with it.

    corpus_name, corpus_why: which stories these are, and why this corpus was chosen now. report: what cleaning
    did. folder: holds tokenizer.json, the streams, and the cleaned stories as train.txt and valid.txt.
    """

    tokenizer: BaseTokenizer
    train: TokenStream
    valid: TokenStream
    corpus_name: str
    corpus_why: str
    report: CleaningReport
    folder: Path


def prepare(
    source: str = "auto",
    *,
    vocab_size: int = 4096,
    max_bytes: int | None = None,
    max_storyworld_bytes: int | None = None,
    tokenizer: BaseTokenizer | None = None,
    folder: Path | str | None = None,
    near_duplicates: float = 0.0,
    progress: bool = True,
) -> PreparedData:
    """Make ready a corpus for training, or open what an earlier call made.

    source, max_bytes, max_storyworld_bytes: see `slmlib.text.corpus.open_corpus`. tokenizer: use this one instead of
    learning one of `vocab_size` tokens from the training stories (vocab_size is then ignored). folder: where results
    are kept, `home()/data` unless given. near_duplicates: also remove stories at least this similar to an earlier
    one (0.8 is usual, see `slmlib.text.near_duplicates`); 0 keeps them.

    Raises DataError when there is no usable corpus, or too little of it to train and validate on.
    """
    corpus = open_corpus(
        source, max_bytes=max_bytes, max_storyworld_bytes=max_storyworld_bytes, progress=progress
    )
    everything = [_RECIPE, corpus.fingerprint, tokenizer.fingerprint if tokenizer else vocab_size]
    near = NearDuplicates(near_duplicates) if near_duplicates else None
    if near is not None:
        everything.append(near.threshold)
    key = hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:16]
    parent = Path(folder) if folder else home() / "data"
    target = parent / key
    with explain_os_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
    with suppress(SlmError):  # not there, or damaged: it can be made again from the corpus
        return _open(target, corpus)

    remove_leftovers(parent)
    building, damaged = (parent / f".{key}{end}.{os.getpid()}.tmp" for end in ("", "-damaged"))
    try:
        _build(building, corpus, vocab_size, tokenizer, near, progress)
        # Another process may have made the same meanwhile, and be reading it.
        with suppress(SlmError):
            return _open(target, corpus)
        with explain_os_errors(target):
            _put(building, target, damaged, corpus)
    finally:
        for rest in (building, damaged):
            shutil.rmtree(rest, ignore_errors=True)
    return _open(target, corpus)


def _put(made: Path, target: Path, aside: Path, corpus: Corpus) -> None:
    """Give a folder its name. What is damaged there goes aside; what another process puts there first stays."""
    try:
        os.replace(made, target)  # fails where a folder with something in it is
    except OSError:
        with suppress(SlmError):
            _open(target, corpus)
            return
        shutil.rmtree(aside, ignore_errors=True)  # of a killed process that had our id
        os.replace(target, aside)  # in one moment, which removing is not
        os.replace(made, target)
    flush_folder(target.parent)


def _open(folder: Path, corpus: Corpus) -> PreparedData:
    """What an earlier call made, checked. SlmError when anything is missing or damaged."""
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    train, valid = (TokenStream.open(folder / name, tokenizer) for name in ("train.bin", "valid.bin"))
    for stream in (train, valid):  # it may have been made from the same text under another name
        stream.info = replace(stream.info, corpus_name=corpus.name)
    return PreparedData(
        tokenizer=tokenizer,
        train=train,
        valid=valid,
        corpus_name=corpus.name,
        corpus_why=corpus.why,
        report=CleaningReport.from_dict(read_json(folder / "report.json")),
        folder=folder,
    )


def _build(
    folder: Path,
    corpus: Corpus,
    vocab_size: int,
    tokenizer: BaseTokenizer | None,
    near: NearDuplicates | None,
    progress: bool,
) -> None:
    """Make everything in a folder that is not in use yet."""
    report = clean_into(folder, corpus, near, progress)
    if report.train_stories == 0:
        raise DataError(
            f"Of {report.stories_in} stories in {corpus.name}, cleaning left none for train.",
            f"Use more stories; they are divided by {END_OF_TEXT} lines.",
        )
    if report.valid_stories == 0:
        raise DataError(
            f"Of {report.stories_in} stories in {corpus.name}, none is left for validation, for which about one in "
            "twenty is set aside.",
            f"Use 100 stories or more, divided by {END_OF_TEXT} lines, or a folder with a train.txt and a valid.txt.",
        )
    texts = {split: folder / f"{split}.txt" for split in _SPLITS}
    if tokenizer is None:
        words = story_bar(read_stories(texts["train"]), "counting words", report.train_bytes, progress)
        tokenizer = Tokenizer.train(words, vocab_size, progress=progress)
    tokenizer.save(folder / "tokenizer.json")
    sizes = {"train": report.train_bytes, "valid": report.valid_bytes}
    for split, path in texts.items():
        TokenStream.write(
            path.with_suffix(".bin"),
            read_stories(path),
            tokenizer,
            corpus_name=corpus.name,
            expected_bytes=sizes[split],
            progress=progress,
        )
    write_json(folder / "report.json", report.to_dict())


def clean_into(
    folder: Path, corpus: Corpus, near: NearDuplicates | None = None, progress: bool = True
) -> CleaningReport:
    """Write the cleaned stories of both splits as train.txt and valid.txt; they need not fit into memory."""
    cleaner = Cleaner(near)
    with ExitStack() as stack:
        files = {split: stack.enter_context(atomic_write(folder / f"{split}.txt")) for split in _SPLITS}
        train = story_bar(corpus.train(), f"cleaning {corpus.name}", corpus.expected_bytes, progress)
        for split, story in cleaner.split(train, corpus.valid()):
            files[split].write(as_record(story))
    return cleaner.report

"""One progress bar for everything that goes through stories one by one."""

from collections.abc import Iterable, Iterator

from tqdm import tqdm


def story_bar(stories: Iterable[str], label: str, num_bytes: int | None, progress: bool) -> Iterator[str]:
    """Pass stories on and show how far they are; with the time left when `num_bytes` says how much will come."""
    with tqdm(None, label, num_bytes, unit="B", unit_scale=True, disable=not progress) as bar:
        for story in stories:
            yield story
            bar.update(len(story.encode("utf-8", "surrogatepass")))
        bar.total = bar.n  # num_bytes was a guess: what stands between stories is no story
        bar.refresh()

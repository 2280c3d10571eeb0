"""TinyStories through the real `datasets` client, from a Hub on this machine that has every fault in turn.

The client reads its settings when it is imported, so each world, online and offline, is a process of its own.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.text.standin_hub import DATASET, FAULTS, standin_hub, stories

# Waiting is recorded instead of done: what matters is that it ends.
PROLOGUE = """
import json, os, sys, time, urllib.request
waited = []
time.sleep = waited.append
from slmlib.errors import SlmError
from slmlib.files import home
from slmlib.text import tinystories
from slmlib.text.corpus import open_corpus
folder = sys.argv[1]

def outcome(source, max_bytes):
    del waited[:]
    try:
        corpus = open_corpus(source, max_bytes=max_bytes)
        told = {"name": corpus.name, "why": corpus.why}
        if corpus.name == "TinyStories":
            told |= {"train": list(corpus.train()), "valid": list(corpus.valid())}
    except SlmError as error:
        told = {"error": str(error)}
    files = [str(path.relative_to(home())) for path in home().rglob("*") if path.is_file()]
    return told | {"files": sorted(files), "waited": sum(waited)}
"""
ONLINE = """
import datasets, huggingface_hub
results = {}
for fault in json.loads(sys.argv[2]):
    # Seconds of patience: few for a Hub that will not answer, many for one that does, on however busy a machine.
    huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT = 0.1 if fault == "data-stall" else 30
    tinystories.hub_refusal.__defaults__ = (0.5 if fault == "stall" else 30.0,)
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/fault/" + fault).close()
    for source in ("auto",) if "data" in fault else ("auto", "tinystories"):
        os.environ["SLM_HOME"] = f"{folder}/{fault}-{source}"
        results[f"{fault}-{source}"] = outcome(source, 500)
urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/fault/none").close()
for split in ("train", "validation"):
    datasets.load_dataset("roneneldan/TinyStories", split=split)
print(json.dumps(results))
"""
OFFLINE = """
results = {}
for name, max_bytes in (("none-tinystories", 500), ("none-tinystories", 10_000), ("new", 500)):
    os.environ["SLM_HOME"] = f"{folder}/{name}"
    results[f"{name}-{max_bytes}"] = outcome("auto", max_bytes)
print(json.dumps(results))
"""


def in_a_process(script: str, address: str, folder, *arguments: str, **variables: str) -> dict:
    hidden = ("_proxy", "slm_corpus", "hf_")
    environment = {
        name: value for name, value in os.environ.items() if not any(word in name.lower() for word in hidden)
    }
    environment |= {
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "huggingface"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-c", PROLOGUE + script, str(folder), *arguments]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def online(tmp_path_factory):
    """What came of every fault, and then, with no Hub at all, of what was stored before."""
    folder = tmp_path_factory.mktemp("hub")
    with standin_hub() as hub:
        results = in_a_process(ONLINE, hub.address, folder, json.dumps(FAULTS))
        asked = len(hub.asked)
        offline = in_a_process(OFFLINE, hub.address, folder, HF_HUB_OFFLINE="1")
        assert len(hub.asked) == asked, "offline means not even asking"
    return results | offline


def first_stories(count: int) -> list[str]:
    return stories("train")[:count]


@pytest.mark.parametrize("source", ["auto", "tinystories"])
def test_a_good_hub_gives_the_stories_and_they_are_kept(online, source):
    found = online[f"none-{source}"]
    assert found["name"] == "TinyStories"
    assert found["train"] == first_stories(len(found["train"]))
    assert 400 < sum(map(len, found["train"])) <= 500
    assert found["valid"] == stories("validation")
    assert found["files"] == [f"corpora/tinystories-500/{name}.txt" for name in ("train", "valid")]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("404", "answered 404 (not found)"),
        ("429", "answered 429 (too many requests)"),
        ("stall", "does not answer"),
    ],
)
def test_a_hub_that_refuses_means_storyworld_for_auto_only_and_its_answer_is_told(online, fault, told):
    found = online[f"{fault}-auto"]
    assert found["name"] == "StoryWorld"
    assert f"the Hugging Face Hub {told}. To get TinyStories later" in found["why"]
    asked_for = online[f"{fault}-tinystories"]
    assert f"TinyStories is not on this machine and the Hugging Face Hub {told}." in asked_for["error"]
    assert found["files"] == asked_for["files"] == []


@pytest.mark.parametrize("fault", ["data-404", "data-429", "data-stall", "data-cut", "data-short"])
def test_a_download_that_fails_is_one_sentence_and_leaves_nothing_half_written(online, fault):
    """No other source is tried in silence: the person was told that it would be TinyStories."""
    found = online[f"{fault}-auto"]
    assert "TinyStories could not be downloaded" in found["error"]
    assert "Try again, or set SLM_CORPUS" in found["error"]
    assert "\n" not in found["error"]
    assert found["files"] == []


def test_it_tries_again_but_not_for_ever(online):
    waits = {name: result["waited"] for name, result in online.items()}
    assert waits["data-429-auto"] > 0
    assert max(waits.values()) < 200, waits


def test_offline_it_is_read_from_where_it_is_stored(online):
    own, larger, elsewhere = (
        online[name] for name in ("none-tinystories-500", "none-tinystories-10000", "new-500")
    )
    assert own["train"] == online["none-tinystories"]["train"]
    assert "TinyStories is stored in" in own["why"]
    assert larger["train"] == stories(
        "train"
    )  # from the datasets library's own store, through the real client
    assert elsewhere["train"] == own["train"]
    assert "the datasets library has TinyStories stored" in elsewhere["why"]


def test_the_dataset_is_the_one_that_is_asked_for():
    from slmlib.text import tinystories

    assert tinystories.DATASET == DATASET

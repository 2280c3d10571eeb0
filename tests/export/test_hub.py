"""A model's name on the Hub: `import` through the real client, from a stand-in Hub on this machine."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from slmlib.export.folders import export_folder
from slmlib.export.vocabulary import from_hf_tokenizer
from slmlib.model.families import family
from slmlib.training.checkpoint import load_checkpoint
from tests.export.layouts import LAYOUTS
from tests.model.tiny import random_decoder, tiny
from tests.text.standin_hub import COMMIT, Answers, standin_hub

NAME = "someone/tiny-pythia"


def hub_of(folder: Path) -> type[Answers]:
    """Answers about one model, whose files lie in a folder; a fault is the name of a file that has gone."""

    class ModelAnswers(Answers):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/fault/"):
                return super().do_GET()
            self.server.asked.append(path)
            name = path.partition(f"/{NAME}/resolve/{COMMIT}/")[2]
            if path == f"/api/models/{NAME}/revision/main":
                siblings = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
                return self.say_json({"id": NAME, "sha": COMMIT, "siblings": siblings})
            if path == f"/api/models/{NAME}/tree/{COMMIT}":
                return self.say_json([self.about_file(file) for file in sorted(folder.iterdir())])
            if not name or name == self.server.fault or not (folder / name).is_file():
                return self.say(
                    404, headers={"X-Error-Code": "RepoNotFound" if not name else "EntryNotFound"}
                )
            return self.say_data((folder / name).read_bytes(), "none")

        do_HEAD = do_GET

        def say_json(self, content: object) -> None:
            self.say(200, json.dumps(content).encode())

        def about_file(self, file: Path) -> dict:
            content = file.read_bytes()
            return {
                "type": "file",
                "path": file.name,
                "size": len(content),
                "oid": hashlib.sha1(content).hexdigest(),
            }

    return ModelAnswers


# Three imports, the last one good: a file that has gone, a name that nobody has, the model.
SCRIPT = """
import os, sys, urllib.request
from slmlib.cli import main
folder, *imports = sys.argv[1:]
for one in imports:
    fault, name = one.split("=")
    if "HF_HUB_OFFLINE" not in os.environ:
        urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/fault/" + fault).close()
    try:
        main(["import", name, "--folder", f"{folder}/{fault}"])
    except SystemExit as end:
        print("refused", end.code)
"""


def imports(address: str, folder: Path, *names: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`import` in a process of its own: the client reads its settings when it is imported."""
    hidden = ("_proxy", "hf_")
    environment = {
        key: value for key, value in os.environ.items() if not any(word in key.lower() for word in hidden)
    }
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(folder / "huggingface"), "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(folder), *names]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, timeout=200)


def published_model():
    layout = LAYOUTS["pythia"]()
    model = random_decoder(tiny(family("pythia-160m")).change({"vocab_size": 512}))
    return model, from_hf_tokenizer(layout.rules, 512, layout.tokenizer_config)


@pytest.fixture
def published(tmp_path):
    """A folder as it lies on the Hub, with files that need not be downloaded."""
    folder = export_folder(tmp_path / "published", *published_model())
    for other in ("pytorch_model.bin", "README.md"):
        (folder / other).write_bytes(b"not needed")
    return folder


def test_a_name_on_the_hub_is_downloaded_and_kept(published, tmp_path):
    with standin_hub(hub_of(published)) as hub:
        done = imports(
            hub.address, tmp_path, f"model.safetensors={NAME}", "none=someone/nothing", f"none={NAME}"
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.splitlines()[:2] == ["refused 2", "refused 2"]
        gone, unknown = done.stderr.splitlines()
        assert f"Error: {NAME} could not be downloaded from the Hub" in gone
        assert "Error: someone/nothing could not be downloaded from the Hub" in unknown
        assert not (tmp_path / "model.safetensors").exists()
        fetched = {path.rpartition("/")[2] for path in hub.asked if "/resolve/" in path}
        assert fetched == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
        asked = len(hub.asked)
        again = imports(hub.address, tmp_path, f"offline={NAME}", HF_HUB_OFFLINE="1")
        assert again.returncode == 0, again.stderr[-2000:]
        assert len(hub.asked) == asked, "offline means not even asking"
    expected, tokenizer = published_model()
    for folder in ("none", "offline"):
        found = load_checkpoint(tmp_path / folder)
        assert all(
            torch.equal(t, found.model.state_dict()[name]) for name, t in expected.state_dict().items()
        )
        assert found.tokenizer == tokenizer

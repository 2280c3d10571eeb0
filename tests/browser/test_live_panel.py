"""A run watched in the browser: the panel moves while the cell is busy, and its button stops and saves."""

import nbformat
import pytest
from playwright.sync_api import expect

from slmlib.training.checkpoint import newest_checkpoint

RUN = """
import shutil
from pathlib import Path
from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.model.decoder import Decoder
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.trainer import Trainer
from slmlib.widgets import LivePanel

tokenizer, stories = Tokenizer(()), ["Tom saw a red cat. The cat saw Tom."] * 40
train, valid = (TokenStream.write(f"{name}.bin", stories, tokenizer) for name in ("train", "valid"))
model = Decoder(ModelConfig(tokenizer.vocab_size, context_length=16, embed_dim=16, num_layers=1), seed=0)
config = TrainConfig(total_steps=1_000_000, batch_size=2, dtype="float32", device="cpu", threads=1, checkpoints=2000)
folder = Path("watched")
shutil.rmtree(folder, ignore_errors=True)
device = Device("cpu", "test", "float32", "a test")
trainer = Trainer(model, tokenizer, train, valid, config, device, folder, observers=(LivePanel(folder, every=100),))
trainer.run()
print("came to step", trainer.step)
"""


@pytest.fixture
def watched(server, open_notebook):
    cells = [nbformat.v4.new_code_cell(RUN, id="run"), nbformat.v4.new_code_cell("1 + 1", id="next")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), server.root / "watched.ipynb")
    return open_notebook("watched.ipynb")


def test_the_panel_moves_and_the_button_saves(server, watched):
    cell = watched.run("run", wait=False)
    picture = cell.locator(".jp-OutputArea img")
    for _ in range(3):  # three different pictures, while the cell is busy
        expect(picture).to_be_visible()
        old = picture.get_attribute("src")
        expect(picture).not_to_have_attribute("src", old)
    assert "[*]" in cell.inner_text()

    button = cell.get_by_role("button", name="Stop and save")
    button.focus()
    watched.page.keyboard.press("Enter")
    expect(cell).to_contain_text("Stopped and saved.")
    expect(cell).to_contain_text("came to step")
    expect(button).to_have_count(0)
    assert watched.errors() == []

    step = int(cell.inner_text().split("came to step")[-1].split()[0].replace(",", ""))
    assert 0 < step < 1_000_000
    saved = newest_checkpoint(server.root / "watched" / "checkpoints")
    assert saved.progress.step == step


def test_interrupting_the_kernel_does_the_same(server, watched):
    cell = watched.run("run", wait=False)
    expect(cell.locator(".jp-OutputArea img")).to_be_visible()
    watched.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    expect(cell).to_contain_text("Stopped and saved.")
    assert watched.errors() == []

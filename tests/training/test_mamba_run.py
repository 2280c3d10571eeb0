"""Another kind of model goes the whole way: trained, saved, resumed, read back, told apart."""

import json

import pytest
import torch

from slmlib.config import MambaConfig, Sampling, TrainConfig
from slmlib.devices import choose_device
from slmlib.errors import CheckpointError
from slmlib.evaluation import evaluate
from slmlib.files import sha256_file, write_json
from slmlib.generation import generate
from slmlib.model.mamba import Mamba
from slmlib.presets import preset
from slmlib.report import RunRecord
from slmlib.training.checkpoint import checkpoint_folders, load_checkpoint
from slmlib.training.optimizers import build_optimizer
from slmlib.training.speed import choose_tricks

SHAPE = MambaConfig(280, context_length=16, embed_dim=16, num_layers=2, state_dim=4)


@pytest.fixture(scope="module")
def trained(shared_world):
    trainer = shared_world.trainer("mamba", model=Mamba(SHAPE, seed=0))
    trainer.run()
    return trainer


def sign_again(folder) -> None:
    files = [path for path in folder.iterdir() if path.name != "manifest.json"]
    write_json(folder / "manifest.json", {path.name: sha256_file(path) for path in files})


def test_a_mamba_learns_and_its_checkpoint_is_itself(trained):
    first, last = trained.history[0], trained.history[-1]
    assert last["nats"] < 0.9 * first["nats"]
    loaded = load_checkpoint(checkpoint_folders(trained.folder / "checkpoints")[-1])
    assert loaded.model.config == SHAPE
    assert all(
        torch.equal(tensor, trained.model.state_dict()[name])
        for name, tensor in loaded.model.state_dict().items()
    )
    assert evaluate(loaded.model, trained.valid).nats == pytest.approx(last["nats"], rel=1e-5)
    told = [
        generate(model, trained.tokenizer, ["Tom", "Ana saw a cat."], Sampling(max_tokens=40))
        for model in (trained.model, loaded.model)
    ]
    assert told[0] == told[1]
    assert RunRecord.read(trained.folder).model == SHAPE


def test_going_on_is_never_having_stopped(trained, world):
    halfway = checkpoint_folders(trained.folder / "checkpoints")[-2]
    again = world.trainer("mamba", resume=load_checkpoint(halfway))
    again.run()
    assert again.step == trained.step
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name


def test_a_checkpoint_says_which_kind_it_is(trained, shared_world, tmp_path):
    decoder = shared_world.trainer("decoder", total_steps=1, evaluations=1, checkpoints=1)
    decoder.run()
    for trainer, kind, others in ((trained, "mamba", "no field"), (decoder, "decoder", "no field")):
        folder = checkpoint_folders(trainer.folder / "checkpoints")[-1]
        state = json.loads((folder / "state.json").read_text())
        assert state["kind"] == kind
        swapped = {"mamba": "decoder", "decoder": "mamba"}[kind]
        for said, sentence in ((swapped, others), ("rwkv", r"kind 'rwkv'; this slmlib has decoder, mamba")):
            write_json(folder / "state.json", state | {"kind": said})
            sign_again(folder)
            with pytest.raises(CheckpointError, match=sentence):
                load_checkpoint(folder)
        write_json(folder / "state.json", state)
        sign_again(folder)
    del state["kind"]  # as the first checkpoints were
    write_json(folder / "state.json", state)
    sign_again(folder)
    assert load_checkpoint(folder).model.config == shared_world.model_config


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_speeds_and_filters_are_no_matrices(world, optimizer):
    model = Mamba(SHAPE, seed=0)
    groups = build_optimizer(model, world.config(optimizer=optimizer)).param_groups
    undecayed = {id(p) for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    ours = {name for name, p in model.named_parameters() if id(p) in undecayed}
    assert {"blocks.0.mixer.decay_log", "blocks.0.mixer.conv.weight", "blocks.0.mixer.skip"} <= ours
    assert not {"blocks.0.mixer.input.weight", "embedding.weight"} & ours
    if optimizer == "muon":
        assert not any(group.get("rule") == "muon" and group["weight_decay"] == 0 for group in groups)
        trainer = world.trainer("muon", model=model, optimizer="muon", total_steps=2)
        trainer.run()
        load_checkpoint(checkpoint_folders(trainer.folder / "checkpoints")[-1])


def test_a_mamba_is_not_told_of_tricks_that_are_the_decoders():
    wish = TrainConfig(compile="on", attention="auto")
    decided, told = choose_tricks(preset("mamba-1M").model, wish, choose_device("cpu"), seconds=1e6)
    assert (decided.compile, decided.attention) == ("off", "fused")
    assert told == "Speed: a mamba trains as it is; the tricks are the decoder's."

"""Out into a Hugging Face folder and back: the same ids, the same logits, the same greedy story."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from slmlib.config import MambaConfig, Sampling
from slmlib.errors import CheckpointError, SlmError
from slmlib.export.folders import export_folder, find, import_folder, read_model, save_imported
from slmlib.export.vocabulary import from_hf_tokenizer, to_hf_tokenizer
from slmlib.generation import generate
from slmlib.model.build import build_model
from slmlib.model.families import family
from slmlib.model.language_model import LanguageModel
from slmlib.shipped import SHIPPED, load_model
from slmlib.storyworld import stories
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import load_checkpoint, save_checkpoint
from tests.export.layouts import ODD_TEXTS
from tests.model.tiny import randomised, tiny

STORIES = [story.text for story in stories(0, 60)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(STORIES, 400)


def small(name: str, tokenizer: Tokenizer) -> LanguageModel:
    config = MambaConfig(97, embed_dim=40, num_layers=3) if name == "mamba" else tiny(family(name))
    model = randomised(build_model(config.change({"vocab_size": tokenizer.vocab_size})))
    assert isinstance(model, LanguageModel)
    return model


FAMILIES = [
    *("gpt1", "gpt2", "tinystories-1m", "gpt-j-6b", "pythia-160m", "mpt-7b", "llama-3.1-8b", "mistral-7b"),
    *("mobilellm-ls-125m", "baby-llama2-92m", "qwen2.5-0.5b", "qwen3-0.6b", "minicpm-2b", "olmo-1b"),
    *("olmo-2-1b", "olmo-3-7b", "phi-1.5", "phi-4", "mamba"),
]


@pytest.mark.parametrize("name", FAMILIES)
def test_transformers_loads_the_folder_and_tells_the_same_story(name, tokenizer, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ours = small(name, tokenizer)
    folder = export_folder(tmp_path / "out", ours, tokenizer)
    theirs, info = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    their_tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "Once upon a time"
    ids = their_tokenizer(text, return_tensors="pt").input_ids
    assert ids[0].tolist() == [tokenizer.end_of_text, *tokenizer.encode(text)]
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs.eval()(ids).logits, atol=1e-5, rtol=0)
        told = theirs.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)[0]
    [story] = generate(ours, tokenizer, text, Sampling(temperature=0.0, max_tokens=12))
    assert their_tokenizer.decode(told, skip_special_tokens=True) == story


@pytest.mark.parametrize("name", FAMILIES)
def test_a_folder_comes_back_as_the_same_model(name, tokenizer, tmp_path):
    ours = small(name, tokenizer)
    folder = import_folder(export_folder(tmp_path / "out", ours, tokenizer), tmp_path / "back")
    again = load_checkpoint(folder)
    assert again.tokenizer == tokenizer
    tokens = torch.tensor([tokenizer.encode(STORIES[0])[:40]])
    with torch.no_grad():
        torch.testing.assert_close(again.model(tokens), ours(tokens), atol=1e-5, rtol=0)
    assert again.model.config.kind == ours.config.kind
    if ours.config.block_repeat == 1 and name != "baby-llama2-92m":  # whose pairs come back as halves
        state = again.model.state_dict()
        assert all(torch.equal(tensor, state[key]) for key, tensor in ours.state_dict().items())


def test_the_shipped_model_tells_its_story_in_transformers(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shipped = load_model()
    folder = export_folder(tmp_path, shipped.model, shipped.tokenizer)
    theirs, words = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = words("Once upon a time", return_tensors="pt").input_ids
    told = theirs.generate(ids, max_new_tokens=40, do_sample=False, pad_token_id=0)[0]
    [story] = generate(
        shipped.model, shipped.tokenizer, "Once upon a time", Sampling(temperature=0.0, max_tokens=40)
    )
    assert words.decode(told, skip_special_tokens=True) == story


def test_the_tokenizer_gives_the_same_ids(tokenizer):
    import tokenizers

    theirs = tokenizers.Tokenizer.from_str(json.dumps(to_hf_tokenizer(tokenizer)))
    for text in STORIES + ODD_TEXTS:
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ids == tokenizer.encode(text)
        assert theirs.decode(ids, skip_special_tokens=False) == text
    assert theirs.encode("a<|endoftext|>b", add_special_tokens=False).ids == tokenizer.encode(
        "a<|endoftext|>b", allowed_special=["<|endoftext|>"]
    )


def test_gpt2s_own_tokenizer_is_read_and_filled_up_to_the_models_size():
    from slmlib.text.tokenizer import gpt2

    content = to_hf_tokenizer(gpt2())
    content["model"]["merges"] = [
        " ".join(pair) for pair in content["model"]["merges"]
    ]  # as older files write it
    assert from_hf_tokenizer(content, 50257) == gpt2()
    padded = from_hf_tokenizer(content, 50304)
    assert padded.vocab_size == 50304
    assert padded.end_of_text == 50256
    assert padded.encode("Hello, I'm a language model,") == [15496, 11, 314, 1101, 257, 3303, 2746, 11]


@pytest.fixture
def folder(tokenizer, tmp_path):
    return export_folder(tmp_path / "out", small("gpt2", tokenizer), tokenizer)


def test_weights_in_several_files_are_read_through_their_index(folder, tokenizer):
    whole = read_model(folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder / file)
    weight_map = {name: file for file, held in parts.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    again = read_model(folder)
    assert all(torch.equal(t, again.state_dict()[name]) for name, t in whole.state_dict().items())
    (folder / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"has no b\.safetensors"):
        read_model(folder)


def test_half_precision_is_read_as_float32(folder):
    whole = read_model(folder)
    tensors = load_file(folder / "model.safetensors")
    save_file({name: tensor.bfloat16() for name, tensor in tensors.items()}, folder / "model.safetensors")
    again = read_model(folder)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.bfloat16().float())


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    def refuse(*names, **options):
        raise OSError("It is gone.\nAnd a long story.")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"from the Hub \(OSError: It is gone\)\. Check") as caught:
        find("someone/something")
    assert "\n" not in str(caught.value)


def test_what_is_not_a_folder_is_one_sentence(tmp_path, folder, monkeypatch):
    for wrong in (tmp_path / "nothing", tmp_path, "no slash", "a/b/c"):
        with pytest.raises(CheckpointError, match=r"has no config\.json"):
            find(wrong)
    (folder / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        read_model(folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors.*pickle"):
        read_model(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../b.safetensors"}}')
    with pytest.raises(CheckpointError, match=r"has no \.\./b\.safetensors"):
        read_model(folder)
    (folder / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(SlmError, match="which file holds which tensor"):
        read_model(folder)


def test_the_command_line_goes_out_and_back(tmp_path, capsys, monkeypatch):
    from slmlib.cli import main

    monkeypatch.setenv("SLM_HOME", str(tmp_path))
    main(["export"])
    main(["import", str(tmp_path / "exported" / "shipped")])
    main(
        [
            "generate",
            "--model",
            str(tmp_path / "imported" / "shipped"),
            "--temperature",
            "0",
            "--max-tokens",
            "20",
        ]
    )
    story = capsys.readouterr().out.split("\n")
    assert [line.startswith("Written: ") for line in story[:2]] == [True, True]
    shipped = load_model()
    greedy = Sampling(temperature=0.0, max_tokens=20)
    assert (
        "\n".join(story[2:]).rstrip("\n")
        == generate(shipped.model, shipped.tokenizer, "Once upon a time", greedy)[0]
    )
    shutil.rmtree(tmp_path / "exported")


def test_an_import_replaces_an_earlier_import_and_nothing_else(tmp_path):
    shipped = load_model()
    keeps = tmp_path / "thesis"
    keeps.mkdir()
    (keeps / "chapter_1.txt").write_text("words")
    for taken in (keeps, keeps / "chapter_1.txt"):
        with pytest.raises(CheckpointError, match=r"is no earlier import: it would be replaced"):
            save_imported(taken, shipped.model, shipped.tokenizer, "somewhere")
    assert (keeps / "chapter_1.txt").read_text() == "words"
    beside = save_imported(tmp_path / "beside", shipped.model, shipped.tokenizer, "somewhere")
    (beside / "notes.txt").write_text("mine")
    (tmp_path / "website").mkdir()
    (tmp_path / "website" / "manifest.json").write_text("{}")
    trained = tmp_path / "trained"
    shutil.copytree(SHIPPED, trained)
    for taken in (beside, tmp_path / "website", trained, went_on(tmp_path / "went on")):
        with pytest.raises(CheckpointError, match="is no earlier import"):
            import_folder("nobody/nothing", taken)  # before anything is fetched
    assert load_model(str(trained))
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "new", tmp_path / "empty"):
        assert load_checkpoint(save_imported(folder, shipped.model, shipped.tokenizer, "somewhere"))


def went_on(folder: Path) -> Path:
    """An import that was trained for a step."""
    shipped = load_model()
    imported = load_checkpoint(save_imported(folder, shipped.model, shipped.tokenizer, "somewhere"))
    return save_checkpoint(folder, imported.model, imported.tokenizer, replace(imported.progress, step=1))


def test_an_export_replaces_an_earlier_export_and_nothing_else(tokenizer, tmp_path):
    from transformers import AutoModelForCausalLM

    model, trained, cut = small("gpt2", tokenizer), tmp_path / "trained", tmp_path / "cut"
    shutil.copytree(SHIPPED, trained)
    with pytest.raises(
        CheckpointError, match=r"holds manifest\.json, state\.json, model.*which no export wrote"
    ):
        export_folder(trained, model, tokenizer)
    assert load_model(str(trained))
    mine = export_folder(tmp_path / "mine", model, tokenizer)
    (mine / "README.md").write_text("a card of my own")
    export_folder(mine, small("qwen3-0.6b", tokenizer), tokenizer)  # another class over the same files
    assert read_model(mine).config.qk_norm
    (mine / "model.safetensors.index.json").write_text("{}")  # which readers prefer
    with pytest.raises(
        CheckpointError, match=r"holds model\.safetensors\.index\.json, which no export wrote"
    ):
        export_folder(mine, model, tokenizer)
    (mine / "model.safetensors.index.json").unlink()
    theirs = tmp_path / "fine-tuned in transformers"
    AutoModelForCausalLM.from_pretrained(mine).save_pretrained(theirs)
    with pytest.raises(
        CheckpointError, match=r"holds model\.safetensors, config\.json, generation_config\.json, w"
    ):
        export_folder(theirs, model, tokenizer)
    cut.mkdir()
    shutil.copy(mine / "model.safetensors", cut)  # all that a killed export may leave
    export_folder(cut, model, tokenizer)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("shipped", "shipped"),
        ("home/runs/1M-5min", "1M-5min"),
        ("home/runs/1M-5min/checkpoints/step-00000100", "1M-5min-step-00000100"),
        ("home/runs/another/checkpoints/step-00000100", "another-step-00000100"),
        ("home/imported/gpt2", "gpt2"),
        ("openai-community/gpt2", "openai-community-gpt2"),
        ("elsewhere/a/model", "a-model"),
        ("/model", "model"),
    ],
)
def test_a_folder_that_nobody_named_has_the_runs_or_the_owners_name(source, name, tmp_path, monkeypatch):
    from slmlib.cli import _name_of

    monkeypatch.setenv("SLM_HOME", "home")
    monkeypatch.chdir(tmp_path)
    assert _name_of(source) == name
    assert _name_of(str(tmp_path / source)) in (name, f"{tmp_path.name}-{name}")


def test_a_dot_means_the_folder_by_its_name(tmp_path, capsys, monkeypatch):
    from slmlib.cli import main

    monkeypatch.setenv("SLM_HOME", str(tmp_path))
    main(["export", "--folder", str(tmp_path / "mine")])
    monkeypatch.chdir(tmp_path / "mine")
    main(["import", "."])
    monkeypatch.chdir(tmp_path / "imported" / f"{tmp_path.name}-mine")
    main(["export", "."])
    assert (tmp_path / "exported" / f"{tmp_path.name}-mine" / "config.json").is_file()
    assert capsys.readouterr().out.count("Written: ") == 3

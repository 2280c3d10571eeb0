"""The command line: every flag is told, every mistake is answered at once, in words, with exit code 2."""

import itertools
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch

from slmlib import cli, devices
from slmlib.cli import Doctor, Evaluate, Generate, Report, Train, main
from slmlib.config import ModelConfig, Sampling, TrainConfig
from slmlib.errors import SlmError
from slmlib.flags import other_names, sentences
from slmlib.presets import PRESETS, default_preset
from slmlib.shipped import load_model
from slmlib.text.textfiles import write_stories
from slmlib.training import budget as training_budget
from slmlib.training import run as training_run


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    """Whatever a command leaves behind goes to the test's folder; no GPU decides a default; nothing is downloaded."""
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SLM_CORPUS", raising=False)


@pytest.fixture
def parsed(monkeypatch):
    """Parses a command line without executing it: `parsed("train", "--preset", "3M")` is a Train."""

    def parse(*arguments: str):
        caught = []
        for kind in (Train, Generate, Evaluate, Doctor):
            monkeypatch.setattr(kind, "execute", lambda self: caught.append(self))
        main(arguments)
        return caught[0]

    return parse


def answer(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that exits."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err
    return stop.value.code, output.out, output.err


def words(text: str) -> str:
    """The text without the frames and line breaks of a terminal."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


# --- help ---


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        ("train", (Train, ModelConfig, TrainConfig)),
        ("generate", (Generate, Sampling)),
        ("evaluate", (Evaluate,)),
    ],
)
def test_help_tells_every_field_with_its_meaning(capsys, command, kinds):
    code, told, _ = answer(capsys, command, "--help")
    assert code == 0
    for kind in kinds:
        for field in fields(kind):
            if field.name == "name":
                assert "[NAME]" in told
            elif field.name not in ("model", "train", "sampling") or field.type is str:
                flag = re.escape(f"--{field.name.replace('_', '-')}")
                assert re.search(rf"{flag}[ ,\n]", told), f"{flag} is not in the help"
    assert "Width of the residual stream" in told or command != "train"


def test_the_list_of_commands_says_what_each_does(capsys):
    code, told, _ = answer(capsys, "--help")
    assert code == 0
    for kind in (Train, Generate, Evaluate, Report, Doctor):
        assert kind.__name__.lower() in told
        assert kind.__doc__.split(".")[0] in words(told)


def test_help_shows_the_values_of_the_preset(capsys):
    def default(flag: str, told: str) -> str:
        return re.search(rf"{flag} (?:(?!--).)*?\(default: ([^)]*)\)", words(told))[1]

    for name in ("3M", "8M"):
        model, train = PRESETS[name].model, PRESETS[name].train
        for arguments in (("--preset", name), (f"--preset={name}",)):
            _, told, _ = answer(capsys, "train", *arguments, "--help")
            assert default("--embed-dim INT", told) == str(model.embed_dim)
            assert default("--vocab-size INT", told) == str(model.vocab_size)
            assert default("--batch-size INT", told) == str(train.batch_size)
            assert float(default("--learning-rate FLOAT", told)) == train.learning_rate
            assert default("--head-dim INT", told) == "0"


@pytest.mark.parametrize("command", ["train", "generate", "report", "import"])
def test_help_fits_the_window(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    _, told, _ = answer(capsys, command, "--help")
    assert max(map(len, told.splitlines())) <= 80
    assert "(default: )" not in words(told)


def test_a_sentence_of_the_help_is_one_paragraph_however_the_source_breaks_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, told, _ = answer(capsys, "train", "--help")
    column = next(line.index("show this help") for line in told.splitlines() if "show this help" in line)
    lines = [line.strip("│").ljust(78) if line[:1] == "│" else line.ljust(80) for line in told.splitlines()]
    ragged = [
        above[column:].strip() + " / " + below[column:].strip()
        for above, below in itertools.pairwise(lines)
        if above[column:].strip() and below[column:].strip()
        if not above[column - 2 : column].strip() and not below[:column].strip()
        if not above.rstrip().endswith(")")
        and len(above[column:].rstrip()) + 1 + len(below[column:].split()[0]) < 80 - 6 - column
    ]
    assert ragged == [], "the next word had room"
    assert not any("\n" in sentence for kind in (Train, ModelConfig) for sentence in sentences(kind).values())


def test_every_preset_and_corpus_is_named_in_the_help(capsys):
    _, told, _ = answer(capsys, "train", "--help")
    sentence = re.search(r"--preset.*?(Size: .*?)--corpus", words(told))[1]
    assert all(f" {name} for {preset.good_for}" in sentence for name, preset in PRESETS.items())
    sentence = re.search(r"--corpus.*?--run", words(told))[0]
    assert "`tinystories`" in sentence
    assert "`storyworld`" in sentence


# --- what is parsed ---


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_alone_is_that_preset(parsed, name):
    command = parsed("train", "--preset", name)
    assert command == Train(preset=name, model=PRESETS[name].model, train=PRESETS[name].train)


def test_auto_is_the_preset_of_the_device(parsed, monkeypatch):
    assert parsed("train").preset == default_preset("cpu").name

    def choose(device="auto"):
        return SimpleNamespace(type="cuda" if device == "auto" else device)

    monkeypatch.setattr(devices, "choose_device", choose)
    assert parsed("train").preset == default_preset("cuda").name
    assert parsed("train", "--device", "cpu").preset == default_preset("cpu").name
    assert parsed("train", "--preset=auto", "--device=cpu").model == default_preset("cpu").model


@pytest.mark.parametrize("last", [["--preset", "3M"], ["--preset=3M"]])
def test_of_a_flag_that_is_given_twice_the_last_counts(parsed, monkeypatch, last):
    twice = parsed("train", "--preset", "1M", *last)
    assert twice == Train(preset="3M", model=PRESETS["3M"].model, train=PRESETS["3M"].train)

    monkeypatch.setattr(devices, "choose_device", lambda device="auto": SimpleNamespace(type=device))
    assert parsed("train", "--device", "cuda", "--device", "cpu").preset == default_preset("cpu").name


@pytest.mark.parametrize(
    ("arguments", "name", "tokenizer"),
    [
        (["--preset", "auto", "--total-steps", "3"], "1M-3steps", "own"),
        (["--minutes", "0.5"], "1M-0.5min", "own"),
        (["--preset", "124M", "--run", "mine"], "mine", "gpt2"),
    ],
)
def test_a_run_is_named_after_preset_and_budget(capsys, monkeypatch, tmp_path, arguments, name, tokenizer):
    def refuse(wish, observers, say, started):
        raise SlmError(f"{wish.folder} {wish.tokenizer}")

    monkeypatch.setattr("slmlib.training.run.start_or_resume", refuse)
    _, _, error = answer(capsys, "train", *arguments)
    assert error == f"Error: {tmp_path / 'home' / 'runs' / name} {tokenizer}\n"


def test_derived_sizes_follow_the_flags(parsed):
    wide = parsed("train", "--preset", "1M", "--embed-dim", "256").model
    assert (wide.embed_dim, wide.num_heads, wide.head_dim, wide.ffn_dim) == (256, 2, 128, 1024)
    many = parsed("train", "--preset", "1M", "--num-heads", "4").model
    assert (many.num_heads, many.num_kv_heads, many.head_dim) == (4, 4, 32)
    assert parsed("train", "--preset", "1M", "--gated", "--activation", "silu").model.ffn_dim == 336
    assert parsed("train", "--preset", "1M", "--head-dim", "32").model.head_dim == 32


def test_a_changed_batch_size_works_alone(parsed):
    assert parsed("train", "--preset", "1M", "--batch-size", "8").train.batch_size == 8


def test_flags_of_every_kind_arrive(parsed):
    train = parsed(
        *(
            "train",
            "--preset",
            "0.3M",
            "--minutes",
            "0.5",
            "--schedule",
            "wsd",
            "--compile",
            "on",
            "--no-qk-norm",
        )
    )
    assert (train.train.minutes, train.train.schedule, train.train.compile) == (0.5, "wsd", "on")
    assert train.model.qk_norm is False
    story = parsed("generate", "--prompt", "Tom had --a-- ball", "--top-p", "0.9", "--count", "3")
    assert (story.prompt, story.sampling.top_p, story.count) == ("Tom had --a-- ball", 0.9, 3)
    assert parsed("evaluate", "--model", "work/runs/a").path == "work/runs/a"
    assert parsed("evaluate", "work/runs/a").path == "work/runs/a"
    assert parsed("generate", "--top-k", "3", "work/runs/a").path == "work/runs/a"
    assert parsed("generate").path == "shipped"
    assert parsed("doctor") == Doctor()


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            [],
            "Expected one of {train, generate, evaluate, report, doctor, stories, families, export, import}",
        ),
        (["trian"], "trian"),
        (["train", "--preset", "1M", "--embed-dm", "3"], "--embed-dim"),
        (["train", "--preset", "1M", "--embed-dim", "many"], "--embed-dim"),
        (["train", "--preset", "1M", "--norm", "batchnorm"], "'batchnorm'"),
        (["train", "--preset"], "--preset"),
        (["generate", "--temperature", "warm"], "--temperature"),
        (["train", "--lr", "0.1"], "--lr is --learning-rate here"),
        (["train", "--n-layer=3", "--block_size", "9"], "--n-layer is --num-layers here"),
        (["generate", "--max-new-tokens", "9"], "--max-new-tokens is --max-tokens here"),
        (["trian"], "run python -m slmlib --help"),
        (["train", "--lr", "0.1"], "run python -m slmlib train --help"),
        (["train", "--learning-rat", "0.1"], "run python -m slmlib train --help"),
    ],
)
def test_what_cannot_be_parsed_is_named(capsys, arguments, told):
    code, _, error = answer(capsys, *arguments)
    assert code == 2
    assert told in error
    assert "in python train" not in error
    assert error.count(" here: ") == sum(
        word in error for word in ("--lr is", "--n-layer is", "--block-size is", "--max-new")
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--preset", "2M"], "There is no preset '2M'. Choose from 0.3M, 1M,"),
        (
            ["train", "--preset", "1M", "--embed-dim", "100", "--num-heads", "3"],
            "embed_dim (100) does not divide",
        ),
        (["train", "--preset", "1M", "--minutes", "0"], "minutes is 0.0"),
        (["train", "--preset", "1M", "--batch-size", "8", "--micro-batch-size", "3"], "must be a multiple"),
        (
            ["train", "--preset", "0.3M", "--corpus", "/no/such/stories.txt"],
            "no corpus at /no/such/stories.txt",
        ),
        (["train", "--device", "tpu"], "There is no device 'tpu'"),
        (["generate", "--temperature", "-1"], "temperature must be 0 or above; it is -1.0"),
        (["generate", "--count", "0"], "count must be at least 1; it is 0"),
        (["import"], "Nothing to import. Give a folder, or a name on the Hub"),
        (["import", "/no/such/folder"], "/no/such/folder is not a Hugging Face folder"),
        (["export", "--model", "/no/such/run"], "There is no folder /no/such/run"),
        (["export", "--model-type", "bert"], "There is no model_type 'bert' here."),
        (["families", "gpt-22"], "There is no family 'gpt-22'. Did you mean gpt2"),
        (["generate", "--model", "/no/such/run"], "There is no folder /no/such/run"),
        (["evaluate", "--model", "/no/such/run"], "There is no folder /no/such/run"),
        (["export", "/no/such/run"], "There is no folder /no/such/run"),
        (["generate", "a", "--model", "b"], "Two models were named, a and b. Name one"),
        (["generate", "--model", ""], "The name of the model is empty. Give a run or a checkpoint"),
        (["train", "--corpus", ""], "The name of the corpus is empty. Give a path, tinystories, storyworld"),
        (["train", "--corpus", "~nosuchuser/x.txt"], "a person that this machine does not know"),
        (["report"], "A report needs a run; none was given. Give folders"),
    ],
)
def test_what_cannot_work_is_one_line_on_standard_error(capsys, tmp_path, arguments, told):
    code, _, error = answer(capsys, *arguments)
    assert code == 2
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert told in error
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_run_without_a_checkpoint_is_one_line(capsys, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    code, _, error = answer(capsys, "generate", "--model", str(tmp_path / "run"))
    assert (code, error.count("\n")) == (2, 1)
    assert "has no checkpoint yet" in error


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (SlmError("Wrong.", "Do that."), 2, "Error: Wrong. Do that.\n"),
        (KeyboardInterrupt(), 130, "\nStopped.\n"),
        (KeyboardInterrupt("Nothing was saved yet."), 130, "\nStopped. Nothing was saved yet.\n"),
    ],
)
def test_how_a_command_ends(capsys, monkeypatch, raised, code, told):
    def fail(self):
        raise raised

    monkeypatch.setattr(cli.Doctor, "execute", fail)
    assert answer(capsys, "doctor") == (code, "", told)


def test_a_training_that_was_stopped_does_not_end_as_one_that_is_finished(tmp_path, one_file, monkeypatch):
    """`train && export` would export half a run."""
    monkeypatch.setattr(
        "slmlib.training.trainer.Trainer.write_story", lambda *_: signal.raise_signal(signal.SIGINT)
    )
    with pytest.raises(SystemExit) as end:
        trained(tmp_path, one_file, "--total-steps", "2")
    assert end.value.code == 130
    assert load_model(str(tmp_path / "home" / "runs" / "mine")).progress.step == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows sends no signal when a terminal is closed")
def test_a_closed_terminal_saves(tmp_path, one_file):
    import pty

    line = "train --preset 0.3M --num-layers 1 --vocab-size 300 --threads 1 --compile off --total-steps 100000 --run mine"
    run = tmp_path / "home" / "runs" / "mine"
    process, terminal = pty.fork()
    if not process:
        os.execv(sys.executable, [sys.executable, "-m", "slmlib", *line.split(), "--corpus", one_file])
    said = b""
    while not (run / "log.jsonl").exists() or '"event": "step"' not in (run / "log.jsonl").read_text():
        said += os.read(terminal, 4096)  # an error once the process has ended
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 130, said
    assert load_model(str(run)).progress.step > 0


def test_a_training_left_at_once_says_what_is_there(capsys, monkeypatch, tmp_path):
    def leave(wish, observers, say, started):
        raise KeyboardInterrupt

    monkeypatch.setattr("slmlib.training.run.start_or_resume", leave)
    _, _, error = answer(capsys, "train", "--run", "mine")
    assert error == "\nStopped. Nothing was saved yet; the same command begins again.\n"
    checkpoints = tmp_path / "home" / "runs" / "mine" / "checkpoints"
    for name in ("step-00000008", "step-00000012", ".unfinished-step-00000016-1"):
        (checkpoints / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    _, _, error = answer(capsys, "train", "--run", "mine")
    assert (
        "The last checkpoint is home/runs/mine/checkpoints/step-00000012; the same command goes on" in error
    )


def test_the_glossary_knows_what_others_call_a_setting():
    names = other_names()
    assert (names["hidden_size"], names["n_embd"], names["lr"]) == ("embed_dim", "embed_dim", "learning_rate")
    ours = {field.name for kind in (ModelConfig, TrainConfig, Sampling) for field in fields(kind)}
    assert set(names.values()) <= ours
    assert not names.keys() & ours


# --- where models compute ---


def test_a_device_that_is_not_there_is_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SLM_DEVICE", "tpu")
    for command in ("generate", "evaluate"):
        code, told, error = answer(capsys, command)
        assert (code, told) == (2, "")
        assert "There is no device 'tpu'" in error


def test_models_go_to_the_device_that_was_chosen(capsys, monkeypatch, tmp_path):
    """`meta` stands for a GPU: there the model has no numbers, so that nothing may be computed."""
    seen = []
    chosen = SimpleNamespace(type="meta", name="A GPU", dtype="float32")
    monkeypatch.setattr(devices, "choose_device", lambda **_: chosen)
    monkeypatch.setattr(
        "slmlib.generation.stream", lambda model, *_: seen.append(model.device.type) or iter(())
    )
    monkeypatch.setattr("slmlib.evaluation.evaluate", lambda model, *_, **__: seen.append(model.device.type))
    valid = type("Stream", (list,), {"info": SimpleNamespace(sha256="")})([0] * 1000)
    data = SimpleNamespace(corpus_name="some stories", valid=valid)
    monkeypatch.setattr(training_run, "prepare", lambda *_, **__: data)
    main(["generate"])
    assert capsys.readouterr() == ("Once upon a time\n", "")
    main(["evaluate"])
    assert "some stories (1,000 tokens), float32 on A GPU:" in capsys.readouterr().out
    assert seen == ["meta", "meta"]


@pytest.mark.parametrize(
    ("flags", "dtype"), [([], torch.float32), (["--dtype", "bfloat16"], torch.bfloat16)], ids=str
)
def test_a_story_is_computed_in_the_format_that_was_asked_for(monkeypatch, flags, dtype):
    seen = []
    monkeypatch.setattr(
        "slmlib.generation.stream", lambda model, *_: seen.append(model.embedding.weight.dtype) or iter(())
    )
    main(["generate", *flags])
    assert seen == [dtype]


# --- which stories are measured ---


@pytest.fixture
def one_file(monkeypatch, tmp_path):
    """A file of stories without a validation split, of which even the shortest run reads only the first half."""
    path = tmp_path / "mine.txt"
    write_stories(path, (f"The cat saw {number} dogs and ran home." for number in range(2000)))
    for reader in (training_run, training_budget):
        monkeypatch.setattr(reader, "SMALLEST_TEXT", path.stat().st_size // 2)
    return str(path)


@pytest.fixture
def measured(monkeypatch, capsys):
    """`measured(run)` is the fingerprint of the validation stories that `evaluate` takes, and what it says of them."""
    taken = []
    monkeypatch.setattr(
        "slmlib.evaluation.evaluate", lambda _model, valid, **_: taken.append(valid.info.sha256)
    )

    def evaluate(*arguments: str) -> tuple[str, str]:
        main(["evaluate", *arguments])
        return taken[-1], capsys.readouterr().out

    return evaluate


def trained(tmp_path, corpus: str, *budget: str) -> tuple[str, str]:
    """A run of two steps, and the fingerprint of its validation stories."""
    small = (
        "--preset",
        "0.3M",
        "--num-layers",
        "1",
        "--vocab-size",
        "300",
        "--threads",
        "1",
        "--compile",
        "off",
    )
    main(["train", *small, "--corpus", corpus, "--run", "mine", *budget])
    run = str(tmp_path / "home" / "runs" / "mine")
    return run, load_model(run).progress.valid_sha256


def test_a_run_is_measured_on_its_own_validation_stories(monkeypatch, tmp_path, one_file, measured):
    """How much of the file was read decided which stories were set aside."""
    monkeypatch.setattr(training_run, "text_budget", lambda *_: 10**9)
    run, its_own = trained(tmp_path, one_file, "--total-steps", "2")
    taken, told = measured(run, "--corpus", one_file)
    assert taken == its_own
    assert "not the validation stories" not in told


def test_other_validation_stories_than_the_runs_are_said_to_be_others(tmp_path, one_file, measured):
    run, its_own = trained(tmp_path, one_file, "--total-steps", "2")
    taken, told = measured(run, "--corpus", one_file)
    assert taken == its_own
    other = tmp_path / "other.txt"
    write_stories(other, (f"The dog saw {number} cats and sat down." for number in range(500)))
    taken, told = measured(run, "--corpus", str(other))
    assert taken != its_own
    assert "(These are not the validation stories of its run, which came from mine.txt.)" in told


# --- in a process of its own ---


def test_help_and_mistakes_do_not_wait_for_torch():
    script = """
import sys
import slmlib
from slmlib.cli import main
for arguments in (["--help"], ["generate", "--help"], ["train", "--preset", "3M", "--help"], ["trian"],
                  ["train", "--preset", "2M"], ["generate", "--count", "0"], ["families", "gpt3-170b"]):
    try:
        main(arguments)
    except SystemExit as stop:
        print("exit", stop.code, file=sys.stderr)
heavy = [name for name in ("torch", "numpy", "matplotlib", "datasets") if name in sys.modules]
print("imported", heavy, file=sys.stderr)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    assert re.findall(r"exit (\d)", told) == ["0", "0", "0", "2", "2", "2", "2"]
    assert "imported []" in told


def test_a_story_of_any_character_reaches_an_ascii_terminal():
    script = """
from slmlib import cli
cli.Doctor.execute = lambda self: print("M\\u00fcller")
cli.main(["doctor"])
"""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, text=True, env=environment) == "M?ller\n"


def test_it_is_a_module():
    command = [sys.executable, "-m", "slmlib", "train", "--preset", "2M"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stderr.startswith("Error: There is no preset '2M'.")


def test_stories_of_storyworld_can_be_printed_with_their_facts(capsys):
    main(["stories", "--seed", "7", "--count", "2", "--facts"])
    output = capsys.readouterr().out
    assert output.count("ln p = ") == 2
    assert output.count('"characters"') == 2


def test_a_familys_name_may_be_in_capitals(capsys):
    main(["families", "GPT2"])
    assert "124,439,808" in capsys.readouterr().out


def test_a_prompt_that_cannot_be_read_is_refused_before_the_first_word(capsys):
    for prompt, told in (("a <|endoftext|>", "special token"), ("\udcfcber", "half a surrogate pair")):
        code, said, error = answer(capsys, "generate", "--prompt", prompt)
        assert (code, said) == (2, "")
        assert told in error
        assert "UTF-8" in error
        assert "allowed_special" not in error


def test_a_report_leaves_out_what_lessons_keep_beside_runs(capsys, tmp_path, one_file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, _ = trained(tmp_path, one_file, "--total-steps", "2")
    (tmp_path / "home" / "runs" / "lesson_08_valid.bin").touch()
    capsys.readouterr()
    main(["report", run, str(tmp_path / "home" / "runs" / "lesson_08_valid.bin")])
    said, error = capsys.readouterr()
    assert error == "Left out, because they are not runs: 1 of 2.\n"
    assert "Written: report.html" in said


def test_families_are_listed_with_size_and_what_was_new(capsys):
    from slmlib.model.families import CATALOG

    main(["families"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:9] == [
        "name",
        "year",
        "layers",
        "width",
        "heads",
        "parameters",
        "context",
        "tied",
        "what",
    ]
    told = {line.split()[0]: line for line in lines if line}
    for name, row in CATALOG.items():
        assert told[name].endswith(row.new)
    assert told["gpt2"].split()[:8] == ["gpt2", "2019", "12", "768", "12", "124,439,808", "1,024", "yes"]
    assert " 30 x 2 " in told["mobilellm-ls-125m"]
    assert " 12-20/5 " in told["openelm-270m"]


@pytest.mark.parametrize("columns", [80, 160])
def test_families_fit_the_window_they_are_read_in(capsys, monkeypatch, columns):
    from slmlib.model.families import CATALOG

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["families"])
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= columns
    assert ("layers" in told.splitlines()[0]) == (columns == 160)
    assert all(row.new in words(told) for row in CATALOG.values())


def test_a_family_is_counted_part_by_part(capsys):
    main(["families", "pythia-160m"])
    told = capsys.readouterr().out
    for part, size in (("embedding", "38,633,472"), ("head", "38,633,472"), ("together", "162,322,944")):
        assert re.search(rf"^  {part} +{size} ", told, re.MULTILINE), part
    assert "positions " not in told, "RoPE has no parameters"
    sizes = [float(size) for size in re.findall(r"([\d.]+) GB$", told, re.MULTILINE)]
    assert sizes[:3] == [0.65, 0.65, 1.30]  # 4, 4 and 8 bytes a parameter
    assert sizes[-1] == pytest.approx(sum(sizes[:-1]), abs=0.03)


def test_of_several_processes_only_the_first_answers_a_mistake(capsys, monkeypatch):
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.setenv(name, "2")
    for rank, answers in (("0", True), ("1", False)):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("LOCAL_RANK", rank)
        code, told, errors = answer(capsys, "train", "--embed-dim", "wide")
        assert code == 2
        assert bool(told + errors) == answers
        code, told, _ = answer(capsys, "train", "--help")
        assert (code, bool(told)) == (0, answers)

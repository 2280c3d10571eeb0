"""The page that compares runs: made of what the runs left, complete in itself, careful about what compares."""

import json
import re
from html.parser import HTMLParser

import pytest

from slmlib.errors import SlmError
from slmlib.model.counts import count_parameters
from slmlib.report import RunRecord, write_report


@pytest.fixture(scope="module")
def runs(shared_world):
    """Two runs of the same model, one of them stopped, with other learning rates."""
    folders = []
    for name, rate in (("report-slow", 1e-3), ("report-fast", 1e-2)):
        trainer = shared_world.trainer(name, learning_rate=rate)
        trainer.run()
        folders.append(trainer.folder)
    return folders


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*</style>", "", page, flags=re.DOTALL)).split())


def edited(folder, tmp_path, name, change):
    """A copy of a run whose state.json was changed."""
    import shutil

    copy = tmp_path / name
    shutil.copytree(folder, copy)
    for path in copy.glob("checkpoints/*/state.json"):
        state = json.loads(path.read_text())
        change(state)
        path.write_text(json.dumps(state))
    return copy


def test_the_page_tells_what_the_logs_hold(runs):
    page = words(write_report(runs))
    assert page.startswith("2 runs side by side")
    for folder in runs:
        record = RunRecord.read(folder)
        assert f"{count_parameters(record.model):,}" in page
        for event in record.events:
            if event["event"] == "story":
                assert " ".join("".join(c if c.isprintable() else " " for c in event["text"]).split())[
                    :20
                ] in page.replace("&#x27;", "'").replace("&quot;", '"')
        assert f"{[e for e in record.events if e['event'] == 'evaluation'][-1]['bits_per_byte']:.3f}" in page
    assert "learning_rate 0.001 0.01" in page
    assert "What differs" in page
    assert "batch_size" not in page
    assert "Careful" not in page


def test_the_lowest_is_named(runs):
    ends = {
        f.name: [e for e in RunRecord.read(f).events if e["event"] == "evaluation"][-1]["bits_per_byte"]
        for f in runs
    }
    best = min(ends, key=ends.get)
    assert f"{best} ends at {ends[best]:.3f} bits per byte, the lowest" in write_report(runs[::-1])


def test_one_run_is_told_whole(runs):
    page = words(write_report(runs[:1]))
    assert page.startswith("The run report-slow")
    assert "Every setting" in page
    assert "batch_size 4" in page


def test_equal_settings_are_said_to_be_equal_and_equal_names_are_told_apart(runs):
    page = words(write_report([runs[0], runs[0]]))
    assert "Nothing differs" in page
    assert "report-slow (1)" in page
    assert "report-slow (2)" in page


def test_nothing_is_fetched_and_every_picture_has_words(runs):
    class Reader(HTMLParser):
        images, links = 0, []

        def handle_starttag(self, tag, attributes):
            values = dict(attributes)
            self.links += [
                value
                for name, value in values.items()
                if name in ("src", "href") and not value.startswith("data:")
            ]
            if tag == "img":
                self.images += 1
                assert len(values["alt"]) > 20

    reader, page = Reader(), write_report(runs)
    reader.feed(page)
    assert reader.images == 3
    assert reader.links == []
    assert "http" not in page


def test_a_name_cannot_break_the_page(runs, tmp_path):
    copy = edited(runs[0], tmp_path, "<script>alert(1)<", lambda state: None)
    page = write_report([copy])
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page


def test_a_name_is_no_formula(runs, tmp_path):
    page = write_report([edited(runs[0], tmp_path, "lr$1_2_3$", lambda state: None)])
    assert "The run lr$1_2_3$" in page


def test_what_does_not_compare_is_said(runs, tmp_path):
    def other_tokenizer(state):
        state["progress"]["valid_sha256"] = "0" * 64

    def other_stories(state):
        other_tokenizer(state)
        state["progress"]["history"][-1]["bytes"] += 1

    page = words(write_report([runs[0], edited(runs[1], tmp_path, "a", other_tokenizer)]))
    assert "Careful. These runs have different tokenizers" in page
    page = write_report([runs[0], edited(runs[1], tmp_path, "b", other_stories)])
    assert "measured on different validation stories" in page
    assert "the lowest" not in page


def test_a_stopped_run_says_how_far_it_came(runs, tmp_path):
    def longer(state):
        state["progress"]["decided"]["total_steps"] = 48

    assert "stopped at 25%" in write_report([edited(runs[0], tmp_path, "a", longer)])


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("progress"),
        lambda state: state["progress"]["decided"].pop("total_steps"),
        lambda state: state["model"].update(embed_dim="wide"),
        lambda state: state.update(model=[]),
        lambda state: state["progress"].pop("history"),
        lambda state: state["progress"].update(history=[]),
        lambda state: state["progress"].pop("valid_sha256"),
        lambda state: state["progress"].pop("corpus"),
    ],
)
def test_a_damaged_run_is_one_sentence(runs, tmp_path, change):
    with pytest.raises(SlmError) as refusal:
        write_report([edited(runs[0], tmp_path, "damaged", change)])
    assert "\n" not in str(refusal.value)


def test_what_is_no_run_is_one_sentence(runs, tmp_path):
    with pytest.raises(SlmError, match=r"is not a run: it has no log\.jsonl"):
        write_report([tmp_path])
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(SlmError, match="has no checkpoint yet"):
        write_report([tmp_path])
    with pytest.raises(SlmError, match="needs a run; none was given"):
        write_report([])
    with pytest.raises(SlmError, match="8 were given"):
        write_report([runs[0]] * 8)


def test_an_unreadable_newest_checkpoint_is_passed_over(runs, tmp_path):
    copy = edited(runs[0], tmp_path, runs[0].name, lambda state: None)
    expected = words(write_report([runs[0]]))
    (copy / "checkpoints" / "step-00000900").mkdir()
    assert words(write_report([copy])) == expected
    for content in ("{", "{}", "[]"):
        (copy / "checkpoints" / "step-00000900" / "state.json").write_text(content)
        assert words(write_report([copy])) == expected


def test_shares_of_a_run_that_were_fitted_to_its_steps_are_no_difference(runs, tmp_path):
    def corrected(state):
        state["progress"]["decided"] |= {"warmup_fraction": 0.0213, "decay_fraction": 0.4321}

    page = write_report([runs[0], edited(runs[0], tmp_path, "corrected", corrected)])
    assert "decay_fraction" not in page
    assert "warmup_fraction" not in page

"""`--phrase`: a language model puts quotes and lines in other words, or is refused by what it added."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from encoders import EncoderError
from jobs.ask import ask_run
from jobs.ask_screens import show_answer
from jobs.cli import app
from recsys import Recommender, RecsysError
from warehouse import InputError, Published

ASKED = "Did it arrive quickly?"
CAMPAIGN = ["campaign", "--where", "item_id = '010'", "-k", "1", "--phrase", "mine"]


@pytest.fixture(scope="module")
def runs(published, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phrased") / "runs"
    return shutil.copytree(published.runs, folder, symlinks=True)


@pytest.fixture(scope="module")
def reviewed(runs):
    most = "SELECT item_id FROM reviews GROUP BY item_id ORDER BY count(*) DESC, item_id LIMIT 1"
    return Published.open(runs).query(most).item()


@pytest.fixture
def model(monkeypatch):
    """Stands for a language model: what it is to say is set by the test; `asked` are the names that were loaded."""

    class Model:
        def __init__(self):
            self.asked, self.say = [], str

        def load(self, name):
            self.asked.append(name)
            return self.say

    made = Model()
    monkeypatch.setattr("jobs.ask.load_phraser", made.load)
    monkeypatch.setattr("encoders.load_phraser", made.load)
    return made


def test_an_answer_in_other_words_stands_above_its_quotes(runs, reviewed, model, capsys):
    model.say = lambda quotes: quotes.split(",")[0] + "."
    plain = ask_run(runs, [reviewed, ASKED], n=2, compare=False, context=None)
    told = ask_run(runs, [reviewed, ASKED], n=2, compare=False, context=None, phrase="mine")
    assert model.asked == ["mine"]
    assert told["answer"].endswith("arrived quickly and does what it should.")
    assert told == {**plain, "answer": told["answer"]}
    show_answer(told, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == told["answer"]
    assert plain["evidence"][0]["sentence"] in lines[1]


def test_an_answer_that_adds_something_is_dropped_on_the_screen_and_in_json(runs, reviewed, model):
    model.say = lambda quotes: f"{quotes} Delivery is free within 70 days."
    command = ["ask", reviewed, ASKED, "-n", "1", "--phrase", "mine", "--runs", str(runs)]
    told = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert (told["answer"], len(told["evidence"])) == (None, 1)
    assert told["refused"].endswith("': 70, delivery, free, within, days")
    shown = CliRunner().invoke(app, command).stdout.splitlines()
    assert shown[0] == f"refused: {told['refused']}"
    assert told["evidence"][0]["sentence"] in shown[1]


def test_without_phrase_nothing_is_said_of_a_refusal(runs, reviewed, model):
    assert "refused" not in ask_run(runs, [reviewed, ASKED], n=1, compare=False, context=None)
    assert model.asked == []


def test_quotes_of_several_items_make_no_one_text(runs, model):
    with pytest.raises(InputError, match="name it, ask ITEM_ID QUESTION"):
        ask_run(runs, [ASKED], n=1, compare=False, context=None, phrase="mine")
    assert model.asked == []
    with pytest.raises(RecsysError, match="say of which, item_id="):
        Recommender.open(runs).ask(ASKED, phrase=str)


def test_a_campaigns_lines_go_through_the_same_model(runs, model):
    model.say = lambda line: f"For you: {line}"
    (kind,) = json.loads(CliRunner().invoke(app, [*CAMPAIGN, "--runs", str(runs), "--json"]).stdout)
    assert kind["users"][0]["copy"].startswith("For you: ")
    assert kind["users"][0]["refused"] is None
    model.say = lambda line: f"Waterproof: {line}"
    bold = CliRunner().invoke(app, [*CAMPAIGN, "--runs", str(runs)]).stdout
    assert "refused: 'Waterproof: " in bold


@pytest.mark.parametrize("command", [["ask", "010", ASKED, "--phrase"], CAMPAIGN[:-1]])
def test_a_model_that_is_not_there_is_named(runs, command):
    result = CliRunner().invoke(app, [*command, "nowhere/at-all", "--runs", str(runs)])
    assert isinstance(result.exception, EncoderError)
    assert "phrase = 'nowhere/at-all': nowhere/at-all is not there" in str(result.exception)


@pytest.mark.slow
def test_smollm2_puts_an_answer_and_a_line_in_words_that_their_sources_hold(runs, reviewed):
    told = ask_run(runs, [reviewed, ASKED], n=1, compare=False, context=None, phrase="smollm2-135m-instruct")
    assert "arrived quickly" in told["answer"]
    again = ask_run(runs, [reviewed, ASKED], n=1, compare=False, context=None, phrase="smollm2-135m-instruct")
    assert again == told
    plain = Recommender.open(runs).campaign(CAMPAIGN[2], k=1).row(0, named=True)
    command = [*CAMPAIGN[:-1], "smollm2-135m-instruct", "--runs", str(runs), "--json"]
    (line,) = json.loads(CliRunner().invoke(app, command).stdout)[0]["users"]
    assert line["sentence"] == plain["sentence"]
    assert (line["copy"] == plain["copy"]) == (line["refused"] is not None)

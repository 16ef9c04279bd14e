"""Fine-tune a sequence classifier on reviews by transformers' `Trainer`, beside TF-IDF on the same rows."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.cleaning import clean
from encoders.contract import EncoderError
from encoders.loading import find_model, silence
from encoders.sentiment.classifier import FACTS_FILE, Network, text_key
from encoders.sentiment.labels import label_names, labels_of, shares_of
from encoders.sentiment.measures import measure
from encoders.sentiment.saving import TrainedSentiment, Training, TrainingRows, save_training, write_facts
from encoders.transformer import position_limit
from encoders.weights import go_offline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from encoders.contract import Progress
    from encoders.sentiment.config import SentimentConfig

__all__ = ["has_bfloat16", "train_sentiment"]

_LOG = logging.getLogger(__name__)
_EVALUATIONS = 4  # in an epoch, and never less than so many steps apart:
_LEAST_STEPS = 10
_LEAST_GAIN = 0.0005  # what counts as better where the training is to be stopped
_LOSS_SHARE = 0.01  # of the loss that is taken off macro F1 where evaluations are compared


def train_sentiment(
    texts: Sequence[str],
    stars: Sequence[float | None],
    *,
    config: SentimentConfig,
    out: Path,
    progress: Progress | None = None,
) -> TrainedSentiment:
    """Train on reviews and write the model's folder, whole or not at all; a model that is there is replaced.

    The folder holds the weights (safetensors), the tokenizer, the TF-IDF baseline trained on the same rows, the loss
    curve (loss.json, loss.svg), the predictions on the validation part (validation.json) and `sentiment.json`.

    Raises:
        EncoderError: nothing to learn from, a base that cannot be trained, a folder `out` that holds something else
            or cannot be written.
    """
    began = time.monotonic()
    go_offline()
    if out.exists() and not (out / FACTS_FILE).is_file() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} is there and is no sentiment model; nothing was written; name another folder"
        raise EncoderError(msg)
    rows, counts = _rows_of(texts, stars, config)
    with _beside(out) as aside:
        folder = Path(aside) / "model"
        folder.mkdir()
        network, training = _fine_tune(rows, config, Path(aside) / "checkpoints", progress)
        trained = save_training(folder, network, training, rows=rows, config=config)
        trained = dataclasses.replace(trained, folder=out, rows=counts, seconds=round(time.monotonic() - began, 1))
        write_facts(folder, trained, config)
        if out.exists():
            out.rename(Path(aside) / "before")
        folder.rename(out)
    return trained


def _beside(out: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent)
    except OSError as error:
        raise EncoderError(f"{out}: nothing can be written there ({error.strerror}); name another folder") from error


def _rows_of(
    texts: Sequence[str], stars: Sequence[float | None], config: SentimentConfig
) -> tuple[TrainingRows, dict[str, int]]:
    cleaned = [clean(text) for text in texts]
    labels = labels_of(stars, config.three_stars)
    told = np.array([bool(text) for text in cleaned], dtype=bool)
    starred = ~np.isnan(np.array(stars, dtype=np.float64))
    kept = np.flatnonzero(told & (labels >= 0))
    kept_texts = [cleaned[row] for row in kept]
    keys = np.array([text_key(text) % 1000 for text in kept_texts], dtype=np.int64)
    held_out = keys < 1000 * config.validation_share
    if not held_out.any() and len(np.unique(keys)) > 1:
        held_out = keys == keys.min()  # of a handful of reviews none may fall into the share
    rows = TrainingRows(kept_texts, labels[kept], held_out)
    counts = {
        "train": int((~held_out).sum()),
        "validation": int(held_out.sum()),
        "without_stars": int((~starred).sum()),
        "dropped": int((starred & (labels < 0)).sum()),
        "without_text": int((~told & (labels >= 0)).sum()),
    }
    there = np.unique(rows.labels[~held_out])
    if len(there) < 2 or not held_out.any():
        names = label_names(config.three_stars)
        found = ", ".join(names[label] for label in there) or "none"
        msg = (
            f"{counts['train']} reviews to train on and {counts['validation']} to validate on, their labels: {found}; "
            "two labels and a validation part are needed: hand over more reviews"
        )
        raise EncoderError(msg)
    return rows, counts


def _fine_tune(
    rows: TrainingRows, config: SentimentConfig, checkpoints: Path, progress: Progress | None
) -> tuple[Network, Training]:
    """Return the network at its best evaluation, and how it came there."""
    import torch
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, Trainer, set_seed

    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    names = label_names(config.three_stars)
    network = _new_network(config, names)
    weights = None
    if config.class_weights == "balanced":
        shares = shares_of(rows.labels[~rows.held_out], len(names))
        balanced = np.divide(1.0, len(names) * shares, out=np.zeros(len(names)), where=shares > 0)
        weights = torch.tensor(balanced, dtype=torch.float32)

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:  # noqa: ANN401, ARG001 Trainer's shape
        return torch.nn.functional.cross_entropy(outputs.logits.float(), labels, weight=weights)

    def figures(predicted: Any) -> dict[str, float]:  # noqa: ANN401 transformers' EvalPrediction
        told, labels = np.asarray(predicted.predictions), np.asarray(predicted.label_ids)
        found = measure(labels, told.argmax(axis=1), names).macro_f1
        lost = float(torch.nn.functional.cross_entropy(torch.tensor(told), torch.tensor(labels), weight=weights))
        # F1 on few reviews ties early, at weights that know next to nothing: the loss tells such ties apart
        return {"macro_f1": found, "merit": found - _LOSS_SHARE * lost}

    trainer = Trainer(
        model=network.model,
        args=_arguments(config, checkpoints, steps_an_epoch=math.ceil((~rows.held_out).sum() / config.batch_size)),
        data_collator=DataCollatorWithPadding(network.tokenizer, pad_to_multiple_of=8),
        train_dataset=_dataset(network, *rows.part(~rows.held_out)),
        eval_dataset=_dataset(network, *rows.part(rows.held_out)),
        processing_class=network.tokenizer,
        compute_loss_func=loss,
        compute_metrics=figures,
        callbacks=[EarlyStoppingCallback(config.patience, _LEAST_GAIN), *_reporting(progress)],
    )
    trainer.remove_callback(PrinterCallback)  # it writes to standard output, which belongs to the command's answer
    trainer.train()
    if config.warmup_steps >= trainer.state.max_steps:
        _LOG.warning(
            "the warm-up of %g steps is as long as the training of %d: the learning rate never came to its height",
            config.warmup_steps,
            trainer.state.max_steps,
        )
    state = trainer.state
    return network, Training(state.global_step, state.max_steps, tuple(state.log_history), _precision(config))


def _new_network(config: SentimentConfig, names: Sequence[str]) -> Network:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging as their_logging

    silence()
    try:
        files = find_model(config.base)
    except EncoderError as error:
        raise EncoderError(f"base = {config.base!r}: {error}") from error
    their_logging.set_verbosity_error()  # that the head is new is what we want, no warning
    with contextlib.redirect_stderr(io.StringIO()):  # the reader of GGUF draws a progress bar of its own there
        model = AutoModelForSequenceClassification.from_pretrained(
            str(files.folder),
            num_labels=len(names),
            id2label=dict(enumerate(names)),
            label2id={name: label for label, name in enumerate(names)},
            dtype=torch.float32,
            **files.weights(),
        )
    tokenizer = AutoTokenizer.from_pretrained(str(files.folder), **files.source())
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    limit = position_limit(model.config, tokenizer)
    if config.max_tokens > limit:
        msg = f"max_tokens is {config.max_tokens}, and {config.base} reads no more than {limit}; set a smaller one"
        raise EncoderError(msg)
    return Network(model, tokenizer, config.max_tokens)


def _arguments(config: SentimentConfig, checkpoints: Path, *, steps_an_epoch: int) -> Any:  # noqa: ANN401 late import
    from transformers import TrainingArguments

    steps = math.ceil(config.epochs * steps_an_epoch)
    between = steps // max(1, min(round(_EVALUATIONS * config.epochs), steps // _LEAST_STEPS))
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.eval_batch_size,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        learning_rate=config.learning_rate,
        logging_steps=config.logging_steps,
        train_sampling_strategy="group_by_length",
        eval_strategy="steps",
        eval_steps=between,
        save_strategy="steps",
        save_steps=between,
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="merit",
        greater_is_better=True,
        bf16=_precision(config) == "bfloat16",
        use_cpu=True,
        seed=config.seed,
        disable_tqdm=True,
        report_to="none",
    )


def has_bfloat16() -> bool:
    """Tell whether the processor computes in bfloat16; where it does not, bfloat16 is far slower than float32."""
    import torch

    capable = torch.cpu.get_capabilities()
    return bool(capable.get("avx512_bf16") or capable.get("amx_bf16"))


def _precision(config: SentimentConfig) -> str:
    if config.precision == "auto":
        return "bfloat16" if has_bfloat16() else "float32"
    return config.precision


def _dataset(network: Network, texts: Sequence[str], labels: NDArray[np.int64]) -> list[dict[str, Any]]:
    ids = network.token_ids(texts)
    return [{"input_ids": each, "labels": label} for each, label in zip(ids, labels.tolist(), strict=True)]


def _reporting(progress: Progress | None) -> list[Any]:
    """Return the callback that tells `progress` of the steps."""
    from transformers import TrainerCallback

    class Reporting(TrainerCallback):  # type: ignore[misc] # transformers has no types for us
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
            if progress is not None:
                progress("train sentiment", state.global_step, state.max_steps)

    return [Reporting()]

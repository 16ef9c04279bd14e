"""How a sentiment model is trained: every parameter with its default, and what suits two cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from encoders.sentiment.labels import StarRule

__all__ = ["CPU_PRESET", "SentimentConfig"]


@dataclass(frozen=True, slots=True)
class SentimentConfig:
    """How a sentiment model is trained.

    Attributes:
        base: the name of an encoder, or the folder of one or of a decoder.
        three_stars: what a review of three stars is: negative, drop (not used) or neutral (a label of its own).
        epochs: passes over the training rows at most; a fraction is taken.
        batch_size: reviews in a training step.
        eval_batch_size: reviews in a step of validation.
        warmup_steps: steps over which the learning rate rises to its height, or below 1 their share of all steps; over
            the others it falls to zero.
        weight_decay: of AdamW.
        logging_steps: steps from one point of the loss curve to the next.
        learning_rate: at its height.
        max_tokens: tokens of a review that are read.
        class_weights: balanced: each class weighs the same in the loss; none: each review does.
        validation_share: of the different texts, set apart by their hash, never trained on.
        patience: evaluations on the validation part without a better macro F1 that end the training; there are four an
            epoch, at least ten steps apart.
        precision: auto: bfloat16 where the processor computes in it, else float32.
        seed: of the first weights of the head, of the order of the rows and of dropout.
        threads: of the processor.
    """

    base: str = "all-MiniLM-L6-v2"
    three_stars: StarRule = "negative"
    epochs: float = 3.0
    batch_size: int = 16
    eval_batch_size: int = 64
    warmup_steps: float = 500
    weight_decay: float = 0.01
    logging_steps: int = 10
    learning_rate: float = 5e-5
    max_tokens: int = 256
    class_weights: Literal["balanced", "none"] = "balanced"
    validation_share: float = 0.1
    patience: int = 4
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    seed: int = 0
    threads: int = 2


# what suits two cores
CPU_PRESET = SentimentConfig(
    epochs=2.0, batch_size=32, warmup_steps=0.1, learning_rate=1e-4, max_tokens=128, precision="auto"
)

"""What a review's words say of the item: trained by its stars, told as the probability that it is positive."""

from __future__ import annotations

from encoders.sentiment.classifier import SentimentModel, text_key
from encoders.sentiment.config import CPU_PRESET, SentimentConfig
from encoders.sentiment.evaluation import Evaluation, evaluate_sentiment
from encoders.sentiment.head import HeadScores, ReviewTexts, score_reviews
from encoders.sentiment.kept import kept_probabilities
from encoders.sentiment.labels import StarRule, label_names, labels_of, shares_of
from encoders.sentiment.linear import Linear, fit_linear
from encoders.sentiment.measures import Measures, measure
from encoders.sentiment.saving import TrainedSentiment
from encoders.sentiment.tfidf import TfidfModel, fit_tfidf, terms_of
from encoders.sentiment.training import train_sentiment

__all__ = [
    "CPU_PRESET",
    "Evaluation",
    "HeadScores",
    "Linear",
    "Measures",
    "ReviewTexts",
    "SentimentConfig",
    "SentimentModel",
    "StarRule",
    "TfidfModel",
    "TrainedSentiment",
    "evaluate_sentiment",
    "fit_linear",
    "fit_tfidf",
    "kept_probabilities",
    "label_names",
    "labels_of",
    "measure",
    "score_reviews",
    "shares_of",
    "terms_of",
    "text_key",
    "train_sentiment",
]

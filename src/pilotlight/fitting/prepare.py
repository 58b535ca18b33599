"""Everything that learns from features before a network sees them: one scikit-learn Pipeline.

It is fitted on the training rows of a fold and on nothing else. R rows, P columns, F features.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from pilotlight.data.columns import Array
from pilotlight.fitting.question import Question

MOST_FEATURES = 1000
"""Of more, those are kept that alone tell most of the target."""
MOST_CATEGORIES = 100
"""The rarest categories of a column beyond these become one."""
SEEN_OFTEN = 3
"""Categories that fewer training rows have become one, with all that training has not seen."""
FLAT = 500
"""Trials of more steps x channels are averaged in time for baselines that would be slow."""


class TrialScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Each channel of trials to mean 0 and standard deviation 1, over training trials and time.

    Input and output are flat, [R, T * C]. Missing values become the channel's mean. With `padded`
    a channel is added that is 1 where the trial is there and 0 in its padding.
    """

    def __init__(self, shape: tuple[int, int], padded: bool = False) -> None:
        self.shape = shape
        self.padded = padded

    def fit(self, x: Array, y: Any = None) -> TrialScaler:
        """Mean and standard deviation of each channel, [C]."""
        trials = x.reshape(-1, *self.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a channel that is wholly missing
            mean, scale = np.nanmean(trials, (0, 1)), np.nanstd(trials, (0, 1))
        self.mean_: Array = np.nan_to_num(mean)
        self.scale_: Array = np.where(np.nan_to_num(scale) > 0, np.nan_to_num(scale), 1.0)
        return self

    def transform(self, x: Array) -> Array:
        """Scaled trials, flat."""
        trials = (x.reshape(-1, *self.shape) - self.mean_) / self.scale_
        if self.padded:
            there = ~np.isnan(trials).all(axis=2, keepdims=True)
            trials = np.concatenate([trials, there], axis=2)
        return np.asarray(np.nan_to_num(trials).reshape(len(x), -1))


class TimeBins(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Means over stretches of time, so that a trial has at most `most` features; learns nothing.

    With `padded` the last channel says which steps are there, and only these are in the means.
    """

    def __init__(self, shape: tuple[int, int], most: int = FLAT, padded: bool = False) -> None:
        self.shape = shape
        self.most = most
        self.padded = padded

    def fit(self, x: Array, y: Any = None) -> TimeBins:
        """The number of stretches; nothing else to learn."""
        self.bins_ = min(self.shape[0], max(1, self.most // self.shape[1]))
        return self

    def transform(self, x: Array) -> Array:
        """Trials [R, T * C] as [R, bins * C]."""
        steps, channels = self.shape
        trials = x.reshape(-1, steps, channels)
        parts = np.array_split(trials, self.bins_, axis=1)
        return np.concatenate([self._mean(p) for p in parts], axis=1)

    def _mean(self, part: Array) -> Array:
        """[R, steps, C] -> [R, C]."""
        if not self.padded:
            return np.asarray(part.mean(axis=1))
        there = part[:, :, -1:]
        means = (part * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        means[:, -1] = there[:, :, 0].mean(axis=1)
        return np.asarray(means)


class Strongest(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Keep the features that alone tell most of the target, or of one, by their F statistic."""

    def __init__(self, most: int = MOST_FEATURES, classes: bool = True) -> None:
        self.most = most
        self.classes = classes

    def fit(self, x: Array, y: Array) -> Strongest:
        """Positions of the strongest, in their order."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a feature that tells all divides by 0: the strongest
            test = f_classif if self.classes else f_regression
            targets = y.reshape(len(y), -1).T
            scores = np.max([np.nan_to_num(test(x, t)[0], nan=-1.0) for t in targets], axis=0)
        ranked = np.argsort(-scores, kind="stable")
        self.kept_ = np.sort(ranked[: self.most])
        return self

    def transform(self, x: Array) -> Array:
        """Only these features."""
        return x[:, self.kept_]


class Codes(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Categories as indices into a table of embeddings: 1, 2, ... for those that training knows.

    0 stands for all that training has not seen, or seldom; so what the network learns for
    0 is learnt from rare ones. A missing value is a category like others.
    """

    def fit(self, x: Array, y: Any = None) -> Codes:
        """For each column its known values in order, NaN at the end."""
        self.known_ = [_often(column) for column in x.T]
        return self

    def transform(self, x: Array) -> Array:
        """Indices, of the same shape."""
        return np.stack([coded(c, k) for c, k in zip(x.T, self.known_, strict=True)], axis=1)


def _often(column: Array) -> Array:
    values, times = np.unique(column, return_counts=True)
    return np.asarray(values[times >= SEEN_OFTEN])


def coded(column: Array, known: Array) -> Array:
    """The index of each value among the known ones, from 1; 0 where it is none of them."""
    order = np.searchsorted(known, column)  # NaN sorts last, and numpy finds it there
    at = np.minimum(order, len(known) - 1)
    if not len(known):
        return np.zeros(len(column))
    same = (known[at] == column) | (np.isnan(known[at]) & np.isnan(column))
    return np.where(same, at + 1.0, 0.0)


def preparation(question: Question, embedded: Sequence[int] = ()) -> Pipeline:
    """Fill, scale, encode, drop what does not vary, select; not fitted yet. [R, P] -> [R, F].

    A number that is missing becomes the median of the training rows, and a feature is added that
    says so. A category becomes a feature for each of its values that is not rare, and one for all
    that are. The columns `embedded` become one index each, behind all features.
    """
    if not embedded:
        return _features(question, ())
    parts: list[Any] = [("codes", Codes(), list(embedded))]
    if len(embedded) < len(question.features):
        parts.insert(
            0, ("features", _features(question, embedded), list(range(len(question.features))))
        )
    return Pipeline([("both", ColumnTransformer(parts))])


def _features(question: Question, skip: Sequence[int]) -> Pipeline:
    """The preparation of all columns but some."""
    if question.shape is not None:
        return Pipeline([("scale", TrialScaler(question.shape, question.padded))])
    numbers = Pipeline(
        [
            (
                "fill",
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            ),
            ("scale", StandardScaler()),
        ]
    )
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=SEEN_OFTEN,
        max_categories=MOST_CATEGORIES,
        sparse_output=False,
    )
    columns = {k: [c for c in own if c not in skip] for k, own in question.of_kind.items()}
    split = [("number", numbers), ("category", categories)]
    wanted = [(kind, made, columns[kind]) for kind, made in split if columns[kind]]
    return Pipeline(
        [
            ("columns", ColumnTransformer(wanted)),
            ("constant", VarianceThreshold()),
            ("strongest", Strongest(classes=question.task == "classification")),
        ]
    )


def plain_preparation(question: Question) -> Pipeline:
    """For trees, which take numbers as they are, missing ones too: categories become numbers."""
    if question.shape is not None:
        return flat_preparation(question)
    columns = question.of_kind
    numbered = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=250,
    )
    split = [("number", "passthrough"), ("category", numbered)]
    wanted = [(kind, made, columns[kind]) for kind, made in split if columns[kind]]
    return Pipeline([("columns", ColumnTransformer(wanted))])


def flat_preparation(question: Question) -> Pipeline:
    """As `preparation`; long trials are averaged over stretches of time."""
    whole = preparation(question)
    if question.shape is None:
        return whole
    steps, channels = question.shape
    shape = (steps, channels + question.padded)
    return Pipeline([*whole.steps, ("bins", TimeBins(shape, padded=question.padded))])

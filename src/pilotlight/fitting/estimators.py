"""scikit-learn estimators around one network in one configuration: no search, no folds.

They sit in a Pipeline and a GridSearchCV. For an honest score beside baselines, see `pl.fit`.
R rows, F features, K classes.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from pilotlight.core.event import CohortDone, Diverged
from pilotlight.core.lab import Lab
from pilotlight.core.settings import Setting, Settings
from pilotlight.data.columns import Array
from pilotlight.data.generators import named_seed
from pilotlight.data.table import Data
from pilotlight.engine.material import Material
from pilotlight.engine.member import Member
from pilotlight.engine.optim import adamw
from pilotlight.engine.plan import Cohort, Plan
from pilotlight.engine.run import train_cohort
from pilotlight.fitting.learning import training
from pilotlight.fitting.question import Task
from pilotlight.nets.dense import mlp


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: a dense network, trained on all rows that are given."""

    def __init__(
        self,
        *,
        width: int = 64,
        depth: int = 1,
        rate: float = 0.01,
        weight_decay: float = 0.01,
        epochs: int = 100,
        batch: int = 32,
        random_state: Any = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.rate = rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch = batch
        self.random_state = random_state

    def _train(self, x: Array, y: Array, task: Task, outputs: int) -> None:
        """Scale the features, train, and keep the weights as plain arrays."""
        self.mean_: Array = x.mean(axis=0)
        spread = x.std(axis=0)
        self.scale_: Array = np.where(spread > 0, spread, 1.0)
        settings = {
            "rate": float(self.rate),
            "weight_decay": float(self.weight_decay),
            "epochs": int(self.epochs),
            "batch": int(min(self.batch, len(x))),
        }
        inputs = torch.tensor((x - self.mean_) / self.scale_, dtype=torch.float64)
        kind = torch.int64 if task == "classification" else torch.float64
        table = {"rows": (inputs, torch.tensor(y).to(kind))}
        rows = {"train": torch.arange(len(x))}
        seed = named_seed(self._seed(), "estimator") % 2**31
        member = Member(0, "network", seed, Settings(settings))
        plan = Plan((member,), (Cohort(0, (0,), "one network"),), "cpu", "float64")
        self._outputs = outputs
        lab = Lab(
            area="fit",
            seconds=0,
            text="",
            data=Data("rows", lambda: table["rows"]),
            model=lambda s: self._network(x.shape[1]),
            train=training(task, "train"),
            optimizer=adamw,
            settings={
                "rate": Setting(0.0, "log"),
                "weight_decay": Setting(0.0, "linear"),
                "epochs": Setting(1, "whole"),
                "batch": Setting(1, "whole"),
            },
        )
        for event in train_cohort(lab, plan, 0, Material(table, {0: "rows"}, {0: rows})):
            if isinstance(event, Diverged):
                raise ValueError(f"Training diverged. Take a smaller rate than {self.rate}.")
            if isinstance(event, CohortDone):
                self.weights_ = {
                    name.partition("/")[2]: value.numpy() for name, value in event.weights.items()
                }
        self.n_iter_ = int(self.epochs)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        source = self.random_state or np.random.default_rng()
        draw = source.randint if hasattr(source, "randint") else source.integers
        return int(draw(2**31 - 1))

    def _network(self, inputs: int) -> torch.nn.Module:
        return mlp(inputs, [self.width] * self.depth, self._outputs)

    def _outputs_of(self, x: Any) -> torch.Tensor:
        """The network's outputs [R, K] for new rows, in double precision."""
        check_is_fitted(self)
        checked = validate_data(self, x, reset=False, dtype=np.float64)
        with torch.random.fork_rng(devices=[]):
            model = self._network(checked.shape[1]).double()
        model.load_state_dict({n: torch.tensor(w) for n, w in self.weights_.items()})
        inputs = torch.tensor((checked - self.mean_) / self.scale_, dtype=torch.float64)
        with torch.no_grad():
            found: torch.Tensor = model(inputs)
        return found


class PilotlightClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A dense network that tells classes; features are scaled, AdamW trains.

    Parameters: width and depth of the hidden layers, rate, weight_decay, epochs, batch,
    random_state.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows [R, F] with labels [R]."""
        x, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "Classifier can't train when only one class is present: there must be two."
            )
        self._train(x, codes.astype(np.float64), "classification", len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Probabilities [R, K] in the order of `classes_`."""
        return np.asarray(torch.softmax(self._outputs_of(X), dim=1).numpy())

    def predict(self, X: Any) -> Any:
        """The most probable class of each row [R]."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]


class PilotlightRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A dense network that predicts a number; features and target are scaled, AdamW trains.

    Parameters as of PilotlightClassifier.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows [R, F] with numbers [R]."""
        x, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.target_mean_ = float(y.mean())
        self.target_scale_ = float(y.std()) or 1.0
        self._train(x, (y - self.target_mean_) / self.target_scale_, "regression", 1)
        return self

    def predict(self, X: Any) -> Array:
        """A number for each row [R]."""
        found = self._outputs_of(X)[:, 0].numpy()
        return np.asarray(found * self.target_scale_ + self.target_mean_)

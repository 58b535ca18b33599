"""Other ways to train one network, each as its own manual says.

Only what lies between the first and the last step counts, not what a library does before or after.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.tasks import Problem, Trained, accuracy, clock


def loader(problem: Problem) -> DataLoader[Any]:
    """Shuffled full batches, as most scripts have them."""
    return DataLoader(
        TensorDataset(*problem.train),
        batch_size=problem.settings.batch,
        shuffle=True,
        drop_last=True,
        generator=torch.Generator().manual_seed(problem.seed),
    )


class Indexed:
    """The same batches without a DataLoader: rows of a tensor, by a permutation."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._generator = torch.Generator().manual_seed(problem.seed)

    def __iter__(self) -> Iterator[Sequence[Tensor]]:
        inputs, targets = self._problem.train
        size = self._problem.settings.batch
        order = torch.randperm(len(inputs), generator=self._generator).to(inputs.device)
        for first in range(0, len(inputs) - size + 1, size):
            rows = order[first : first + size]
            yield inputs[rows], targets[rows]


def plain_with_loader(problem: Problem, device: str) -> Trained:
    """A plain PyTorch loop over a DataLoader."""
    return _plain(problem, device, loader(problem))


def plain_on_tensors(problem: Problem, device: str) -> Trained:
    """A plain PyTorch loop over rows of a tensor."""
    return _plain(problem, device, Indexed(problem))


def _plain(problem: Problem, device: str, batches: Any) -> Trained:
    model, settings, steps = problem.model, problem.settings, 0
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.rate, momentum=settings.momentum)
    now = clock(device)
    started = now()
    for _ in range(settings.epochs):
        for inputs, targets in batches:
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            steps += 1
    return Trained(steps, now() - started, (accuracy(model, problem.test),))


def scikit_learn(problem: Problem, device: str) -> Trained:
    """MLPClassifier, which has dense networks only."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    dense = [m for m in problem.model.modules() if isinstance(m, nn.Linear)]
    layers = iter(dense)

    class FromTorch(MLPClassifier):  # type: ignore[misc, unused-ignore]
        """Starts from the weights that all start from, not from its own rule."""

        def _init_coef(self, *_: Any) -> Any:
            layer = next(layers)
            return layer.weight.detach().T.numpy().copy(), layer.bias.detach().numpy().copy()

    settings = problem.settings
    full = len(problem.train[0]) // settings.batch * settings.batch
    network = FromTorch(
        hidden_layer_sizes=[layer.out_features for layer in dense[:-1]],
        solver="sgd",
        alpha=0.0,
        batch_size=settings.batch,
        learning_rate_init=settings.rate,
        momentum=settings.momentum,
        nesterovs_momentum=False,
        max_iter=settings.epochs,
        n_iter_no_change=settings.epochs,
        random_state=problem.seed,
    )
    now = clock(device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed
        started = now()
        network.fit(*(t[:full].numpy() for t in problem.train))
        seconds = now() - started
    told = float(network.score(*(t.numpy() for t in problem.test)))
    return Trained(int(network.t_) // settings.batch, seconds, (told,))


def skorch(problem: Problem, device: str) -> Trained:
    """NeuralNetClassifier, without validation and without printing."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback

    now, settings = clock(device), problem.settings

    class Watch(Callback):  # type: ignore[misc, unused-ignore]
        def on_train_begin(self, net: Any, *_: Any, **__: Any) -> None:
            self.seconds = -now()

        def on_train_end(self, net: Any, *_: Any, **__: Any) -> None:
            self.seconds += now()

    watch = Watch()
    net = NeuralNetClassifier(
        problem.model,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=settings.momentum,
        lr=settings.rate,
        max_epochs=settings.epochs,
        batch_size=settings.batch,
        train_split=None,
        iterator_train__shuffle=True,
        iterator_train__drop_last=True,
        iterator_train__generator=torch.Generator().manual_seed(problem.seed),
        callbacks=[("watch", watch)],
        callbacks__print_log=None,
        device=device,
    )
    net.fit(*problem.train)
    steps = sum(len(epoch["batches"]) for epoch in net.history)
    return Trained(steps, watch.seconds, (accuracy(net.module_.eval(), problem.test),))


def lightning(problem: Problem, device: str) -> Trained:
    """Trainer, without logger, checkpoints, progress bar and validation."""
    from lightning import pytorch

    now, settings = clock(device), problem.settings

    class Learner(pytorch.LightningModule):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.network = problem.model

        def training_step(self, batch: Any, _: int) -> Tensor:
            return cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=settings.rate, momentum=settings.momentum)

        def on_train_start(self) -> None:
            self.seconds = -now()

        def on_train_end(self) -> None:
            self.seconds += now()

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    learner = Learner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like worker processes for the data
        trainer = pytorch.Trainer(
            max_epochs=settings.epochs,
            accelerator="cpu" if device == "cpu" else "gpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(learner, loader(problem))
    told = accuracy(problem.model.to(device).eval(), problem.test)
    return Trained(trainer.global_step, learner.seconds, (told,))

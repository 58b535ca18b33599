"""The plain script of a lab that trains, written piece by piece."""

from __future__ import annotations

import ast
import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from pilotlight.core.errors import LabError
from pilotlight.core.lab import Lab
from pilotlight.core.settings import resolve as resolve_settings
from pilotlight.data.table import Data
from pilotlight.engine.optim import Optimizer, sgd
from pilotlight.engine.script_pieces import (
    DRAW,
    EVALUATE_ALL,
    EVALUATE_ROWS,
    KEPT,
    PATIENCE,
    REFERENCE,
)
from pilotlight.engine.source import Gathered, call_keywords, path_of
from pilotlight.engine.steps import Phase, Supervised, Training
from pilotlight.nets.dropout import Dropout

GENERATORS = "pilotlight.data.generators"


class Writer:
    """Writes the program of a lab that trains, piece by piece."""

    def __init__(self, lab: Lab, comparison: str, seed: int) -> None:
        self.lab, self.comparison, self.seed = lab, comparison, seed
        self.path, self.words = call_keywords(lab.source, ast.Name("lab"))
        self.gathered = Gathered()
        self.supervised = isinstance(lab.train, Supervised)
        places = ("loss", "parts") if self.supervised else _fields(Training)
        self.training_path, self.training = call_keywords(self.path, self.words["train"], places)
        self.patience = "patience" in lab.settings
        self.counts_steps = bool(lab.schedule or any(p.when for p in lab.train.phases))
        for name in ("torch", "zlib"):
            self.gathered.imports.add((name, None, name))
        self.gathered.imports.add(("types", "SimpleNamespace", "SimpleNamespace"))
        self.gathered.add(path_of(GENERATORS), "generator")

    def program(self) -> tuple[Gathered, list[str]]:
        """What it needs, and its own parts in order."""
        self.load = self._data() if self.lab.data is not None else ""
        self.split = self._named(self.path, self.words.get("split"), "split", "holdout")
        self.model = self.gathered.add_expression(self.path, self.words["model"], "build_model")
        self.schedule = self._named(self.path, self.words.get("schedule"), "schedule")
        parts = {n: self._named(self.training_path, self.training.get(n), n) for n in _HOOKS}
        self.hooks: Mapping[str, str] = parts
        self.phases = self._phases()
        helpers = [] if self.supervised else [KEPT]
        if self.hooks["noise"] or self.hooks["evaluation_noise"]:
            helpers.append(DRAW)
        body = [self._comparisons(), *helpers, self._evaluate(), self._train(), self._main()]
        return self.gathered, body

    def _named(self, path: str, node: ast.expr | None, name: str, default: str = "") -> str:
        """The name that an argument goes by in the program; empty when it was not given."""
        if node is not None and not (isinstance(node, ast.Constant) and node.value is None):
            return self.gathered.add_expression(path, node, name)
        if default and self.lab.data is not None:
            return self.gathered.add(path_of("pilotlight.data.split"), default)
        return ""

    def _data(self) -> str:
        path, words = call_keywords(self.path, self.words["data"], _fields(Data))
        return self.gathered.add_expression(path, words["load"], "load_rows")

    def _phases(self) -> list[str]:
        if self.supervised:
            node = self.training["loss"]
            return [self.gathered.add_expression(self.training_path, node, "loss_function")]
        listed = self.training.get("phases")
        if not isinstance(listed, ast.List | ast.Tuple):
            raise LabError("No plain script: `phases` is not written as a list in the file.")
        names = []
        for i, element in enumerate(listed.elts):
            path, words = call_keywords(self.training_path, element, _fields(Phase))
            names.append(self.gathered.add_expression(path, words["loss"], f"phase_{i}"))
            if "when" in words:
                self.gathered.add_expression(path, words["when"], f"when_{i}")
        return names

    def _comparisons(self) -> str:
        lines = []
        for name, own in self.lab.compare.items():
            values = resolve_settings(self.lab.declared, {}, own, name)
            inner = "".join(f"        {k}={_literal(v)},\n" for k, v in values.items())
            lines.append(f"    {_literal(name)}: dict(\n{inner}    ),\n")
        return "COMPARISONS = {\n" + "".join(lines) + "}"

    def _evaluate(self) -> str:
        if not self.supervised:
            name = self.hooks["evaluate"]
            return self._evaluate_rows(name) if self.load else EVALUATE_ALL.format(name=name)
        loss = self.phases[0]
        accuracy = (
            "        right = (outputs.argmax(1) == y).double()\n"
            '        measured[f"{part}_accuracy"] = right.mean().item()\n'
        )
        return (
            "@torch.no_grad()\n"
            "def measure(model, inputs, targets, rows):\n"
            '    """Means over the rows of each part, with nothing random going on."""\n'
            "    model.eval()\n"
            "    measured = {}\n"
            f"    for part in {_listed(self.lab.train.parts)}:\n"
            "        outputs, y = model(inputs[rows[part]]), targets[rows[part]]\n"
            f'        measured[f"{{part}}_loss"] = {loss}(outputs, y).item()\n'
            f"{accuracy if self.lab.train.loss is functional.cross_entropy else ''}"
            "    return measured"
        )

    def _evaluate_rows(self, name: str) -> str:
        """How each part is measured, with what the training rows say beside where a lab asks."""
        reference, given = self.hooks["reference"], "noise=noise"
        before = ""
        if reference:
            part = self.lab.train.reference_part
            before = REFERENCE.format(name=reference, part=part)
            given = f"{given}, reference=beside"
        return EVALUATE_ROWS.format(name=name, before=before, given=given)

    def _train(self) -> str:
        pieces = [self._set_up(), self._optimizers()]
        pieces.append(self._rows_loop() if self.load else self._steps_loop())
        return (
            f'def train(comparison="{self.comparison}", seed={self.seed}, dtype=torch.float32, '
            "**changes):\n"
            '    """One network, from its first weights to its last measurement."""\n'
            + textwrap.indent("\n".join(p for p in pieces if p), "    ")
            + "\n    return model, history"
        )

    def _set_up(self) -> str:
        lines = ["settings = SimpleNamespace(**{**COMPARISONS[comparison], **changes})"]
        if self.load:
            given = 'settings, generator(seed, "data")' if self.lab.data.per_seed else ""
            lines += [
                f"inputs, targets = {self.load}({given})",
                "inputs = inputs.to(dtype) if inputs.is_floating_point() else inputs",
                "targets = targets.to(dtype) if targets.is_floating_point() else targets",
                f'rows = {self.split}(targets, settings, generator(seed, "split"))',
            ]
        lines += [
            'torch.manual_seed(named_seed(seed, "init"))',
            f"model = {self.model}(settings).to(dtype)",
        ]
        if self._draws():
            lines.append('noise_generator = generator(seed, "noise")')
        if self._has_dropout():
            name = self.gathered.add(path_of("pilotlight.nets.dropout"), "Dropout")
            lines += [
                "for layer in model.modules():",
                f"    if isinstance(layer, {name}):",
                "        layer.generator = noise_generator",
            ]
        if not self.supervised:
            start = self.hooks["start"]
            lines.append(f"state = kept({start}(model, settings))" if start else "state = {}")
        if self.hooks["evaluation_noise"]:
            declared = self.hooks["evaluation_noise"]
            lines.append(
                f'fixed_noise = draw({declared}(settings), generator(seed, "evaluation"), dtype)'
            )
        return "\n".join(lines)

    def _draws(self) -> bool:
        return bool(self.hooks["noise"]) or self._has_dropout()

    def _has_dropout(self) -> bool:
        """Whether any comparison's network has, so that one program serves them all."""
        assert self.lab.model is not None
        each = [resolve_settings(self.lab.declared, {}, o, n) for n, o in self.lab.compare.items()]
        with torch.random.fork_rng(devices=[]):
            models = [self.lab.model(values) for values in each]
        return any(isinstance(layer, Dropout) for model in models for layer in model.modules())

    def _optimizers(self) -> str:
        lines = []
        for i, phase in enumerate(self.lab.train.phases):
            optimizer = phase.optimizer or self.lab.optimizer or sgd
            moved = (
                f'[p for name, p in model.named_parameters() if name.startswith("{phase.moves}")]'
                if phase.moves
                else "model.parameters()"
            )
            lines.append(f"{self._optimizer_name(i)} = {self._torch_optimizer(optimizer, moved)}")
        return "\n".join(lines)

    def _optimizer_name(self, index: int) -> str:
        name = self.phases[index]
        if len(self.phases) == 1:
            return "optimizer"
        return f"optimizer_{index if self.phases.count(name) > 1 else name}"

    def _torch_optimizer(self, optimizer: Optimizer, moved: str) -> str:
        words: dict[str, str] = {}
        betas: dict[str, str] = {}
        for name in optimizer.defaults:
            keyword, value = optimizer.torch_words[name], self._value(optimizer, name)
            declared = optimizer.setting(name) in self.lab.settings
            if keyword.startswith("betas"):
                betas[keyword] = value
                declared_betas = any(
                    optimizer.setting(b) in self.lab.settings for b in ("beta1", "beta2")
                )
                if declared_betas and len(betas) == 2:
                    words["betas"] = f"({betas['betas[0]']}, {betas['betas[1]']})"
            elif declared or name == "rate":
                words[keyword] = value
        listed = "".join(f",\n    {k}={v}" for k, v in words.items())
        return f"torch.optim.{optimizer.torch_name}(\n    {moved}{listed},\n)"

    def _value(self, optimizer: Optimizer, coefficient: str) -> str:
        """A coefficient as the program writes it: a setting, or the default."""
        setting = optimizer.setting(coefficient)
        declared = setting in self.lab.settings
        return f"settings.{setting}" if declared else repr(optimizer.defaults[coefficient])

    def _rows_loop(self) -> str:
        stages = self.hooks["stages"]
        listed = f"{stages}(settings)" if stages else '[("train", settings.epochs)]'
        for name in ("DataLoader", "Subset", "TensorDataset"):
            self.gathered.imports.add(("torch.utils.data", name, name))
        lines = [f"history = [{self._measure()}]", 'order_generator = generator(seed, "order")']
        if self.schedule:
            lines.append(f"steps = sum(e * (len(rows[p]) // settings.batch) for p, e in {listed})")
        if self.counts_steps:
            lines.append("step = 0")
        if self.patience:
            lines.append('best, waited, weights = float("inf"), 0, model.state_dict()')
        if stages:
            lines += [
                f"for part, epochs in {listed}:",
                textwrap.indent(self._stage("part"), "    "),
            ]
        else:
            lines.append(self._stage('"train"'))
        if self.patience:
            lines.append(
                "if settings.patience:\n    model.load_state_dict(weights)\n"
                f"    history.append({self._measure()})"
            )
        return "\n".join(lines)

    def _stage(self, part: str) -> str:
        """A loop over epochs over batches of one part of the rows."""
        epochs = "epochs" if self.hooks["stages"] else "settings.epochs"
        order = "torch.randperm(len(chosen), generator=order_generator)"
        if own := self.hooks["order"]:
            order = f"{own}(len(chosen), settings, order_generator)"
        lines = [
            f"chosen = Subset(TensorDataset(inputs, targets), rows[{part}].tolist())",
            f"for _ in range({epochs}):",
            "    model.train()",
            f"    order = {order}.tolist()",
            "    loader = DataLoader(chosen, settings.batch, sampler=order, drop_last=True)",
            "    for x, y in loader:",
            textwrap.indent(self._step("x, y"), "        "),
            f"    history.append({self._measure()})",
            "    print(len(history) - 1, history[-1])",
        ]
        if self.patience:
            lines.append(textwrap.indent(PATIENCE, "    "))
        if self.hooks["between"]:
            lines.append(self._between(part))
        return "\n".join(lines)

    def _between(self, part: str) -> str:
        where = f"rows[{part}]"
        return (
            f"batch = SimpleNamespace(inputs=inputs[{where}], targets=targets[{where}])\n"
            f"state = kept({self.hooks['between']}(model, batch, settings, state))"
        )

    def _steps_loop(self) -> str:
        head = f"history = [{self._measure()}]\n"
        if self.schedule:
            head += "steps = settings.steps\n"
        return (
            head
            + "for step in range(settings.steps):\n    model.train()\n"
            + textwrap.indent(self._step(""), "    ")
            + "\n    if (step + 1) % settings.measure_every == 0:\n"
            + f"        history.append({self._measure()})\n"
            + "        print(step + 1, history[-1])"
        )

    def _measure(self) -> str:
        if self.supervised:
            return "measure(model, inputs, targets, rows)"
        noise = "fixed_noise" if self.hooks["evaluation_noise"] else "None"
        if not self.load:
            return f"measure(model, {noise}, settings, state)"
        parts = _listed(self.lab.train.parts)
        return f"measure(model, inputs, targets, rows, {parts}, {noise}, settings, state)"

    def _step(self, row: str) -> str:
        lines: list[str] = []
        if not self.supervised:
            given = ["inputs=x", "targets=y"] if row else []
            if self.hooks["noise"]:
                given.append(f"noise=draw({self.hooks['noise']}(settings), noise_generator, dtype)")
            lines.append(f"batch = SimpleNamespace({', '.join(given)})")
        if self.hooks["collect"]:
            lines += [
                "with torch.no_grad():",
                f"    made, state = {self.hooks['collect']}(model, batch, settings, state)",
                "batch = SimpleNamespace(**made)",
            ]
        for i, phase in enumerate(self.lab.train.phases):
            moves = self._move(i)
            if phase.when is not None:
                moves = f"if when_{i}(step, settings):\n" + textwrap.indent(moves, "    ")
            lines.append(moves)
        if self.load and self.counts_steps:
            lines.append("step += 1")
        return "\n".join(lines)

    def _move(self, i: int) -> str:
        optimizer, name = self._optimizer_name(i), self.phases[i]
        lines = []
        phase = self.lab.train.phases[i]
        if self.schedule:
            chosen = phase.optimizer or self.lab.optimizer or sgd
            lines += [
                f"for group in {optimizer}.param_groups:",
                f'    group["lr"] = {self._value(chosen, "rate")} * float('
                f"{self.schedule}(step, steps, settings))",
            ]
        lines.append(f"{optimizer}.zero_grad()")
        if self.supervised:
            lines.append(f"loss = {name}(model(x), y)")
        else:
            lines.append(f"loss, metrics, state = {name}(model, batch, settings, state)")
        lines.append("loss.backward()")
        if "clip" in self.lab.settings:
            whose = (
                f'{optimizer}.param_groups[0]["params"]' if phase.moves else "model.parameters()"
            )
            lines.append(f"torch.nn.utils.clip_grad_norm_({whose}, settings.clip)")
        lines.append(f"{optimizer}.step()")
        if not self.supervised:
            lines.append("state = kept(state)")
        return "\n".join(lines)

    def _main(self) -> str:
        return 'if __name__ == "__main__":\n    train()'


_HOOKS = (
    "noise",
    "evaluation_noise",
    "start",
    "collect",
    "stages",
    "order",
    "between",
    "reference",
    "evaluate",
)


def _fields(kind: type) -> list[str]:
    return [f.name for f in dataclasses.fields(kind)]


def _literal(value: Any) -> str:
    """A value as Python writes it, text in double quotes; rounding's last digits left out."""
    if isinstance(value, str):
        return f'"{value}"'
    return repr(float(f"{value:.15g}")) if isinstance(value, float) else repr(value)


def _listed(words: Sequence[str]) -> str:
    return "(" + ", ".join(f'"{w}"' for w in words) + ("," if len(words) == 1 else "") + ")"

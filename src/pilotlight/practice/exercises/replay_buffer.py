"""A replay buffer.

An agent that learns from each step as it comes sees the same corner of the world many times in a
row, and forgets the others. A replay buffer keeps the last `capacity` steps. The agent learns from
batches drawn out of it at random: old and new, well mixed, each step used many times over.

- `add` puts a step in. When the buffer is full, it takes the place of the *oldest* one.
- `sample` returns a list of `size` different steps. Every step that is held has the same chance.
  They stay in the buffer. Who asks for more than are held gets a ValueError.
- `len(buffer)` is how many are held.

A step may be any object. Draw only from the generator that you are given: then the same generator
gives the same batches, and a run can be repeated.
"""

from typing import Any

import torch


class ReplayBuffer:
    """Keeps the last `capacity` steps and draws from them with `generator`."""

    def __init__(self, capacity: int, generator: torch.Generator) -> None:
        # --- solution ---
        self.capacity = capacity
        self.generator = generator
        self.steps: list[Any] = []
        self.oldest = 0
        # --- end ---

    def __len__(self) -> int:
        # --- solution ---
        return len(self.steps)
        # --- end ---

    def add(self, step: Any) -> None:
        """Keep `step`, in place of the oldest one if the buffer is full."""
        # --- solution ---
        if len(self.steps) < self.capacity:
            self.steps.append(step)
        else:
            self.steps[self.oldest] = step
            self.oldest = (self.oldest + 1) % self.capacity
        # --- end ---

    def sample(self, size: int) -> list[Any]:
        """`size` different steps, drawn at random."""
        # --- solution ---
        if size > len(self.steps):
            raise ValueError(f"{size} steps asked for, {len(self.steps)} held")
        chosen = torch.randperm(len(self.steps), generator=self.generator)[:size]
        return [self.steps[i] for i in chosen.tolist()]
        # --- end ---


# --- checks ---
from collections import deque

from pilotlight.practice.exercise import Check, Exercise, Wrong, between

SEEDS = 20
DRAWS = 4_000


def filled(answer: Any, capacity: int, steps: int, seed: int = 0) -> Any:
    """A buffer to which the steps 0, 1, 2, ... were added."""
    buffer = answer.ReplayBuffer(capacity, torch.Generator().manual_seed(seed))
    for step in range(steps):
        buffer.add(step)
    return buffer


def held(buffer: Any) -> list[Any]:
    """All that is held, in order of age."""
    return sorted(buffer.sample(len(buffer)))


def fills(answer: Any) -> Any:
    """A buffer that is not full holds every step."""
    buffer = filled(answer, 5, 3)
    return {"length": len(buffer), "held": held(buffer)}


def oldest_goes(answer: Any) -> Any:
    """A full buffer gives up its oldest step for a new one, again and again."""
    buffers = [filled(answer, 4, steps) for steps in (5, 6, 9, 12, 13)]
    return {"held": [held(buffer) for buffer in buffers]}


def any_object(answer: Any) -> Any:
    """A step may be any object, and equal ones count one by one."""
    buffer = filled(answer, 6, 0)
    for step in ([1], [1], None, "a", 0):
        buffer.add(step)
    return {"held": sorted(map(str, buffer.sample(5)))}


def differ(answer: Any) -> Any:
    """No step comes twice in a batch."""
    batches = [filled(answer, 8, 11, seed).sample(7) for seed in range(SEEDS)]
    return {"different steps": [len(set(batch)) for batch in batches]}


def stay(answer: Any) -> Any:
    """Steps that were drawn stay in the buffer, and nothing moves in it."""
    buffer = filled(answer, 4, 6)
    for _ in range(5):
        buffer.sample(3)
    before = held(buffer)
    buffer.add(6)
    return {"held": before, "after one more": held(buffer), "length": len(buffer)}


def too_many(answer: Any) -> Any:
    """Who asks for more than are held gets a ValueError."""
    buffer, said = filled(answer, 10, 3), {}
    for size in (2, 3, 4, 11):
        try:
            said[f"size {size}"] = f"{len(buffer.sample(size))} steps"
        except ValueError:
            said[f"size {size}"] = "ValueError"
    return said


def same_chance(answer: Any) -> Any:
    """Each of 8 steps is in a batch of 2 with chance 1/4: out of 4,000 in 1,000, give or take five
    standard deviations."""
    buffer = filled(answer, 8, 13)
    drawn = [step for _ in range(DRAWS) for step in buffer.sample(2)]
    return {f"step {step}": drawn.count(step) for step in range(5, 13)}


def each_order(answer: Any) -> Any:
    """Any two steps may come together: 28 pairs out of 8 steps."""
    buffer = filled(answer, 8, 8)
    return {"pairs": len({frozenset(buffer.sample(2)) for _ in range(500)})}


def seeds(answer: Any) -> Any:
    """The generator decides: the same one gives the same batches, another one others."""
    batches = []
    for seed in (1, 1, 2):
        buffer = filled(answer, 30, 40, seed)
        batches.append([buffer.sample(6) for _ in range(3)])
    first, again, other = batches
    return {
        "same again": first == again,
        "another seed differs": first != other,
        "every batch differs": first[0] != first[1] != first[2],
    }


def chances() -> Any:
    """The standard deviation of a count is the root of 4,000 * 1/4 * 3/4, or 27."""
    return {f"step {step}": between(863, 1137) for step in range(5, 13)}


class ByDeque:
    """The same by Python's own ring, `collections.deque`, and drawing without putting back."""

    def __init__(self, capacity: int, generator: torch.Generator) -> None:
        self.ring: deque[Any] = deque(maxlen=capacity)
        self.generator = generator

    def __len__(self) -> int:
        return len(self.ring)

    def add(self, step: Any) -> None:
        self.ring.append(step)

    def sample(self, size: int) -> list[Any]:
        if size > len(self.ring):
            raise ValueError("not enough steps")
        even = torch.ones(len(self.ring))
        chosen = torch.multinomial(even, size, generator=self.generator)
        return [self.ring[i] for i in chosen.tolist()]


class ByNumber:
    """Right as well: step number n lies at n modulo capacity, and single draws are repeated."""

    def __init__(self, capacity: int, generator: torch.Generator) -> None:
        self.places: list[Any] = [None] * capacity
        self.generator, self.added = generator, 0

    def __len__(self) -> int:
        return min(self.added, len(self.places))

    def add(self, step: Any) -> None:
        self.places[self.added % len(self.places)] = step
        self.added += 1

    def sample(self, size: int) -> list[Any]:
        if len(self) < size:
            raise ValueError("not enough steps")
        chosen: list[int] = []
        while len(chosen) < size:
            place = int(torch.randint(len(self), (1,), generator=self.generator))
            if place not in chosen:
                chosen.append(place)
        return [self.places[place] for place in chosen]


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any capacity, fewer and more steps than that."""
    capacity, steps, size = torch.randint(1, 9, (3,), generator=generator).tolist()
    buffer = filled(answer, capacity, steps)
    most = min(size, len(buffer))
    return {"length": len(buffer), "held": held(buffer), "batch": buffer.sample(most)}


FULL = "self.steps[self.oldest] = step"
CHOSEN = "torch.randperm(len(self.steps), generator=self.generator)[:size]"

exercise = Exercise(
    area="reinforcement",
    needs=["dqn-target"],
    minutes=20,
    hints=[
        "A list, and the place of the oldest step in it. When the list is full, the new step goes "
        "there, and the next place is the oldest then.",
        "After the last place comes the first: (place + 1) % capacity.",
        "torch.randperm(n, generator=...) is 0 to n - 1 in random order. Its first `size` are "
        "different, and each has the same chance.",
    ],
    tasks={
        "What is held": [fills, oldest_goes, any_object],
        "A batch": [differ, stay, too_many],
        "Chance": [Check(same_chance, chances), each_order, seeds],
    },
    oracle={"ReplayBuffer": ByDeque},
    alternative={"ReplayBuffer": ByNumber},
    sample=at_random,
    wrong=[
        Wrong(
            {
                "self.steps.append(step)": "self.steps.append(step)\n"
                "self.oldest = (self.oldest + 1) % (self.capacity - 1 or 1)"
            },
            "The place of the oldest step moves before the buffer is full: some old steps outlive "
            "newer ones.",
        ),
        Wrong(
            {FULL: "pass"},
            "A full buffer takes nothing more: the agent would learn from its first steps for "
            "ever.",
        ),
        Wrong(
            {"self.oldest = (self.oldest + 1) % self.capacity": "pass"},
            "Each new step takes the same place: the newest is given up, and the old ones stay for "
            "ever.",
        ),
        Wrong(
            {"if len(self.steps) < self.capacity": "if True"},
            "The buffer has no end: nothing is ever given up, and memory fills.",
        ),
        Wrong(
            {"if len(self.steps) < self.capacity": "if len(self.steps) <= self.capacity"},
            "The buffer holds one step too many: it is full at `capacity`, not above.",
        ),
        Wrong(
            {CHOSEN: "torch.randint(len(self.steps), (size,), generator=self.generator)"},
            "Steps are drawn with putting back: the same one may come twice in a batch. Use a "
            "permutation.",
        ),
        Wrong(
            {f"chosen = {CHOSEN}": "chosen = torch.arange(len(self.steps))[-size:]"},
            "The last steps are returned, not random ones: they resemble one another, which is "
            "what the buffer is to prevent.",
        ),
        Wrong(
            {
                CHOSEN: "(torch.arange(size) + torch.randint(len(self.steps), (1,), "
                "generator=self.generator)) % len(self.steps)"
            },
            "A run of neighbours is drawn: steps that followed one another come together. Draw "
            "each on its own.",
        ),
        Wrong(
            {", generator=self.generator": ""},
            "It draws from torch's global generator: what else is drawn in the program changes the "
            "batches. Use the generator that is given.",
        ),
        Wrong(
            {"self.generator = generator": "self.generator = torch.Generator().manual_seed(0)"},
            "It makes a generator of its own, always the same: the caller's seed does nothing.",
        ),
        Wrong(
            {
                "[self.steps[i] for i in chosen.tolist()]": "[self.steps.pop(i % len(self.steps)) "
                "for i in chosen.tolist()]"
            },
            "Steps are taken out of the buffer when they are drawn. They are to stay: each is used "
            "many times.",
        ),
        Wrong(
            {"if size > len(self.steps)": "if False"},
            "Who asks for more than are held gets fewer steps, and is not told. Raise a "
            "ValueError.",
        ),
        Wrong(
            {"if size > len(self.steps)": "if size >= len(self.steps)"},
            "Who asks for just as many as are held is refused: that many can be had.",
        ),
    ],
)

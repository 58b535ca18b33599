# %% [markdown]
# # Ten minutes with Pilotlight
#
# Pilotlight is a laboratory for deep learning. Each idea is a *lab*: a claim, fixed beforehand,
# that many small networks test in seconds, with an honest verdict.
#
# Run the cells from top to bottom. You can stop wherever it says so.
#
# ## Install, once
#
# You need Python 3.11 or later. In the folder of your copy of Pilotlight, in a terminal:
#
# ```sh
# python -m pip install '.[notebooks]'
# ```
#
# - **You have PyTorch 2.11 or later:** it is kept. The rest is small.
# - **You do not, and you are on Linux:** pip brings PyTorch's build for Nvidia GPUs: several
#   gigabytes. If you have no such GPU, install PyTorch's CPU build first, as the "Get started" page
#   of pytorch.org says. It is about a tenth of the size.
# - **You do not, on Windows or a Mac:** pip brings the CPU build by itself.
#
# Nothing else is downloaded. The data come with scikit-learn.
#
# ## Run a lab
#
# The lab `momentum` asks: does momentum need fewer steps, and why? It trains small networks to read
# handwritten digits, in eight ways. With `quick=True` it takes three seeds and a short training.

# %%
import pilotlight as pl

run = pl.run("momentum", quick=True)
run  # noqa: B018

# %% [markdown]
# ## Read the table
#
# Each row is a claim.
#
# - **Effect**: the difference between two ways to train, averaged over the seeds. Both ways start
#   from the same weights and see the same data, seed by seed.
# - **Interval**: the effects that agree with what was seen, given how much the seeds differ.
# - **p**: how surprising these numbers would be if the effect lay right on the claim's bound.
#   Interval and p are corrected for the number of claims.
# - **Scope**: the data and the networks behind it. The claim may not hold elsewhere.
#
# There is no verdict yet. Three seeds and a short training decide nothing, and the table says so.
# The whole lab takes some ten seconds:
#
# ```python
# pl.run("momentum")
# ```
#
# Then each claim is **supported** (the whole interval lies where the claim said), **refuted** (it
# lies wholly elsewhere) or **undecided** (it lies across). Undecided is a respectable answer.
#
# The interrupt button stops a run. What was trained is kept, and a message says how to go on.
#
# You can stop here.

# %% [markdown]
# ## Look at the numbers
#
# `run.history` holds every curve: metric, then comparison, then one list for each seed. Here is how
# accurate each network was in the end, three seeds to a line.

# %%
print("metrics:", *run.history)
for name, curves in run.history["test_accuracy"].items():
    print(f"{name:24}", *(f"{curve[-1]:.3f}" for curve in curves))

# %% [markdown]
# ## Draw a plot of your own
#
# A thin line is one network. A thick line is the mean over seeds.

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots()
for name, colour in {"plain": "tab:blue", "heavy_ball": "tab:orange"}.items():
    epochs = run.history["epoch"][name][0]
    accuracy = np.array(run.history["test_accuracy"][name], dtype=float)  # seeds x evaluations
    axes.plot(epochs, accuracy.T, color=colour, alpha=0.4, linewidth=1)
    axes.plot(epochs, accuracy.mean(axis=0), color=colour, linewidth=3, label=name)
axes.set_xlabel("epoch")
axes.set_ylabel("test accuracy")
axes.legend()
plt.show()

# %% [markdown]
# ## Change a setting
#
# Did momentum look good because the rate was small? Make it ten times larger.
#
# A run with changed settings is for exploring. It gives no verdict, however many seeds it has. That
# is on purpose: whoever tries settings until one works has proved nothing.

# %%
pl.run("momentum", quick=True, changes={"rate": 0.1})

# %% [markdown]
# ## See it as plain PyTorch
#
# A lab is ordinary PyTorch. This prints one of its networks as a program that needs nothing of
# Pilotlight: the data, the network, the loop. It gives the same numbers. In a terminal:
# `pilotlight show momentum --script > momentum.py`.

# %%
print(run.report.script)

# %% [markdown]
# You can stop here.
#
# ## Write a lab of your own
#
# A lab reads like a methods section: the data, the network, the settings with their ranges, what is
# compared, what is claimed. `model` makes an ordinary `nn.Module` from the settings. Fix the claim,
# and what you expect, before you run.

# %%
from torch.nn.functional import cross_entropy

lab = pl.Lab(
    name="width",
    question="Does a wider hidden layer read digits better?",
    area="mine",
    seconds=10,
    text="Sixteen hidden units or two hundred and fifty-six, everything else equal.",
    data=pl.digits,
    model=lambda s: pl.mlp(64, [s.width], 10),
    train=pl.supervised(cross_entropy),
    optimizer=pl.adam,
    settings={"rate": pl.log(1e-4, 1, 0.01), "width": 16, "batch": 64, "epochs": 5},
    compare={"narrow": {}, "wide": {"width": 256}},
    claims={
        "better": pl.Claim(
            "The wide layer is at least half a point more accurate.",
            "wide",
            "narrow",
            at_least=0.005,
            expected=pl.SUPPORTED,
        )
    },
    scope="digits 8x8, MLP 64-16-10 against 64-256-10, five epochs",
)
pl.run(lab)

# %% [markdown]
# This one has a verdict: it ran as it was declared, with all its seeds.
#
# Change the claim or the width and run the cell again. If you then keep the claim that came out
# best, test it on seeds that you have not looked at. The verdict on seeds that chose it is worth
# nothing.
#
# ## Where to go next
#
# - `pilotlight list` shows all labs, `pilotlight show NAME` one of them. They are also listed in
#   [labs.md](labs.md), and the commands in [commands.md](commands.md).
# - Save your lab as a file, `my_lab.py`, and say `pilotlight run ./my_lab.py`.
#   [CONTRIBUTING.md](../CONTRIBUTING.md) has a whole example. `pl.check_lab("./my_lab.py")` tells
#   you what is wrong with it.
# - Every run is a folder below `runs`. `pl.open_run(run.folder)` opens one again, and its
#   `report.html` can be sent to a colleague.
# - `pilotlight doctor` says what your machine has, and what that means.

"""Figures of training runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicekit.names import LAST_EPOCHS
from devicekit.plot import COLOURS
from snn.training import TrainingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {"offline": "offline", "insitu": "in situ", "hybrid": "hybrid"}


def plot_accuracy(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Train and test accuracy [1] after each epoch.

    Parameters
    ----------
    result : TrainingResult
        A training run.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
    """
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.0, 4.0), layout="constrained").subplots()
    epochs = [row.epoch for row in result.epochs]
    ax.plot(
        epochs,
        [row.train_accuracy for row in result.epochs],
        "--",
        color="0.45",
        label="training part, while learning",
    )
    ax.plot(
        epochs,
        [row.test_accuracy for row in result.epochs],
        "o-",
        ms=3,
        color=COLOURS["ltp"],
        label="test part",
    )
    if result.accuracy_after_mapping is not None:
        turn = result.config.offline_epochs + 0.5
        ax.plot([turn], [result.accuracy_after_mapping], "kx", label="test part, just after mapping")
        ax.axvline(turn, color="0.7", linewidth=1)
    last = min(LAST_EPOCHS, len(result.epochs))
    ax.set_xlabel("epoch")
    ax.set_ylabel("accuracy (fraction)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(
        f"{WORDS[result.scheme]}, {result.data['name']}: {result.accuracy_mean_last:.1%} "
        f"({'1 epoch' if last == 1 else f'last {last} epochs'})",
        fontsize="medium",
    )
    ax.legend(fontsize="small", frameon=False)
    return ax

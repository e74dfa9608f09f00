"""`devicekit train`: a spiking network trained on a card."""

from __future__ import annotations

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.verbs.train import TrainRequest, run_training


@with_options
def train_command(*, request: TrainRequest, force: Force = False, json_output: Json = False) -> int:
    """Train a spiking network on the devices of a card.

    The network is 64-1000-10; --out DIR receives metrics.json, report.html and network.npz, the
    trained devices one by one, which devicekit export takes.

    Examples:
        devicekit train card.json --scheme hybrid --out hybrid
        devicekit train card.json --data optdigits --data-dir optdigits/
        devicekit train card.json --set margin=3 --set stuck=0.02
    """
    return conclude(run_training, request, "train", force, json_output)

"""Make docs/img/overview.png, the picture in README, from the shipped measured devices."""

from pathlib import Path

from matplotlib.figure import Figure

from devicekit.fitting.device import fit
from devicekit.system import catalog
from physics.iv import simulate_iv
from snn.data.load import load
from snn.training import TrainingConfig, train


def main() -> None:
    dataset = catalog.get(catalog.EXAMPLE)
    result = fit(dataset.data)
    card = result.to_card(dataset.name, dataset.data)
    training = train(card, TrainingConfig(), load("digits"))
    figure = Figure(figsize=(11, 6.6), layout="constrained", dpi=110)
    shown = {
        "1. Fit: 20 VCM devices, 10 cycles (measured)": result,
        "2. Rate curve with 95 % band": card,
        "3. In-situ training, load_digits 75/25": training,
        "4. Simulated set I-V, default stack; line: V_set": simulate_iv(),
    }
    for ax, (title, each) in zip(figure.subplots(2, 2).flat, shown.items(), strict=True):
        each.plot(ax=ax).set_title("")
        ax.set_title(title, loc="left", fontsize="medium")
        if each is result:  # its legend stands above the Axes, where the title is
            ax.set_ylim(top=1.25 * ax.get_ylim()[1])
            ax.legend(loc="upper center", ncols=3, fontsize="small", frameon=False)
    figure.savefig(Path(__file__).parent / "img" / "overview.png")


if __name__ == "__main__":
    main()

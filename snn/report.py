"""Sections and sentences of a report about a training and about what limits its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devicekit.core.quantities import LAST_EPOCHS
from devicekit.core.scalars import Scalar
from devicekit.core.text import percent, percent_span, si
from devicekit.device.card import DeviceCard
from devicekit.device.programmed import ProgrammingSummary
from devicekit.device.report import provenance, rate_section
from devicekit.device.variation import applied_variation
from devicekit.report import Block, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import short, source_line, warnings_section
from snn.baselines import Baseline
from snn.benchmark.result import ODDS, Benchmark
from snn.benchmark.task import HIDDEN, IMAGES
from snn.result import TrainingResult

SCHEMES = {
    "insitu": "trained in situ",
    "offline": "trained offline",
    "hybrid": "trained offline, then in situ",
}


def training_section(
    result: TrainingResult, card: DeviceCard | None = None, benchmark: Benchmark | None = None
) -> Section:
    """Build the section of a training: accuracy per epoch, the data split, and the benchmark if there is one."""
    data = result.data
    figure = draw(
        result.panel(),
        f"Accuracy per epoch on {data.name}; {data.n_train} training, {data.n_test} test samples.",
        "Training and test accuracy against epoch",
    )
    caption = "Training. One run; the test part was not used for any choice."
    blocks: list[Block] = [figure, Table(("quantity", "value"), _training_rows(result, card), caption)]
    if benchmark is not None:
        caption = (
            f"Benchmark. The device and an ideal device (the same card without its flaws) in networks of {HIDDEN} "
            f"hidden neurons, {IMAGES} images; {benchmark.trainings}; {benchmark.split}. "
            "Causes of the loss: devicekit benchmark."
        )
        blocks.append(Table(ODDS, benchmark.odds(), caption))
    caption = "Settings. Chosen automatically from the mean step of the card; dimensionless."
    blocks.append(Table(("setting", "value", "meaning"), _setting_rows(result), caption))
    return Section("Training", "training", blocks)


def reference_section(others: Sequence[Baseline], result: TrainingResult) -> Section:
    """Build the section with ordinary classifiers on the same split."""
    rows = [Baseline(f"this network, {result.basis}", "spikes", result.accuracy_mean_last), *others]
    caption = "Test accuracy on the same split; ordinary classifiers take numbers, not spikes"
    return Section("Ordinary classifiers", "beside", [Table.of(rows, caption)])


def _training_rows(result: TrainingResult, card: DeviceCard | None) -> list[tuple[str, str]]:
    """Return the rows of a table about a training run."""
    value = result.accuracy_mean_last
    spread = f" (sd over them {percent(result.accuracy_std_last)})" if len(result.epochs) > 1 else ""
    rows = [(f"test accuracy, {result.basis}", f"{percent(value)}{spread}")]
    if result.still_learning:
        rows.append(("still learning", result.still_learning))
    for name, accuracy in (
        ("test accuracy just after mapping", result.accuracy_after_mapping),
        ("test accuracy, weights programmed into devices", result.accuracy_programmed),
    ):
        if accuracy is not None:
            rows.append((name, percent(accuracy)))
    rows += [
        ("95 % interval, binomial", percent_span(*result.accuracy_ends)),
        ("scheme", SCHEMES[result.scheme]),
        ("data", f"{result.data.name}, {result.data.split}"),
        ("pulses per device, all epochs, mean", f"{result.pulses_per_device:.3g}"),
        ("time of training one epoch, median", si(result.seconds_per_epoch, "s", 2)),
    ]
    if result.write_energy_j is not None:
        rows.append(("energy of all pulses (V² G t, G mid-window)", si(result.write_energy_j, "J")))
    if result.programming is not None:
        rows += _programming_rows(result.programming)
    if result.forgetting:
        rows.append(("volatile part of the devices", result.forgetting))
    if card is not None and result.scheme != "offline":
        rows.append(("variation of the devices", _variation_in_training(card, result)))
    return rows


_IN_SITU = frozenset({"eta", "theta", "theta_growth", "eta_decay"})


def _setting_rows(result: TrainingResult) -> list[tuple[str, str, str]]:
    """Return the automatic settings that the scheme uses, with their meanings."""
    return [
        (each.name, short(getattr(result.recipe, each.field)), each.quantity.description)
        for each in result.recipe.columns()
        if not (result.scheme == "insitu" and each.name.startswith("offline"))
        and not (result.scheme == "offline" and each.name in _IN_SITU)
    ]


def _programming_rows(written: ProgrammingSummary) -> list[tuple[str, str]]:
    """Return the rows of a table about writing the weights into devices."""
    rows = [("weights written into devices", written.words)]
    if written.error_sd is not None and written.error_mean is not None:
        error = f"mean {percent(written.error_mean)}, sd {percent(written.error_sd)} of the window"
        rows.append(("error of the verified devices", error))
    for name, energy in (("pulses", written.write_energy_j), ("verifying", written.verify_energy_j)):
        if energy is not None:
            rows.append((f"energy of writing, {name} (V² G t)", si(energy, "J")))
    return rows


def _variation_in_training(card: DeviceCard, result: TrainingResult) -> str:
    """Describe the variation of the devices in a training."""
    config = result.config
    has = applied_variation(card, config.c2c, config.d2d)
    if config.c2c == "none":
        updates = "none, as requested"
    elif not has.scatter:
        updates = "unknown, none applied"
    else:
        parts = []
        for direction, sigma in has.sigma.items():
            share = f" and {percent(has.relative[direction])} of the step" if has.relative[direction] else ""
            parts.append(f"{direction.upper()} {percent(sigma)} of the window{share}")
        updates = ", ".join(parts) + (" (the spread, as in the paper)" if config.c2c == "paper" else "")
    devices = {
        "resample": f"drawn from {len(card.devices)} fitted devices",
        "shared": "correlated rates drawn from their covariance",
        None: "none, as requested" if config.d2d == "none" else "one device known, none applied",
    }
    fluctuation = "; reversible fluctuation: drawn" if has.fluctuates else ""
    reading = f"; read noise: {'drawn' if config.read_noise else 'not drawn'}"
    return f"scatter (sd) of one update: {updates}; device to device: {devices[has.devices]}{fluctuation}{reading}"


def accuracy_words(result: TrainingResult) -> str:
    """Return the accuracy of a training run with its interval and the name of the data."""
    ends = percent_span(*result.accuracy_ends)
    return f"{percent(result.accuracy_mean_last)} test accuracy on {result.data.name} (95 % over test images: {ends})"


def accuracy_basis(result: TrainingResult) -> str:
    """Describe the basis of an accuracy: epochs, split and error."""
    data, epochs = result.data, len(result.epochs)
    last = min(LAST_EPOCHS, epochs)
    basis = f"the mean of the last {last} of {epochs} epochs" if epochs > 1 else "that after 1 epoch"
    learning = f" Still learning: {result.still_learning}." if result.still_learning else ""
    of_data = f"Data split: {data.split}; interval for {data.n_test} test samples."
    return f"The accuracy is {basis}, with one seed.{learning} {of_data}"


def accuracy_number(result: TrainingResult) -> Scalar:
    """Return the test accuracy with its interval."""
    low, high = result.accuracy_ends
    label = f"test accuracy on {result.data.name}, {result.basis}"
    return Scalar("test_accuracy", label, result.accuracy_mean_last, of="test samples", low=low, high=high)


def training_numbers(result: TrainingResult, others: Sequence[Baseline] = ()) -> list[Scalar]:
    """Return the most important numbers of a training run."""
    shown = [accuracy_number(result)]
    for name, label, value in (
        ("accuracy_programmed", "accuracy with weights programmed into devices", result.accuracy_programmed),
        ("accuracy_after_mapping", "accuracy just after mapping", result.accuracy_after_mapping),
    ):
        if value is not None:
            shown.append(Scalar(name, label, value, of="test samples"))
    if others:
        best = max(others, key=lambda each: each.test_accuracy)
        label = f"{best.classifier} on the same split"
        shown.append(Scalar("accuracy_classifier", label, best.test_accuracy, of="test samples"))
    shown.append(Scalar("pulses_per_device", "pulses per device, all epochs, mean", result.pulses_per_device))
    if result.write_energy_j is not None:
        shown.append(Scalar("write_energy_j", "energy of all pulses", result.write_energy_j, "J"))
    if (written := result.programming) is not None:
        shown.append(Scalar("programming_pulses", "pulses per device to program it, mean", written.pulses_mean))
        flagged = written.failed + written.stuck
        shown.append(Scalar("programming_flagged", "failed or stuck when programmed", flagged, of="devices"))
    return [*shown, Scalar("epochs", "epochs", len(result.epochs)), Scalar("test", "test samples", result.data.n_test)]


def train_page(
    result: TrainingResult, card: DeviceCard, others: Sequence[Baseline], command: str, seed: int | None
) -> Report:
    """Build the page of a training run.

    Parameters
    ----------
    result : TrainingResult
    card : DeviceCard
        Card of the training.
    others : sequence of Baseline
        Ordinary classifiers on the same split; empty if none were trained.
    command : str
        Command that makes the page.
    seed : int or None
    """
    found = training_section(result, card)
    trained = replace(found, blocks=[*found.blocks[:1], *(Text([each]) for each in _note(result)), *found.blocks[1:]])
    sections = [
        trained,
        *([reference_section(others, result)] if others else []),
        warnings_section((*card.warnings, *result.warnings)),
        provenance(card, command, seed),
    ]
    return Report(
        f"Training on {card.name}",
        training_verdict(result, card, others),
        sections=sections,
        marks=mark_keys(card.provenance.marks),
        pictures=[*trained.figures, *rate_section(card).figures],
        numbers=training_numbers(result, others),
        warnings=(*card.warnings, *result.warnings),
        source=" · ".join(
            [
                source_line(f"card {card.name}, of {card.provenance.source}", card.provenance.sha256),
                f"split: {result.data.split}",
            ]
        ),
    )


def training_verdict(result: TrainingResult, card: DeviceCard, others: Sequence[Baseline] = ()) -> str:
    """Return the accuracy of a training run with its interval, and what to compare it with, in one sentence."""
    reached = accuracy_words(result)
    where = "trained in situ on it" if result.scheme == "insitu" else SCHEMES[result.scheme]
    words = f"The device of card {card.name}, in a spiking network {where}, reaches {reached}"
    if result.scheme == "offline":
        words = f"A spiking network trained offline, with floating-point weights, reaches {reached}"
    if result.accuracy_programmed is not None:
        words += f", and {percent(result.accuracy_programmed)} once programmed into devices"
    if result.accuracy_after_mapping is not None:
        words += f", from {percent(result.accuracy_after_mapping)} before the first pulse"
    if others:
        best = max(others, key=lambda each: each.test_accuracy)
        words += f"; the best ordinary classifier, {best.classifier}, reaches {percent(best.test_accuracy)}"
    return f"{words}."


def _note(result: TrainingResult) -> list[str]:
    """Return what to do to see the cost of a device's flaws, where this network hides them."""
    hidden = result.config.hidden
    if result.scheme == "offline" or hidden <= HIDDEN:
        return []
    return [f"{hidden} hidden neurons hide most flaws of a device: devicekit benchmark measures their cost."]


def verdict(result: TrainingResult, benchmark: Benchmark | None) -> list[str]:
    """Return the verdict of a run: accuracy in situ, and the loss compared with an ideal device."""
    reached = f"this device reaches {accuracy_words(result)}"
    if benchmark is None:
        return [f"Trained in situ, {reached}; the loss compared with an ideal device was not measured."]
    hidden = result.config.hidden
    wide = f" with {hidden} hidden neurons, where flaws of a device hardly show" if hidden > HIDDEN else ""
    basis = f"Benchmark: {benchmark.trainings}; {benchmark.split}."
    return [
        f"Trained in situ{wide}, {reached}.",
        " ".join(words for words in (benchmark.verdict, benchmark.fit_uncertainty, basis) if words),
    ]

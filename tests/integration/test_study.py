"""Studies: the same table whatever the number of workers, after kill -9, and with failed runs in it."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from devicekit.core.errors import DevicekitError, ParameterError, UsageError
from devicekit.device.card import load_card
from devicekit.studies.report import study_report
from devicekit.studies.run_result import RunResult
from devicekit.studies.runner import run_study
from devicekit.studies.spec import expand, load_spec, plans
from devicekit.studies.tasks import ResampleTask, files_of, get_task
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.system import catalog
from snn.benchmark.task import accuracy, few_shot, setting

STUDY = """
name = "tiny"
task = "train"
seeds = [0, 1]
[fixed]
card = "pt-hfo2-al2o3-ti"
epochs = 1
hidden = 64
[grid]
schedule = ["growth", "constant"]
[[cases]]
label = "whole"
[[cases]]
label = "a fifth stuck"
stuck = 0.2
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.toml").write_text(STUDY)
    run_study(folder / "tiny.toml", folder / "out")
    return (folder / "out" / "results.csv").read_text()


def test_the_grid_is_crossed_with_cases_and_seeds(study: Path) -> None:
    runs = expand(load_spec(study), study.parent, files_of)
    assert len(runs) == 8
    assert len({run.key for run in runs}) == 8
    assert runs[0].label == "whole (schedule=growth)"
    assert runs[-1].settings["stuck"] == 0.2


def test_the_table_is_tidy(expected: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(expected)
    table = pd.read_csv(tmp_path / "t.csv")
    assert len(table) == 8
    assert (table["status"] == "done").all()
    assert table["accuracy_mean_last"].between(0.3, 1).all()
    assert table["card_sha256"].str.len().eq(64).all()
    assert table["data_split"].notna().all()


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_two_jobs_give_the_same_table(study: Path, expected: str, tmp_path: Path, backend: str) -> None:
    with joblib.parallel_config(backend):
        run_study(study, tmp_path / "out", jobs=2)
    assert (tmp_path / "out" / "results.csv").read_text() == expected


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_table(study: Path, expected: str, tmp_path: Path) -> None:
    scheduler = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(tmp_path / "s.json"),
    ]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        "--scheduler-file",
        str(tmp_path / "s.json"),
        "--no-dashboard",
        "--nthreads",
        "1",
        "--host",
        "127.0.0.1",
        "--local-directory",
        str(tmp_path),
    ]
    root = Path(__file__).parents[2]  # so that workers find the packages, installed or not
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": root}
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        for _ in range(300):
            if (tmp_path / "s.json").exists():
                break
            time.sleep(0.1)
        processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
        address = json.loads((tmp_path / "s.json").read_text())["address"]
        command = [
            sys.executable,
            "-m",
            "devicekit",
            "study",
            str(study),
            "--out",
            str(tmp_path / "out"),
            "--dask",
            address,
        ]
        subprocess.run(command, check=True, timeout=300, capture_output=True, cwd=Path(__file__).parents[2])
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
    assert (tmp_path / "out" / "results.csv").read_text() == expected


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_table(study: Path, expected: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "devicekit", "study", str(study), "--out", str(out), "--json"]
    rng = random.Random(1)
    finished: list[int] = []
    for _ in range(5):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
        )
        time.sleep(rng.uniform(1.5, 5.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = sorted((out / "runs").glob("*.json")) if out.exists() else []
        for path in done:
            json.loads(path.read_text())  # whole, never half-written
        finished.append(len(done))
    before = {path.name: path.stat().st_mtime_ns for path in (out / "runs").glob("*.json")} if out.exists() else {}
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    assert (out / "results.csv").read_text() == expected
    assert finished == sorted(finished)
    for name, written in before.items():
        assert (out / "runs" / name).stat().st_mtime_ns == written  # finished runs are not repeated


def test_a_failed_run_is_recorded_and_stops_nothing(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from devicekit.studies.tasks import TrainTask

    original = TrainTask.run

    def sometimes(self: TrainTask, settings: Any, seed: int, base: Path) -> dict[str, Any]:
        if seed == 1:
            raise MemoryError("no memory on this seed")
        return original(self, settings, seed, base)

    monkeypatch.setattr(TrainTask, "run", sometimes)
    result = run_study(study, tmp_path / "out")
    assert len(result.failed) == 4
    assert result.failed["reason"].str.contains("no memory").all()
    assert result.summary()["n"].tolist() == [1, 1, 1, 1]
    monkeypatch.setattr(TrainTask, "run", original)
    assert len(run_study(study, tmp_path / "out").failed) == 0  # the reason was mended: failed runs are tried again


def test_a_full_disk_loses_nothing_that_was_finished(
    study: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = os.replace, []

    def full(source: Any, target: Any) -> None:
        if Path(target).parent.name == "runs" and len(written) >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.extend([target] if Path(target).parent.name == "runs" else [])
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DevicekitError, match="No space left"):
        run_study(study, tmp_path / "out")
    monkeypatch.undo()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}
    assert len(kept) == 3  # and no temporary file
    run_study(study, tmp_path / "out")
    assert (tmp_path / "out" / "results.csv").read_text() == expected
    assert all(path.stat().st_mtime_ns == written_at for path, written_at in kept.items())


def test_an_unwritable_folder(devicekit: Callable[..., Any], study: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ran = devicekit("study", study, "--out", tmp_path / "file" / "out", "--json")
    assert ran.code == 2
    assert "cannot write" in ran.json["error"]["message"]


class _Cluster:
    """What a dask client answers when its workers are asked for their devicekit."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def wait_for_workers(self, n_workers: int, timeout: float) -> None:
        if isinstance(self.answer, TimeoutError):
            raise self.answer

    def run(self, function: Any, *arguments: Any, on_error: str) -> dict[str, object]:
        return {"tcp://1": self.answer}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (TimeoutError(), "no worker"),
        (ModuleNotFoundError("No module named 'devicekit'"), "cannot import devicekit"),
        ("0.0.1", r"found: 0\.0\.1"),
    ],
)
def test_workers_without_this_devicekit_are_named(answer: object, words: str) -> None:
    from devicekit.studies.runner import _check_workers

    with pytest.raises(DevicekitError, match=words):
        _check_workers(_Cluster(answer), "tcp://0")


def test_the_paper_preset_is_literal_and_single_settings_still_count() -> None:
    from devicekit.verbs.train import training_config

    config = training_config({"preset": "paper", "epochs": 7}, 3)
    assert (config.policy, config.mapping, config.epochs, config.seed) == ("literal", "reference", 7, 3)
    with pytest.raises(DevicekitError, match="preset"):
        training_config({"preset": "papr"}, 0)


def test_settings_of_two_numbers_are_one_word() -> None:
    from devicekit.verbs.train import training_config

    config = training_config({"tile": "64x32", "theta": "0.5,0.25", "scales": "1.5x2"}, 0)
    assert (config.tile, config.theta, config.scales) == ((64, 32), (0.5, 0.25), (1.5, 2.0))
    assert all(isinstance(each, int) for each in config.tile)
    for wrong in ("64", "64x32x16", "axb", "64.5x32", 64):
        with pytest.raises(DevicekitError, match="tile"):
            training_config({"tile": wrong}, 0)


@pytest.mark.slow
def test_accuracy_over_the_fits_uncertainty(tmp_path: Path) -> None:
    theta = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}
    generate(truth_card(theta), 1, 4, 40, 1, conditioning=1).to_csv(tmp_path / "trains.csv")
    file = tmp_path / "u.toml"
    file.write_text(
        'name = "u"\ntask = "resample"\npool = ["draw"]\nseeds = [0]\n[fixed]\n'
        'table = "trains.csv"\nepochs = 1\nhidden = 96\n[grid]\ndraw = [0, 1, 2]\n'
    )
    result = run_study(file, tmp_path / "out")
    assert result.table["accuracy_mean_last"].nunique() == 3  # three different cards
    assert result.summary()["n"].tolist() == [3]
    assert {"sd_seeds", "sd_pool"} <= set(result.summary())
    assert result.table["synthetic"].tolist() == [False] * 3  # for all that a file of one's own says


def test_a_resampling_study_takes_a_shipped_set_by_its_name(tmp_path: Path) -> None:
    shipped, task = {"table": "pt-hfo2-al2o3-ti"}, ResampleTask()
    assert task.file(shipped, tmp_path) == catalog.get("pt-hfo2-al2o3-ti").data
    assert task.is_synthetic(shipped)


def test_what_a_run_reads_is_part_of_its_key(tmp_path: Path) -> None:
    """A card or a table, be it a folder, that was changed is another run."""
    folder = tmp_path / "ramps"
    folder.mkdir()
    (tmp_path / "u.toml").write_text('name = "u"\ntask = "resample"\n[fixed]\ntable = "ramps"\n')
    keys = []
    for content in ("rmp1\n1e-4\n", "rmp1\n2e-4\n", "rmp1\n1e-4\n"):
        (folder / "set.csv").write_text(content)
        keys.append(expand(load_spec(tmp_path / "u.toml"), tmp_path, files_of)[0].key)
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('table = "gone.csv"', "does not exist"),
        ("epochs = 1", r"resample.*table"),
        ('table = "pt-hfo2-al2o3-ti"\ndraw = -1', r"draw.*-1"),
    ],
)
def test_bad_resampling_studies(lines: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "u.toml").write_text(f'name = "u"\ntask = "resample"\n[fixed]\n{lines}\n')
    with pytest.raises(DevicekitError, match=words):
        run_study(tmp_path / "u.toml", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("task =", "tusk ="), "tusk"),
        (('task = "train"', 'task = "dance"'), "dance"),
        (("hidden = 64", "hidden = -1"), "hidden"),
        (("stuck = 0.2", "stock = 0.2"), "stock"),
        (('card = "pt-hfo2-al2o3-ti"', 'card = "missing.json"'), "missing.json"),
        (("seeds = [0, 1]", "seeds = []"), "seeds"),
        (("seeds = [0, 1]", "seeds = [0, 0]"), "each seed once"),
        (("epochs = 1", "epochs ="), "TOML"),
    ],
)
def test_bad_studies_are_refused_before_anything_runs(
    change: tuple[str, str], words: str, study: Path, tmp_path: Path
) -> None:
    study.write_text(STUDY.replace(*change))
    with pytest.raises(DevicekitError) as caught:
        run_study(study, tmp_path / "out")
    assert words in str(caught.value)
    assert "Value error" not in str(caught.value)  # pydantic's own words
    assert not (tmp_path / "out").exists()


def test_cases_of_one_label_are_refused(study: Path, tmp_path: Path) -> None:
    study.write_text(STUDY + '\n[[cases]]\nlabel = "x"\nstuck = 0.1\n\n[[cases]]\nlabel = "x"\nstuck = 0.2\n')
    with pytest.raises(DevicekitError, match=r"cases:.*label"):
        run_study(study, tmp_path / "out")


def test_a_folder_of_something_else_is_refused(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(DevicekitError, match=r"'tiny'.*out="):
        run_study(study, out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_command_line(devicekit: Callable[..., Any], study: Path, tmp_path: Path) -> None:
    ran = devicekit("study", study, "--out", tmp_path / "out", "--set", "hidden=64", "--json")
    assert ran.code == 0
    assert ran.json["runs"] == 8
    assert "Test accuracy" in (tmp_path / "out" / "report.html").read_text()
    assert devicekit("study", "nonsense", "--out", tmp_path / "x").code == 2
    assert devicekit("study", study, "--out", tmp_path / "y", "--set", "hidden").code == 2


ON_DEVICES = ["wires", "converters", "time", "programming"]
SHIPPED = [
    "schemes",
    "widths",
    "variation",
    "nonidealities",
    "stack_to_accuracy",
    "uncertainty",
    "published-devices",
    "where-devices-differ",
    *ON_DEVICES,
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_are_valid(name: str) -> None:
    import devicekit as package

    path = Path(package.__file__).parent / "studies" / "shipped" / f"{name}.toml"
    spec = load_spec(path)
    planned = plans(spec)
    for task, _, settings in planned:
        get_task(task).check(settings, path.parent)
    assert set(spec.paper) <= {label for _, label, _ in planned}


@pytest.mark.parametrize("name", ON_DEVICES)
def test_studies_of_an_array_compare_what_devices_hold(name: str) -> None:
    """An offline run's accuracy over epochs is of float weights, on which wires, converters and time do nothing."""
    import devicekit as package

    path = Path(package.__file__).parent / "studies" / "shipped" / f"{name}.toml"
    spec = load_spec(path)
    assert spec.outcome == "accuracy_on_devices"
    assert any("SYNTHETIC" in remark for remark in spec.remarks)
    assert any("assumed" in remark for remark in spec.remarks)
    labels = [case["label"] for case in spec.cases]
    assert spec.reference in ("", *labels)


@pytest.mark.slow
def test_accuracy_on_devices_is_of_programmed_weights_offline_and_of_the_run_in_situ(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text("""
name = "w"
task = "train"
outcome = "accuracy_on_devices"
fixed = { card = "pt-hfo2-al2o3-ti", epochs = 1, hidden = 32, levels = 0, program_sigma = 0.0 }
[[cases]]
label = "offline"
scheme = "offline"
[[cases]]
label = "offline, 2 bits"
scheme = "offline"
adc_bits = 2
[[cases]]
label = "in situ"
""")
    result = run_study(tmp_path / "w.toml", tmp_path / "out")
    table = result.table.set_index("case")
    assert table["accuracy_mean_last"]["offline"] == table["accuracy_mean_last"]["offline, 2 bits"]  # float weights
    assert table["accuracy_on_devices"]["offline"] > table["accuracy_on_devices"]["offline, 2 bits"] + 0.05
    assert table["accuracy_on_devices"]["offline"] == table["accuracy_programmed"]["offline"]
    assert table["accuracy_on_devices"]["in situ"] == table["accuracy_mean_last"]["in situ"]
    assert result.summary()["mean"].tolist() == table["accuracy_on_devices"].tolist()
    page = study_report(result, "devicekit study w.toml").to_html()
    assert "in situ: after 1 epoch" in page
    text = (tmp_path / "w.toml").read_text()
    (tmp_path / "b.toml").write_text(text.replace('task = "train"', 'task = "few-shot"'))
    with pytest.raises(ParameterError, match="outcome"):
        run_study(tmp_path / "b.toml", tmp_path / "out2")


@pytest.mark.slow
def test_results_of_another_version_are_named_and_redone_on_demand(tmp_path: Path) -> None:
    import devicekit

    file = tmp_path / "v.toml"
    file.write_text(
        'name = "v"\ntask = "baseline"\nseeds = [0]\n[fixed]\nhidden = 32\n[grid]\n'
        'classifier = ["logistic"]\nsteps = [12, 16]\n'
    )
    first = run_study(file, tmp_path / "out")
    assert first.versions == {devicekit.__version__: 2}
    assert first.of_other_versions is None
    made = sorted((tmp_path / "out" / "runs").glob("*.json"))[0]
    old = RunResult.load(made.parent, made.stem)
    assert old is not None
    metrics = {**old.metrics, "accuracy_mean_last": 0.5}
    replace(old, metrics=metrics, devicekit="0.0.1").save(made.parent, made.stem)
    kept = run_study(file, tmp_path / "out")
    assert kept.versions == {"0.0.1": 1, devicekit.__version__: 1}
    assert kept.of_other_versions is not None
    assert "1 run of devicekit 0.0.1" in kept.of_other_versions
    assert 0.5 in set(kept.table["accuracy_mean_last"])
    again = run_study(file, tmp_path / "out", redo=True)
    assert again.versions == {devicekit.__version__: 2}
    assert list(again.table["accuracy_mean_last"]) == list(first.table["accuracy_mean_last"])


@pytest.mark.slow
def test_a_few_shot_study_is_the_benchmark_seed_by_seed(tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text("""
name = "few"
task = "few-shot"
seeds = [0, 1]
reference = "as fitted"
fixed = { card = "pt-hfo2-al2o3-ti" }
[[cases]]
label = "as fitted"
[[cases]]
label = "8 states"
device_levels = 8
""")
    result = run_study(tmp_path / "few.toml", tmp_path / "out")
    card, data = load_card(catalog.get("pt-hfo2-al2o3-ti").card), few_shot()
    found = result.table.set_index(["case", "seed"])["accuracy"]
    assert found["as fitted", 1] == accuracy(card, setting("plain", 1), data)
    assert found["8 states", 0] == accuracy(card, setting("plain", 0, device_levels=8), data)
    (loss,) = result.losses().to_dict("records")
    pairs = (found["as fitted"] - found["8 states"]).to_numpy()
    assert loss["loss"] == pytest.approx(pairs.mean())
    assert loss["se"] == pytest.approx(abs(pairs[0] - pairs[1]) / 2)  # over two pairs
    assert "4 epochs of 500" in study_report(result, "devicekit study few.toml").to_html()
    for wrong in ({"variant": "wider"}, {"hidden": 3}, {}):
        settings = {"card": "pt-hfo2-al2o3-ti", **wrong} if wrong else {}
        with pytest.raises(UsageError if "hidden" in wrong else ParameterError):
            get_task("few-shot").check(settings, tmp_path)

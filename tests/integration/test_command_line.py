"""The command line as a contract: JSON, exit codes, messages, and nothing written on failure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from devicekit.synthetic.pulses import generate, reference_table, reference_truth, truth_card
from physics.iv import simulate_iv
from snn.benchmark.task import few_shot

Run = Callable[..., Any]
BRANCH = {"n_points", "nrmse", "r2", "noise", "coefficients", "warnings"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.csv"
    generate(reference_truth(50e-6), 3, 5, 60, 1, conditioning=1).to_csv(path)
    return path


@pytest.fixture(scope="module")
def card_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("card") / "card.json"
    theta = (-4.0, 0.95, 1.0, 0.0, 0.0, 0.0)
    truth_card({"ltp": theta, "ltd": theta}).save(path)
    return path


def test_read_json(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("read", small, "--json", "--out", tmp_path / "table.csv")
    assert ran.code == 0
    assert ran.json["columns"]["conductance_s"] == "S"
    assert ran.json["trains"] == {"ltp": 15, "ltd": 15}
    header = (tmp_path / "table.csv").read_text().splitlines()[0]
    assert header.startswith("device_id,cycle,direction,pulse_index,conductance_s")


def test_fit_json(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("fit", small, "--json", "--out", tmp_path / "card.json")
    assert ran.code == 0
    report = ran.json
    assert set(report) >= {"card", "model", "branches", "variation", "warnings", "devices"}
    assert Path(report["card"]).is_file()
    assert report["model"] == "eq2"
    assert set(report["branches"]) == {"ltp", "ltd"}
    for branch in report["branches"].values():
        assert set(branch) >= BRANCH
        assert set(branch["coefficients"]) == set("abcdfghi")
    assert len(report["devices"]) == 3
    assert report["variation"]["ltp"]["c2c"]["increment"]["kind"] == "increment"


def test_fit_for_people(devicekit: Run, small: Path) -> None:
    ran = devicekit("fit", small)
    assert ran.code == 0
    assert "nrmse" in ran.out
    assert "(increment)" in ran.out


@pytest.fixture
def one_device(small: Path, tmp_path: Path) -> Path:
    """Two short cycles of one device."""
    frame = pd.read_csv(small)
    frame = frame[frame["pulse_index"] <= 30]
    first = frame["device_id"].iloc[0]
    path = tmp_path / "one.csv"
    frame[(frame["device_id"] == first) & (frame["cycle"] <= 2)].to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_a_posterior_is_drawn_and_its_draws_are_cards(devicekit: Run, one_device: Path, tmp_path: Path) -> None:
    command = ("fit", one_device, "--model", "softbounds", "--posterior")
    page = tmp_path / "page.html"
    ran = devicekit(*command, "--resample", "2", "--out", tmp_path / "card.json", "--report", page, "--json")
    assert ran.code == 0
    worst = max(value for each in ran.json["posterior"]["branches"].values() for value in each["rhat"].values())
    assert f"R-hat {worst:.3f}" in page.read_text()
    assert '<section id="posterior"' in page.read_text()
    for branch in ran.json["posterior"]["branches"].values():
        assert branch["mixed"] == (max(branch["rhat"].values()) < 1.02 and min(branch["ess"].values()) >= 100)
        low, high = branch["intervals_95"]["increment"]
        assert 0 < low < high
    assert [Path(each).name for each in ran.json["resampled"]] == ["card_p001.json", "card_p002.json"]
    assert all(Path(each).is_file() for each in ran.json["resampled"])
    assert "R-hat" in devicekit(*command).out


def test_a_posterior_that_is_refused_leaves_no_card(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("fit", small, "--posterior", "--out", tmp_path / "card.json")  # several devices
    assert ran.code == 2
    assert "one device" in ran.err
    assert not (tmp_path / "card.json").exists()


def test_next_recommends_a_measurement(devicekit: Run, one_device: Path, small: Path) -> None:
    ran = devicekit("next", one_device, "--goal", "increment", "--json")
    assert ran.code == 0
    left = [each["variance_left"] for each in ran.json["candidates"]]
    assert left == sorted(left)
    assert all(each["cost"] <= ran.json["budget"] for each in ran.json["candidates"])
    reported = devicekit("next", one_device, "--reset", "train", "--report", one_device.with_suffix(".html")).out
    best = devicekit("next", one_device, "--reset", "train", "--json").json
    assert best["candidates"][0]["name"] in reported.partition("Assumed:")[0]
    shown = reported.partition("sd then [%]")[2].splitlines()[1].split()[-2:]
    percents = [100 * best["candidates"][0][name] for name in ("sd_now", "sd_then")]
    assert [float(each) for each in shown] == pytest.approx(percents, abs=0.06)
    assert best["verdict"] in one_device.with_suffix(".html").read_text(encoding="utf-8")
    wrong = devicekit("next", one_device, "--goal", "money")
    assert wrong.code == 2
    assert all(word in wrong.err for word in ("--goal", "rate", "increment", "population"))
    several = devicekit("next", small)
    assert several.code == 2
    assert "--device" in several.err
    assert "--width" in several.err


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_fit_writes_a_page(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("fit", small, "--report", tmp_path / "fit.html", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["report"] == str(tmp_path / "fit.html")
    assert ran.json["card"] is None
    page = (tmp_path / "fit.html").read_text()
    for words in ("Fit of small.csv", "Rate curve", "Variation", "To make this report again"):
        assert words in page
    other = tmp_path / "other.csv"
    lines = small.read_text().splitlines()
    other.write_text("\n".join([lines[0], *(line for line in lines if ",ltp," in line)]) + "\n")
    ran = devicekit("fit", small, other, "--report", tmp_path / "all.html", "--json")
    assert ran.code == 0, ran.err
    assert [Path(each["report"]).name for each in ran.json["results"]] == ["all_small.html", "all_other.html"]
    assert "Rate curve" not in (tmp_path / "all_other.html").read_text()  # one branch makes no card


def test_fit_of_several_widths_writes_a_card_each(devicekit: Run, tmp_path: Path) -> None:
    data = tmp_path / "widths.csv"
    reference_table(2, 2, 30).to_csv(data)
    (tmp_path / "cards").mkdir()
    ran = devicekit("fit", data, "--device", "device1", "--out", tmp_path / "cards" / "c.json", "--json")
    names = sorted(path.name for path in (tmp_path / "cards").iterdir())
    assert names == ["c_500us.json", "c_50us.json", "c_5us.json"]
    assert ran.json["card"].endswith("c_50us.json")
    assert [each["pulse_width_s"] for each in ran.json["conditions"]] == [5e-6, 5e-5, 5e-4]


def test_with_several_files_the_good_ones_are_done(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("fit", small, tmp_path / "missing.csv", "--json", "--out", tmp_path / "c.json")
    assert ran.code == 2
    assert [each["file"] for each in ran.json["results"]] == [str(small)]
    assert ran.json["errors"][0]["kind"] == "file"
    assert (tmp_path / "c_small.json").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_train_json(devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    short = ("train", card_file, "--epochs", 2, "--set", "hidden=100", "--json")
    ran = devicekit(*short, "--out", tmp_path / "t")
    assert ran.code == 0
    result = ran.json
    assert set(result) >= {
        "scheme",
        "data",
        "epochs",
        "accuracy_mean_last",
        "accuracy_std_last",
        "pulses_per_device",
        "seconds_per_epoch",
    }
    assert set(result["data"]) == {"name", "split", "n_train", "n_test"}
    assert [set(row) for row in result["epochs"]] == [{"epoch", "train_accuracy", "test_accuracy", "pulses"}] * 2
    assert 0.5 < result["accuracy_mean_last"] <= 1
    assert json.loads((tmp_path / "t" / "metrics.json").read_text()) == {"tool": "devicekit", **result}
    again = devicekit(*short, "--no-beside").json
    assert again["epochs"] == result["epochs"]
    assert devicekit(*short, "--no-beside", "--seed", 1).json["epochs"] != result["epochs"]


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark tests 200 images of 1297."""
    data = few_shot()
    fewer = replace(data, x_test=data.x_test[:200], y_test=data.y_test[:200])
    monkeypatch.setattr("snn.benchmark.task.few_shot", lambda *_: fewer)


@pytest.mark.slow
def test_benchmark_says_what_a_device_loses_to_its_twin(devicekit: Run, card_file: Path) -> None:
    ran = devicekit("benchmark", card_file, "--seeds", "2", "--no-attribution", "--json")
    assert ran.code == 0
    assert [each["variant"] for each in ran.json["variants"]] == ["plain", "scaled"]
    for each in ran.json["variants"]:
        assert len(each["device"]) == len(each["twin"]) == 2
        assert each["loss"] == pytest.approx(sum(each["twin"]) / 2 - sum(each["device"]) / 2)
    reported = devicekit("benchmark", card_file, "--seeds", "1", "--no-attribution", "--set", "stuck=0.3")
    assert "ideal device" in reported.out
    assert "stuck devices" in reported.out
    assert "1000 neurons" in reported.out
    printed = devicekit(
        "benchmark", card_file, "--seeds", "2", "--no-attribution", "--no-wide", "--set", "policy=carry", "--json"
    )
    assert printed.code == 0, printed.err
    assert printed.json["policy"] is None
    auto = devicekit("benchmark", card_file, "--seeds", "1", "--no-attribution", "--no-wide", "--set", "policy=auto")
    assert auto.code == 0, auto.err
    for setting in ("seeds=3", "jobs=2", "data=optdigits"):
        ran = devicekit("benchmark", card_file, "--set", setting)
        assert ran.code == 2
        assert setting.partition("=")[0] in ran.err
    wrong = devicekit("benchmark", card_file, "--set", "epochs=9")
    assert wrong.code == 2
    assert "epochs" in wrong.err


@pytest.mark.usefixtures("without_pictures", "few_images")
def test_benchmark_of_several_cards_comes_into_one_picture(devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    card = json.loads(card_file.read_text())
    here = {}
    for name in ("a", "b", "b_r001", "b_r002"):
        here[name] = tmp_path / f"{name}.json"
        here[name].write_text(json.dumps({**card, "name": "same"}))
    short = ("--seeds", 1, "--no-attribution", "--no-wide", "--no-policy")
    ran = devicekit("benchmark", here["a"], here["b"], *short, "--out", tmp_path / "both")
    assert ran.code == 0, ran.err
    assert "same (a)" in ran.out
    assert {path.name for path in (tmp_path / "both").iterdir()} >= {"report.html", "benchmark.json"}
    results = json.loads((tmp_path / "both" / "benchmark.json").read_text())["results"]
    assert [each["name"] for each in results] == ["same (a)", "same (b)"]
    assert results[0]["variants"] == results[1]["variants"]  # the same device, the same seeds
    assert "same (b)" in (tmp_path / "both" / "report.html").read_text()
    open_ = devicekit("benchmark", here["b"], *short, "--allowed", "resampled", "--json").json
    assert len(open_["losses_of_allowed_devices"]) == 2
    worst = max(open_["variants"], key=lambda each: each["interval_of_these_devices"][0])
    assert open_["losses_of_allowed_devices"] == [worst["loss"]] * 2  # copies of the card itself
    twice = devicekit("benchmark", here["a"], here["a"], *short)
    assert twice.code == 2
    assert "twice" in twice.err
    none = devicekit("benchmark", here["a"], *short, "--allowed", "posterior")
    assert none.code == 2
    assert "a_p001.json" in none.err
    assert "devicekit fit --posterior --resample 12" in none.err


@pytest.mark.slow
def test_train_takes_any_setting(devicekit: Run, card_file: Path) -> None:
    base = ("train", card_file, "--epochs", 1, "--no-beside", "--json", "--set", "hidden=64")
    plain, stuck, paper = (
        devicekit(*base, *more).json
        for more in ((), ("--set", "stuck=1.0"), ("--set", "preset=paper", "--schedule", "constant"))
    )
    assert stuck["accuracy_mean_last"] < plain["accuracy_mean_last"]  # a device that never moves learns nothing
    assert paper["recipe"]["theta"] == [100.0, 100.0]
    assert plain["recipe"]["theta"] != [100.0, 100.0]
    for wrong, word in (("stuk=1", "stuk"), ("margin=1.5", "margin"), ("margin", "KEY=VALUE")):
        ran = devicekit(*base, "--set", wrong)
        assert ran.code == 2
        assert word in ran.json["error"]["message"]


@pytest.fixture(params=[pytest.param("whole", marks=pytest.mark.slow), "coarse"])
def mesh(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is shipped; or a coarse mesh and few images, and no pictures."""
    if request.param == "coarse":
        for fixture in ("few_images", "without_pictures"):
            request.getfixturevalue(fixture)
        monkeypatch.setattr("physics.iv.simulate_iv", partial(simulate_iv, mesh="coarse"))


@pytest.mark.slow
@pytest.mark.usefixtures("mesh")
def test_run_writes_the_folder(devicekit: Run, small: Path, tmp_path: Path) -> None:
    ran = devicekit("run", small, "--out", tmp_path / "out", "--epochs", 1, "--seeds", 3, "--draws", 2, "--json")
    assert ran.code == 0, ran.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"table.csv", "card.json", "metrics.json", "report.html"}
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["set_iv"]["v_100ua_v"] == pytest.approx(0.65, abs=0.02)
    assert metrics["set_iv"]["v_set_v"] == metrics["set_iv"]["v_100ua_v"]
    page = (tmp_path / "out" / "report.html").read_text()
    short = metrics["benchmark"]
    assert short["seeds"] == 3
    for each in short["variants"]:
        assert each["loss"] == pytest.approx(sum(each["twin"]) / 3 - sum(each["device"]) / 3)
    assert ran.json["summary"][1].startswith(short["verdict"])
    assert "test accuracy" in ran.json["summary"][0]
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert titles[0] == "Fit"
    assert any("default stack" in each for each in titles)
    assert "not the device" in page
    for words in (
        "Rate curve",
        "Variation",
        "Training",
        "Simulated set I-V",
        "Provenance",
        metrics["train"]["data"]["split"][:20],
    ):
        assert words in page


@pytest.mark.slow
@pytest.mark.usefixtures("mesh")
def test_run_without_a_benchmark_says_that_the_loss_was_not_measured(
    devicekit: Run, one_device: Path, tmp_path: Path
) -> None:
    ran = devicekit("run", one_device, "--out", tmp_path / "out", "--epochs", 1, "--no-benchmark")
    assert ran.code == 0, ran.err
    assert "not measured" in ran.out
    assert len(ran.out.splitlines()) <= 10
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["benchmark"] is None
    assert "ideal device (" not in (tmp_path / "out" / "report.html").read_text()
    shown = ran.err.count("warning: ") + ran.err.count("note: ")
    assert ran.err.count("\n") == shown  # no progress, no noise in a pipe


def test_datasets_and_cards(devicekit: Run, card_file: Path) -> None:
    assert "SYNTHETIC" in devicekit("datasets").out
    assert devicekit("datasets", "pt-hfo2-al2o3-ti", "--json").json["datasets"][0]["synthetic"] is True
    assert devicekit("card", "validate", card_file).code == 0
    assert devicekit("card", "show", card_file, "--json").json["model"] == "eq2"


def _bad(tmp_path: Path, card_file: Path) -> list[tuple[str, list[object], str]]:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    head = "direction,pulse_index,conductance_s\n"
    good = "".join(f"ltp,{n},{1 + n}e-6\n" for n in range(20)) + "".join(f"ltd,{n},{20 - n}e-6\n" for n in range(20))
    card = card_file.read_text()
    later = card.replace('"schema_version": 3', '"schema_version": 9')
    (tmp_path / "folder").mkdir()
    return [
        ("missing file", ["fit", tmp_path / "missing.csv"], "does not exist"),
        ("empty file", ["fit", write("empty.csv", "")], "empty"),
        ("folder", ["fit", tmp_path / "folder"], "set.csv"),
        ("text", ["fit", write("text.csv", head + good.replace("5e-6", "five", 1))], "row 6"),
        ("one point", ["fit", write("one.csv", head + "ltp,0,1e-6\n")], "one reading"),
        (
            "constant",
            ["fit", write("flat.csv", head + "".join(f"ltp,{n},1e-6\n" for n in range(20)))],
            "does not switch",
        ),
        ("negative", ["fit", write("neg.csv", head + good.replace("ltp,4,5e-6", "ltp,4,-5e-6"))], "row 6"),
        ("map", ["fit", write("good.csv", head + good), "--map", "conductance_s=nothing"], "no column"),
        ("map name", ["fit", tmp_path / "good.csv", "--map", "conductivity=direction"], "conductivity"),
        ("later card", ["train", write("v9.json", later)], "version 9"),
        (
            "NaN card",
            ["train", write("nan.json", card.replace('"low": 2e-05', '"low": NaN'))],
            "NaN",
        ),
        ("no card", ["train", tmp_path / "none.json"], "cannot read"),
        ("model", ["fit", tmp_path / "good.csv", "--model", "nonsense"], "nonsense"),
        ("option", ["fit", tmp_path / "good.csv", "--nonsense"], "--nonsense"),
        ("scheme", ["train", card_file, "--scheme", "nonsense"], "nonsense"),
        ("data", ["train", card_file, "--data", "nonsense"], "nonsense"),
        ("foreign folder", ["run", tmp_path / "good.csv", "--out", tmp_path], "--force"),
    ]


def test_bad_input_gives_one_message_and_code_2(devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    for name, arguments, words in _bad(tmp_path, card_file):
        ran = devicekit(*arguments)
        assert ran.code == 2, name
        assert words in ran.err, (name, ran.err)
        assert "Traceback" not in ran.err
        assert ran.out == ""
        as_json = devicekit(*arguments, "--json")
        assert as_json.code == 2, name
        assert set(as_json.json) == {"error"}
        assert words in as_json.json["error"]["message"] + str(as_json.json["error"]["rows"]) + ran.err, name
    assert not list(tmp_path.glob("**/*.part"))


def test_a_failure_of_our_own_is_code_1(devicekit: Run, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr("devicekit.readers.read", broken)
    ran = devicekit("read", small)
    assert ran.code == 1
    assert "broken on purpose" in ran.err
    assert "Traceback" not in ran.err


def test_help_without_a_command_is_no_error_message(devicekit: Callable[..., Any]) -> None:
    ran = devicekit("simulate")
    assert ran.code == 2
    assert ran.err.startswith("Usage: ")
    assert devicekit("simulate", "--json").json["error"]["kind"] == "usage"


def test_an_unknown_data_set_is_answered_with_all_names(devicekit: Callable[..., Any]) -> None:
    ran = devicekit("datasets", "nothing")
    assert ran.code == 2
    assert "reference-dc" in ran.err
    assert "gong-reram" in ran.err


def test_what_cannot_be_written_is_refused_before_the_fit(
    devicekit: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("fitted for nothing")

    monkeypatch.setattr("devicekit.fitting.device.fit_table", never)
    for option in ("--out", "--report"):
        ran = devicekit("fit", small, option, tmp_path / "nowhere" / "x.json")
        assert ran.code == 2
        assert "cannot write" in ran.err


def test_a_column_that_is_named_twice_is_refused(devicekit: Run, small: Path) -> None:
    ran = devicekit("read", small, "--map", "cycle=a", "--map", "cycle=b")
    assert ran.code == 2
    assert "--map gives cycle twice" in ran.err

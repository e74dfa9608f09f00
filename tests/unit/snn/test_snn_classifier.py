"""The classifier keeps scikit-learn's promises, works in its tools, and learns on devices."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from devicekit.errors import UsageError
from snn.classifier import SpikingClassifier

QUICK = {"hidden": 128, "epochs": 3, "random_state": 0}


def test_scikit_learn_s_own_checks():
    results = check_estimator(SpikingClassifier(hidden=128, epochs=5), on_skip=None, on_fail="raise")
    skipped = {r["check_name"] for r in results if r["status"] != "passed"}
    # the array API check asks for libraries that are not installed
    assert skipped <= {"check_array_api_input_and_values", "check_array_api_input"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gradient", "policy"),
    [("resume", "reset"), ("resume", "carry"), ("resume", "verify"), ("resume", "stochastic"), ("surrogate", "auto")],
)
def test_scikit_learn_s_own_checks_on_devices(card, gradient, policy):
    model = SpikingClassifier(card, hidden=128, epochs=5, gradient=gradient, policy=policy)
    results = check_estimator(model, on_skip=None, on_fail="raise")
    skipped = {r["check_name"] for r in results if r["status"] != "passed"}
    assert skipped <= {"check_array_api_input_and_values", "check_array_api_input"}


def test_rates_fall_with_the_epochs_where_the_policy_says_so(card, small_digits):
    x, y = small_digits.x_train, small_digits.y_train
    models = [
        SpikingClassifier(card, input_range=(0, 1), policy="carry", decay_by=decay_by, **QUICK).fit(x, y)
        for decay_by in (None, "eta", "theta")
    ]
    scores = [model.decision_function(small_digits.x_test) for model in models]
    np.testing.assert_array_equal(scores[0], scores[1])  # of carry, if nothing is said
    assert (scores[0] != scores[2]).any()
    assert models[0].recipe_.eta_decay == 0.5
    first, last = (models[0].recipe_.rule(models[0]._config, insitu=True, epoch=k).eta1 for k in (0, 2))
    assert last / first == pytest.approx(0.25)
    assert all(model.score(small_digits.x_test, small_digits.y_test) > 0.75 for model in models)


@pytest.mark.parametrize("on_device", [False, True])
def test_learns_digits_with_and_without_devices(card, small_digits, on_device):
    model = SpikingClassifier(card if on_device else None, input_range=(0, 1), **QUICK)
    model.fit(small_digits.x_train, small_digits.y_train)
    assert model.score(small_digits.x_test, small_digits.y_test) > 0.75
    proba = model.predict_proba(small_digits.x_test)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(small_digits.x_test))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(small_digits.x_test), proba)
    # devices and their weights must still be one after pickling
    again.partial_fit(small_digits.x_train, small_digits.y_train)
    model.partial_fit(small_digits.x_train, small_digits.y_train)
    np.testing.assert_array_equal(again.predict_proba(small_digits.x_test), model.predict_proba(small_digits.x_test))


def test_devices_and_weights_are_still_one_after_joblib(card, small_digits, tmp_path):
    x, y = small_digits.x_train, small_digits.y_train
    model = SpikingClassifier(card, input_range=(0, 1), **QUICK).fit(x, y)
    joblib.dump(model, tmp_path / "model")
    again = joblib.load(tmp_path / "model")
    before = again.decision_function(small_digits.x_test)
    np.testing.assert_array_equal(before, model.decision_function(small_digits.x_test))
    after = again.partial_fit(x, y).decision_function(small_digits.x_test)
    assert (after != before).any()
    np.testing.assert_array_equal(after, model.partial_fit(x, y).decision_function(small_digits.x_test))
    for array, layer in zip(again._synapses.arrays, again._synapses.layers, strict=True):
        assert layer.array.r is array.r


def test_what_it_was_told_is_checked_and_kept(card, small_digits):
    x, y = small_digits.x_train[:60], small_digits.y_train[:60]
    for draws in (0, -1, 1.5, True):
        with pytest.raises(UsageError, match="draws"):
            SpikingClassifier(draws=draws, **QUICK).fit(x, y)
    assert SpikingClassifier(p=0.9, **QUICK).fit(x, y).recipe_.p == 0.9
    window = card.window.model_copy(update={"scale": "log", "low": 1e-6})
    with pytest.raises(UsageError, match="ln G"):
        SpikingClassifier(card.model_copy(update={"window": window}), **QUICK).fit(x, y)
    model = SpikingClassifier(hidden=0)
    with pytest.raises(UsageError, match="hidden"):
        model.partial_fit(x, y)
    model.set_params(**QUICK).partial_fit(x, y).predict(x)


def test_works_in_pipelines_and_searches(small_digits):
    x, y = small_digits.x_train[:150], small_digits.y_train[:150]
    pipeline = make_pipeline(StandardScaler(), SpikingClassifier(**QUICK))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.5
    search = GridSearchCV(SpikingClassifier(**QUICK), {"p": [0.3, 0.6]}, cv=2).fit(x, y)
    assert search.best_params_["p"] in (0.3, 0.6)


def test_more_draws_average_and_one_class_is_refused(small_digits):
    x, y = small_digits.x_train, small_digits.y_train
    model = SpikingClassifier(draws=4, **QUICK).fit(x, y)
    assert np.unique(np.round(model.decision_function(x[:20]) % 1, 6)).size > 1
    with pytest.raises(ValueError, match="1 class"):
        SpikingClassifier(**QUICK).fit(x, np.zeros(len(x)))


def test_partial_fit_refuses_unknown_labels(small_digits):
    x, y = small_digits.x_train, small_digits.y_train
    model = SpikingClassifier(**QUICK).partial_fit(x[y < 5], y[y < 5], classes=range(5))
    with pytest.raises(ValueError, match=r"classes.*5.*9"):
        model.partial_fit(x, y)

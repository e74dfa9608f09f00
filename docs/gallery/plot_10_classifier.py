"""
A spiking classifier in a scikit-learn pipeline
===============================================

The same network as an estimator: it scales, cross-validates and searches like any other, with float weights or, given
a card, on devices. Data: scikit-learn's iris table.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import devicekit
from devicekit.system import catalog
from snn import SpikingClassifier

X, y = load_iris(return_X_y=True)
card = devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
models = {
    "float weights": make_pipeline(StandardScaler(), SpikingClassifier(hidden=100, epochs=10, random_state=0)),
    "on devices": make_pipeline(StandardScaler(), SpikingClassifier(card, hidden=100, epochs=10, random_state=0)),
}
predictions = {name: cross_val_predict(model, X, y, cv=5) for name, model in models.items()}
for name, predicted in predictions.items():
    print(f"{name}: accuracy {accuracy_score(y, predicted):.3f} in cross-validation")

# %%
# Which classes are mixed up.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, (name, predicted) in zip(axes, predictions.items(), strict=True):
    ConfusionMatrixDisplay.from_predictions(y, predicted, ax=ax, colorbar=False, cmap="Blues")
    ax.set_title(name)

"""One report of everything that a fit and a training give, and the page as a tree."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass, field
from typing import Any

import pytest

from devicekit import fit
from devicekit.synthetic.pulses import generate, truth_card

THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}
VOID = {"meta", "link", "img", "br", "hr"}


@dataclass
class Node:
    """One element of a page."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> list[Node]:
        """Every element of these tags below, in order."""
        found = [self] if self.tag in tags else []
        return found + [node for child in self.children for node in child.all(*tags)]

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    @property
    def words(self) -> str:
        return self.text + "".join(child.words for child in self.children)


class _Tree(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("root")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"<{self.open[-1].tag}> is closed by </{tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def tree(page: str) -> Node:
    """The page as a tree; an element that is not closed is an error."""
    parser = _Tree()
    parser.feed(page)
    assert len(parser.open) == 1, "not every element is closed"
    return parser.root


TRAINING: dict[str, Any] = {
    "scheme": "insitu",
    "data": {"name": "digits", "split": "a split", "n_train": 1347, "n_test": 450},
    "epochs": [
        {"epoch": n, "train_accuracy": 0.9, "test_accuracy": 0.9 + 0.01 * n, "pulses": 10} for n in range(1, 6)
    ],
    "accuracy_mean_last": 0.94, "accuracy_std_last": 0.01, "pulses_per_device": 3.2, "seconds_per_epoch": 0.12,
    "write_energy_j": 4e-3, "recipe": {"p": 0.5, "theta": (5.8, 13.0), "middle": None},
    "settings": {"c2c": "increment", "d2d": "resample"},
}  # fmt: skip


@pytest.fixture(scope="session")
def fitted() -> Any:
    """A fit of a small synthetic device: 2 devices, 5 cycles."""
    return fit(generate(truth_card(THETA, increment=0.002, read=0.003), 2, 5, 60, 3, conditioning=1))


@pytest.fixture(scope="session")
def page(fitted: Any) -> Node:
    """A page with every kind of block."""
    from devicekit.report import Report, sections, summary

    card = fitted.to_card("small", None, True)
    limits = {
        "device": 0.94, "twin": 0.97, "cost": 0.03, "resolution": 0.02, "resolved": True,
        "without": {"asymmetry": 0.965, "nonlinearity": 0.95}, "main": "asymmetry",
        "flaws": ["nonlinearity", "asymmetry"],
    }  # fmt: skip
    warnings = [row.warning() for row in card.warnings]
    parts = [
        sections.fit_section(fitted),
        sections.rate_section(card),
        sections.variation_section(fitted),
        sections.training_section(TRAINING, card, limits),
        sections.warnings_section(warnings),
        sections.provenance_section(card, "devicekit run", 0),
    ]
    words = summary.run_summary(fitted, "small.csv", TRAINING, limits, warnings)
    return tree(Report("Small", words, parts, True, summary.fit_facts(fitted)).to_html())

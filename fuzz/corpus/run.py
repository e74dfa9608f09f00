"""Read many generated files and count the outcomes.

python fuzz/corpus/run.py --number 10000 --seed 1 --jobs 2      # the whole, about half an hour
python fuzz/corpus/run.py --number 500 --show WRONG             # seeds and reasons of one outcome
python fuzz/corpus/run.py --print 17                            # the files of one seed, and what they mean
python fuzz/corpus/run.py --number 100 --check --recipes        # exit code 1 if a limit is broken
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import compare
from compare import MORE, NAMES, ONE, REFUSED, RIGHT, WRONG
from generator import Case, make_case

STATED_RIGHT = 0.95  # share of stated cases read without a question
OTHERS_READ = 0.90  # share of the others read with at most one
CLASSES = ("stated", "others", "not to be read")


class Result(NamedTuple):
    """One case and its outcome, in plain types for processes."""

    seed: int
    group: str
    features: tuple[str, ...]
    outcome: str
    why: str
    asked: tuple[tuple[str, ...], ...]
    recipe: str


def classify(case: Case) -> str:
    """Return the class of a case: stated, others, or not to be read (no option can settle it)."""
    return CLASSES[2] if case.traps else CLASSES[0] if case.stated else CLASSES[1]


def run_case(seed: int, recipes: bool) -> Result:
    """Make, read and compare one case."""
    import devicekit

    folder = Path(tempfile.mkdtemp(prefix="case"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = make_case(seed, folder)
            found = compare.judge(case, devicekit.read)
            recipe = ""
            if recipes and found.name in (RIGHT, ONE, MORE):
                recipe = compare.check_recipe(case, found.table, devicekit.read, folder / "recipe.toml")
    finally:
        shutil.rmtree(folder)
    features = (*case.features, *(f"unstated: {each}" for each in case.unstated))
    return Result(seed, classify(case), features, found.name, found.why, found.asked, recipe)


def run_cases(seeds: Iterable[int], jobs: int, recipes: bool) -> list[Result]:
    if jobs == 1:
        return [run_case(seed, recipes) for seed in seeds]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(partial(run_case, recipes=recipes), seeds, chunksize=20))


def list_failures(results: list[Result]) -> list[str]:
    """Return the limits that these results break."""
    found = []
    wrong = [result for result in results if result.outcome == WRONG]
    if wrong:
        found.append(f"{len(wrong)} read WRONG, first seeds {_seeds(wrong)}")
    stated = [result for result in results if result.group == "stated"]
    others = [result for result in results if result.group == "others"]
    right = sum(result.outcome == RIGHT for result in stated)
    read = sum(result.outcome in (RIGHT, ONE) for result in others)
    if right < STATED_RIGHT * len(stated):
        found.append(f"stated: {right} of {len(stated)} without a question, required {STATED_RIGHT:.0%}")
    if read < OTHERS_READ * len(others):
        found.append(f"others: {read} of {len(others)} with at most one question, required {OTHERS_READ:.0%}")
    recipes = [result for result in results if result.recipe]
    if recipes:
        found.append(
            f"{len(recipes)} differ when read by their recipe, first seeds {_seeds(recipes)}: {recipes[0].recipe}"
        )
    return found


def _seeds(results: list[Result], number: int = 6) -> str:
    return " ".join(str(result.seed) for result in results[:number])


def format_report(results: list[Result]) -> str:
    """Return the outcomes by class and by feature, and the commonest reasons with seeds."""
    width = max(len(feature) for result in results for feature in result.features) + 2
    head = "".join(f"{name:>16}" for name in (*NAMES, "all"))
    lines = [" " * width + head]

    def row(name: str, some: list[Result]) -> str:
        counted = Counter(result.outcome for result in some)
        return f"{name:<{width}}" + "".join(f"{n:>16}" for n in (*(counted[each] for each in NAMES), len(some)))

    for group in CLASSES:
        lines.append(row(group, [result for result in results if result.group == group]))
    lines += [row("all", results), ""]
    for feature in sorted({feature for result in results for feature in result.features}):
        lines.append(row(feature, [result for result in results if feature in result.features]))
    for outcome in (WRONG, REFUSED, MORE):
        lines += ["", f"{outcome}, by reason:", *count_reasons(results, outcome, 15)]
    needless = [result for result in results if result.group == "stated" and result.asked]
    asked = Counter(result.asked[0] for result in needless)
    lines += ["", "questions about stated cases:"]
    for fields, n in asked.most_common(10):
        lines.append(f"  {n:>5} {', '.join(fields)}: {_seeds([r for r in needless if r.asked[0] == fields])}")
    failed = Counter(result.recipe.partition(":")[0] for result in results if result.recipe)
    lines += [
        "",
        "different when read by their recipe:" if failed else "",
        *(f"  {n:>5} {why}" for why, n in failed.items()),
    ]
    return "\n".join(lines)


def count_reasons(results: list[Result], outcome: str, number: int) -> list[str]:
    """Return the commonest reasons of one outcome with seeds, without digits and file names."""
    some: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome == outcome:
            some.setdefault(_classify_reason(result), []).append(result)
    ranked = sorted(some.items(), key=lambda item: -len(item[1]))[:number]
    return [f"  {len(each):>5} {why[:110]}: {_seeds(each)}" for why, each in ranked]


def _classify_reason(result: Result) -> str:
    kind = next(each for each in result.features if each.startswith("kind: "))[6:]
    if result.outcome == MORE:
        return f"{kind}: " + "; ".join(", ".join(fields) for fields in result.asked)
    why = result.why
    if result.outcome == REFUSED:
        why = why.split(": ", 1)[-1] if "/" in why.split(": ", 1)[0] or "." in why.split(": ", 1)[0] else why
    elif why.startswith(("length of a record", "number of records")):
        why = why.partition(":")[0]
    return f"{kind}: {why}"


def print_case(seed: int, lines: int = 14) -> None:
    """Print the files of one case and its truth."""
    folder = Path(tempfile.mkdtemp(prefix="case"))
    try:
        case = make_case(seed, folder)
        print(f"seed {seed}: {case.kind}, {classify(case)}; unstated: {', '.join(case.unstated) or 'nothing'}")
        print("features:", "; ".join(case.features))
        print("answers:", case.answers)
        for path in case.files:
            print(f"--- {path.relative_to(folder)}")
            print("\n".join(_first_lines(path, lines)))
        print(case.truth if case.truth is not None else "must not be read")
    finally:
        shutil.rmtree(folder)


def _first_lines(path: Path, lines: int) -> list[str]:
    if path.suffix == ".xlsx":
        import openpyxl

        found = []
        for sheet in openpyxl.load_workbook(path).worksheets:
            found.append(f"[{sheet.title}]")
            found += [" | ".join("" if c is None else str(c) for c in row) for row in sheet.iter_rows(values_only=True)]
            found = found[: lines * (1 + len(found) // lines)]
        return found[: 3 * lines]
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    return [repr(line)[1:-1] for line in text.split("\n")[:lines]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=1000, help="how many cases")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", choices=NAMES, help="list seed, features and reason of every case of this outcome")
    parser.add_argument("--print", type=int, dest="printed", metavar="SEED", help="print the files of one case")
    parser.add_argument("--recipes", action="store_true", help="read each again by the recipe of its reading")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a limit is broken")
    given = parser.parse_args()
    if given.printed is not None:
        print_case(given.printed)
        return 0
    results = run_cases(range(given.seed, given.seed + given.number), given.jobs, given.recipes)
    print(format_report(results))
    for result in results:
        if result.outcome == given.show:
            print(f"\n{result.seed} {result.group}: {result.why}\n  {'; '.join(result.features)}")
    problems = list_failures(results) if given.check else []
    print("".join(f"\nBROKEN: {problem}" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

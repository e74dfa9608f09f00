"""Commands of the physics, and their output."""

from __future__ import annotations

import json

from devicekit.cli import build_app
from devicekit.cli.common import run_app

TRUTH = 1.29  # eV
SUMMARY = {  # among the names of a loop's JSON
    *("v_set_v", "on_off", "hrs_s", "lrs_s", "t_max_k", "steps", "mass_error", "n_min", "solver", "mesh_cells"),
}


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    capsys.readouterr()
    code = run_app(build_app(), [str(each) for each in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def strict(text):
    """The one object of strict JSON that a text is."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def refused(capsys, *arguments):
    """The message of a command that ends with 2, which both forms of output give."""
    code, text, _ = run(capsys, *arguments, "--json")
    assert code == 2
    error = strict(text)["error"]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert error["message"][:40] in err
    return error["message"] + json.dumps(error["rows"], ensure_ascii=False)

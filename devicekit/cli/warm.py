"""`devicekit warm`: compile now what the first run would compile."""

from __future__ import annotations

from devicekit.cli import progress, terminal
from devicekit.cli.common import Json, print_json
from devicekit.core.text import count


def warm_command(json_output: Json = False) -> None:
    """Compile the kernels of fits, trainings and simulations, so that the first run is fast.

    Run it once after an installation or update. Otherwise the first run compiles what it needs.

    Example:
        devicekit warm
    """
    from devicekit.verbs.warm import warm

    with progress.counting("compiling", "parts", json_output) as count_parts:
        done = warm(count_parts)
    if json_output:
        print_json(done.as_dict())
        return
    terminal.fields(
        [("compiled", f"{count(done.kernels, 'kernel')} in {done.seconds:.0f} s"), ("kept in", str(done.folder))]
    )

"""`devicekit warm`: compile now what the first run would compile."""

from __future__ import annotations

from devicekit.cli import terminal
from devicekit.cli.common import Json, print_json
from devicekit.text import count


def warm_command(json_output: Json = False) -> None:
    """Compile what fits, trainings and simulations need, so that their first run need not.

    To be called once after an installation or an update; where all is compiled already it says so in a few seconds.
    Without it the first run compiles what it needs itself.

    Example:
        devicekit warm
    """
    from devicekit.studies.warm import warm

    with terminal.counting("compiling", "parts", json_output) as progress:
        done = warm(progress)
    if json_output:
        print_json(done.as_dict())
        return
    terminal.fields(
        [("compiled", f"{count(done.kernels, 'kernel')} in {done.seconds:.0f} s"), ("kept in", str(done.folder))]
    )

"""Questions to the user about a file; the options that answer one follow from its answers."""

from __future__ import annotations

from collections.abc import Iterable

from devicekit.core.errors import Choice, Question, QuestionError
from devicekit.system.options import OPTIONS

NONE_OF_THESE = Choice.of("none of these: the columns are kept as they are", kind="record")
_NAMES = {each.keyword: each.name for each in OPTIONS.values()}


def ask(
    where: str, text: str, choices: Iterable[Choice] = (), seen: Iterable[str] = (), fields: Iterable[str] | None = None
) -> QuestionError:
    """Return the error that asks a question.

    Parameters
    ----------
    where : str
        File name.
    text : str
        The question, one sentence.
    choices : iterable of Choice
        Plausible answers, the likeliest first.
    seen : iterable of str
        Evidence in the file.
    fields : iterable of str, optional
        Options that answer it; those of the choices if not given.
    """
    choices = tuple(choices)
    if fields is None:
        fields = dict.fromkeys(_NAMES.get(name, name) for each in choices for name in each.options)
    return QuestionError(where, Question(text, tuple(fields), choices, tuple(seen)))

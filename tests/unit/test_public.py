"""The Python verbs: every public name loads, and no submodule shadows one."""

from __future__ import annotations


def test_every_public_name_loads_and_is_what_it_says() -> None:
    import devicekit.exporters
    import devicekit.features.characterize
    import devicekit.fitting.comparison
    import devicekit.fitting.device
    import devicekit.readers

    for name in ("characterize", "compare", "export", "fit", "load_card", "read"):
        assert callable(getattr(devicekit, name)), name
    for name in devicekit.__all__:
        assert getattr(devicekit, name) is not None

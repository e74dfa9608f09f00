"""The colours of a report, light and dark: those of the page, and those that its figures turn into."""

from __future__ import annotations

import re

from devicekit.plot.style import DARK_OF, RAMP

# What each name colours: ink text, soft captions, paper the page, panel boxes, line rules, link links,
# mark warnings on markpaper, shade the edge of a table that scrolls, figure the paper of a figure, low to high a scale.
_SCALE = dict(zip(("low", "middle", "high"), RAMP, strict=True))
LIGHT = {
    "ink": "#1b1f24",
    "soft": "#57606a",
    "paper": "#ffffff",
    "panel": "#f5f7f9",
    "line": "#d5dae0",
    "link": "#0b5c8a",
    "mark": "#8a4b00",
    "markpaper": "#fff6e5",
    "shade": "#8a94a066",
    "figure": "#ffffff",
    **_SCALE,
}
DARK = {
    "ink": "#e6e9ed",
    "soft": "#a5afba",
    "paper": "#14181d",
    "panel": "#1d232a",
    "line": "#39424d",
    "link": "#7cc0ea",
    "mark": "#f0c27a",
    "markpaper": "#2b2416",
    "shade": "#000000b0",
    "figure": "#1d232a",
    **_SCALE,
}

# A figure keeps its own colours in itself, so that it can be taken out of the page and opened by any program;
# where the reader prefers dark, these replace them.
FIGURE_DARK = DARK_OF
FIGURE_PAPER = "#1d232a"


def variables() -> str:
    """Return the colours of a page as variables of a style sheet, light and dark."""
    light, dark = ("".join(f"--{name}: {colour}; " for name, colour in each.items()) for each in (LIGHT, DARK))
    return (
        f":root {{ {light}color-scheme: light dark; }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    )


def _dark_rules() -> str:
    rules = [f'path[style*="fill: #ffffff"]{{fill:{FIGURE_PAPER}!important}}', "text{fill:#e6e9ed}"]
    for light, dark in FIGURE_DARK.items():
        for name in ("stroke", "fill"):
            rules.append(f'[style*="{name}: {light}"]{{{name}:{dark}!important}}')
    return "".join(rules)


def follow_the_reader(svg: str) -> str:
    """Return the figure with its dark colours added, used where the reader's system prefers dark (never in print)."""
    used = [rule for rule in re.findall(r"[^{}]+\{[^{}]+\}", _dark_rules()) if _is_used(rule, svg)]
    style = f"<style>@media screen and (prefers-color-scheme: dark){{{''.join(used)}}}</style>"
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found.group(1) + style, svg, count=1)


def _is_used(rule: str, svg: str) -> bool:
    named = re.search(r'style\*="([^"]+)"', rule)
    return named is None or named.group(1) in svg

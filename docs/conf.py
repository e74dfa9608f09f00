"""Sphinx configuration: one command, no network, warnings are errors (python -m sphinx -W docs docs/_build/html)."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

# Figures are drawn without a display and numbers do not depend on how many cores a machine has.
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# FiPy itself raises this one on import under numpy 2.
warnings.filterwarnings("ignore", ".*numpy.core.*", DeprecationWarning)

import devicekit  # noqa: E402

project = "devicekit"
author = "The devicekit authors"
copyright = author
release = version = devicekit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "evidence",
    "fields",
    "from_code",
    "mathml",
]
exclude_patterns = ["_build", "gallery", "paper/*.rst", "paper/*.py", "**/*.ipynb"]
templates_path = ["_templates"]
myst_enable_extensions = ["deflist", "dollarmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

smartquotes_action = "qe"  # quotes and ellipses; -- stays what a shell reads
default_role = "py:obj"  # a name in single backquotes is a link where the name is ours
toc_object_entries_show_parents = "hide"
autosummary_generate = True
autodoc_mock_imports = ["torch"]  # not installed for the documentation
autodoc_typehints = "none"  # the numpydoc sections name the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_attributes_as_param_list = True

sphinx_gallery_conf = {
    "examples_dirs": ["gallery", "paper"],
    "gallery_dirs": ["auto_gallery", "auto_paper"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "remove_config_comments": True,
    "write_computation_times": False,  # its page asks a network for scripts
    "show_memory": False,
    "download_all_examples": False,
    "show_signature": False,
    "capture_repr": ("_repr_html_",),
    "plot_gallery": "True",
    "reset_modules": ("matplotlib",),
    "default_thumb_file": str(HERE / "img" / "overview.png"),
}

html_theme = "pydata_sphinx_theme"
html_title = "devicekit"
html_static_path = ["_static"]
html_css_files = ["devicekit.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {"text": "devicekit"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
html_context = {"default_mode": "light"}

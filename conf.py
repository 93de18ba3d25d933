"""Sphinx configuration: `make html` builds the pages in docs/ with it."""

import os
import sys
import tomllib
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "docs" / "_ext")]

# sphinxext.opengraph would import Matplotlib for the cards that `machines` draws instead, which
# takes half a second of each build.
_no_cards = ModuleType("sphinxext.opengraph._social_cards")
vars(_no_cards).update(create_social_card=None, DEFAULT_SOCIAL_CONFIG={})
sys.modules.setdefault(_no_cards.__name__, _no_cards)

_project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
_site = os.environ.get("SITE_URL", _project["urls"]["Homepage"])
_repository = os.environ.get("REPOSITORY_URL", _project["urls"]["Repository"])

project = "TensorFlow and PyTorch, side by side"
author = "The contributors"
project_copyright = "The contributors, MIT licence"
version = release = _project["version"]
language = "en"

extensions = [
    # Ours, in docs/_ext:
    "claims",
    "api",
    "machines",
    "search",
    "sitemap",
    "navigation",
    "forking",
    "highlighting",
    "policy",
    "valid_html",
    "myst_nb",
    "worked",  # ours too: how myst_nb executes the worked pages
    "sphinx_tabs.tabs",
    "sphinx_copybutton",
    "sphinxext.opengraph",
    "notfound.extension",
]
exclude_patterns = ["_*"]
templates_path = ["docs/_templates"]
nitpicky = True

claims_project = str(HERE)
claims_repository = _repository
myst_enable_extensions = ["colon_fence"]
sphinx_tabs_disable_tab_closing = True
sphinx_tabs_disable_css_loading = True  # site.css and site.js do their work

# Copy what one would type: prompts, output and tracebacks stay behind.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_copy_empty_lines = False
copybutton_exclude = ".linenos, .go, .gt, .gr"

html_theme = "furo"
pygments_dark_style = "a11y-dark"  # the light one is the theme's, of the same family
html_title = project
html_baseurl = _site
html_static_path = ["docs/_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "docs/_static/favicon.svg"
html_show_sphinx = False
html_copy_source = False
html_use_index = False  # nothing is indexed by it
html_theme_options = {
    "source_repository": _repository,
    "source_branch": "main",
    "source_directory": "docs/",
    "top_of_page_buttons": ["edit"],
}
ogp_site_url = _site
ogp_site_name = project
ogp_enable_meta_description = True
ogp_social_cards = {"enable": False}  # a picture of the title, in fonts that are not ours
notfound_urls_prefix = f"/{_site.split('/', 3)[-1]}" if _site.count("/") > 2 else "/"

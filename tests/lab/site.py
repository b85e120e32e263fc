# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation as a site, in .cache/site/html: ``make site``. A warning is an error.

The Markdown files keep their places, so that their links hold; antsibull-docs makes the pages of plugins and roles; each playbook gets one
(tests/lab/site_pages.py). What it needs is installed into .cache/docs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab.pythons import CACHE, ROOT, environment
from tests.lab.site_pages import playbook_page

PLACE = CACHE / "site"
SOURCE, HTML = PLACE / "source", PLACE / "html"
REPOSITORY = "https://github.com/aragora/ansible-redis/blob/main"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# Where the heading of a page is no name for it in a list.
TITLES = {"README": "Overview <README>"}
# Pages of ours in the order in which they are read; others of docs/ follow by name.
START = ("README", "docs/connecting", "docs/try", "docs/contents")
INSIDE: tuple[str, ...] = ("docs/architecture", "CONTRIBUTING", "tests/incidents/README", "CHANGELOG")
ORDER = (
    "findings", "thresholds", "runbook", "monitoring", "events", "awx", "application", "network", "topology", "data", "privileges",
    "migrating",
)  # fmt: skip
CONF = """\
project = "aragora.redis"
html_title = "aragora.redis"
html_short_title = "aragora.redis"
copyright = "The aragora.redis contributors, GPL-3.0-or-later"
author = "The aragora.redis contributors"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html", "vcs_pageview_mode": "edit"}
html_use_smartypants = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
pygments_style = "ansible"
highlight_language = "none"
default_role = "any"
exclude_patterns = []
# Roles and modules of ansible-core are not here to link to.
nitpicky = False
# A word of Redis's own (redis.conf, console output) that a highlighter cannot read is shown as it stands.
# Labels of Ansible's own documentation are not here; links of our own pages are tests/contract/test_links.py's, and MyST's.
suppress_warnings = ["misc.highlighting_failure", "ref.ref"]
"""
CSS = """\
/* Tables and commands scroll by themselves; the page does not. */
.rst-content table.docutils td, .rst-content table.docutils th { white-space: normal; }
.wy-table-responsive, .rst-content pre { overflow-x: auto; }
.rst-content td code { white-space: nowrap; }
.rst-content td:last-child code { white-space: normal; }
.rst-content a code.literal { color: #2980b9; }
@media (max-width: 480px) {
  .rst-content p code, .rst-content li code { overflow-wrap: anywhere; white-space: normal; }
  .rst-content td p code { overflow-wrap: normal; white-space: nowrap; }
  .rst-content img { max-width: 100%; }
}
"""


def main() -> int:
    """Write the sources, and build."""
    programs = environment("docs", PYTHON, ["-r", str(ROOT / "requirements-docs.txt")])
    shutil.rmtree(PLACE, ignore_errors=True)
    (SOURCE / "_static").mkdir(parents=True)
    (SOURCE / "conf.py").write_text(CONF, encoding="utf-8")
    (SOURCE / "_static" / "narrow.css").write_text(CSS, encoding="utf-8")
    pages = write_pages(SOURCE)
    (SOURCE / "index.md").write_text(index(pages), encoding="utf-8")
    _plugins(programs)
    build = [str(programs / "sphinx-build"), "-W", "--keep-going", "-q", "-j", "auto", "-b", "html", str(SOURCE), str(HTML)]
    status = subprocess.run(build, cwd=ROOT, timeout=1200, check=False).returncode
    print(f"{HTML}/index.html" if not status else "the site has faults")
    return status


def write_pages(source: Path) -> list[str]:
    """Our own pages, each where it lies in the tree; returns their names without suffix."""
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/incidents/README.md")]
    files += [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "roles").glob("*/README.md"))]
    for path in files:
        place = source / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(linked(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8")
    for picture in (ROOT / "docs").glob("*.png"):
        shutil.copy(picture, source / "docs" / picture.name)
    (source / "playbooks").mkdir(exist_ok=True)
    playbooks = sorted((ROOT / "playbooks").glob("*.yml"))
    for path in playbooks:
        text = linked(playbook_page(path), path.parent)
        (source / "playbooks" / f"{path.stem}.md").write_text(text, encoding="utf-8")
    return [*(str(path.relative_to(ROOT).with_suffix("")) for path in files), *(f"playbooks/{path.stem}" for path in playbooks)]


def linked(text: str, folder: Path) -> str:
    """Links to what has no page of its own lead to the repository; those to a playbook, to its page."""

    def turned(match: re.Match[str]) -> str:
        target, dummy, anchor = match.group(1).partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return match.group(0)
        path = (folder / target).resolve()
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else target
        if path.suffix == ".yml" and path.parent == ROOT / "playbooks":
            return f"]({os.path.relpath(path.with_suffix('.md'), folder)})"
        if path.suffix in (".md", ".png") or ("." not in path.name and not path.exists()):
            return match.group(0)
        return f"]({REPOSITORY}/{name}{'#' + anchor if anchor else ''})"

    return re.sub(r"\]\(([^)\s]+)\)", turned, text)


def index(pages: list[str]) -> str:
    """The first page: what leads where."""
    docs = [page.removeprefix("docs/") for page in pages if page.startswith("docs/") and page not in START]
    own = [f"docs/{page}" for page in sorted(docs, key=lambda page: (ORDER.index(page) if page in ORDER else len(ORDER), page))]
    inside = [page for page in INSIDE if page in pages]
    parts: dict[str, list[str]] = {
        "Start": [TITLES.get(page, page) for page in START if page in pages],
        "Guides and tables": [page for page in own if page not in inside],
        "Playbooks": [page for page in pages if page.startswith("playbooks/")],
        "Roles": [page for page in pages if page.startswith("roles/")],
        "Reference": ["collections/aragora/redis/index"],
        "Inside": inside,
    }
    trees = "\n".join(f"```{{toctree}}\n:caption: {title}\n:maxdepth: 1\n\n{chr(10).join(names)}\n```\n" for title, names in parts.items())
    return f"# aragora.redis\n\nWhy is Redis failing, and what mends it? An Ansible collection for Redis and Valkey.\n\n{trees}"


def _plugins(programs: Path) -> None:
    """antsibull-docs' pages of the modules, filters, inventory plugin and roles."""
    variables = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "ANSIBLE_HOME": str(PLACE / "home"),
    }  # fmt: skip
    command = [
        str(programs / "antsibull-docs"), "collection", "--use-current", "--fail-on-error", "--no-breadcrumbs",
        "--dest-dir", str(SOURCE / "collections" / "aragora" / "redis"), "--squash-hierarchy", "aragora.redis",
    ]  # fmt: skip
    (SOURCE / "collections" / "aragora" / "redis").mkdir(parents=True, exist_ok=True)
    subprocess.run(command, cwd=ROOT, env=variables, check=True, timeout=600)


if __name__ == "__main__":
    sys.exit(main())

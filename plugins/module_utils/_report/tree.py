# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTML as a tree: text and attributes are data of its nodes, so that nothing a server says can become markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

Child = Union[ET.Element, str, None]
# A last fence against megabytes; those who know what they show cut much earlier.
LONGEST_TEXT = 20_000


def el(tag: str, *children: Child | Iterable[Child], **attributes: str | bool | None) -> ET.Element:
    """An element: ``el("p", "Hello ", el("b", name), class_="greeting")``.

    None among the children is left out and lists are flattened. An attribute that is True stands alone, None or False leaves it out; ``_``
    in names means ``-``. All text is cleaned, so characters that XML forbids never reach the tree.
    """
    made = ET.Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            made.set(name.rstrip("_").replace("_", "-"), "" if value is True else clean(value, LONGEST_TEXT))
    for child in children:
        for item in [child] if child is None or isinstance(child, (str, ET.Element)) else child:
            _append(made, item)
    return made


def fold(
    summary: Child | Iterable[Child], *content: Child | Iterable[Child], is_open: bool = False, class_: str | None = None
) -> ET.Element:
    """Something to unfold without JavaScript."""
    return el("details", el("summary", summary), *content, open=is_open, class_=class_)


def serialise(root: ET.Element) -> str:
    """The document as text."""
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _append(parent: ET.Element, child: Child) -> None:
    if isinstance(child, ET.Element):
        parent.append(child)
    elif child:
        text = clean(child, LONGEST_TEXT)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text

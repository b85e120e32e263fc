# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request to the application on its own host: bounded in time and size, past every proxy, following nothing."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.aragora.redis.plugins.module_utils import _application_text as words

MOST_BYTES = 64 * 1024
PIECE = 8192
LOCAL = ("127.0.0.1", "::1", "localhost")


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer."""

    def redirect_request(self, *dummy: Any) -> None:
        """Nowhere."""
        return


def ask(url: str, seconds: float, secrets: Collection[str], request: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``{status, json, text, error, took_ms}``, masked; ``status`` is None where nobody answered, and ``error`` says why.

    ``text`` is the beginning of an answer that is no JSON. ``request`` may hold ``method``, ``headers`` and ``body``.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"the address {url:.60} begins with neither http:// nor https://")
    found: dict[str, Any] = {}
    started = time.monotonic()
    # A time-out of the socket counts from byte to byte: who sends one a second would hold us for ever.
    thread = threading.Thread(target=_ask, args=(found, url, seconds, request or {}), daemon=True)
    thread.start()
    thread.join(seconds + 0.5)
    told = dict(found) or {"error": f"no answer within {seconds:g} s"}
    document = words.json_in(told["text"]) if told.get("text") else None
    text = told.get("text") if document is None else None
    return {
        "status": told.get("status"),
        "json": words.masked_data(document, secrets),
        "text": words.masked(" ".join(text.split())[:400], secrets) if text else None,
        "error": words.masked(told["error"], secrets) if told.get("error") else None,
        "took_ms": round((time.monotonic() - started) * 1000),
    }


def _ask(found: dict[str, Any], url: str, seconds: float, wanted: Mapping[str, Any]) -> None:
    body = wanted.get("body")
    data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = dict(wanted.get("headers") or {})
    # Only http and https: ask() has looked.
    request = urllib.request.Request(url, data=data, headers=headers, method=wanted.get("method") or "GET")  # noqa: S310 - looked at
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _Stay, urllib.request.HTTPSHandler(context=_context(url))
    )  # fmt: skip
    try:
        with opener.open(request, timeout=seconds) as answer:
            found.update(status=answer.status, text=_read(answer, seconds))
    except urllib.error.HTTPError as answer:
        with answer:
            found.update(status=answer.code, text=_read(answer, seconds))
    except urllib.error.URLError as error:
        found["error"] = f"no answer: {getattr(error.reason, 'strerror', None) or error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        found["error"] = f"no answer: {error or type(error).__name__}"


def _read(answer: Any, seconds: float) -> str:
    """As much of the body as comes in time."""
    end, got = time.monotonic() + seconds, b""
    try:
        while len(got) < MOST_BYTES and time.monotonic() < end:
            piece = answer.read1(PIECE) if hasattr(answer, "read1") else answer.read(PIECE)
            if not piece:
                break
            got += piece
    except (OSError, http.client.HTTPException, ValueError):
        pass
    return got[:MOST_BYTES].decode("utf-8", "replace")


def _context(url: str) -> ssl.SSLContext:
    """A certificate for the name of a service does not fit 127.0.0.1; from there nobody else answers."""
    context = ssl.create_default_context()
    if urlsplit(url).hostname in LOCAL:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

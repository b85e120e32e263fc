# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small service to stand in for an application: everything by its environment, ready or not, and a login that counts in Redis.

``python3 shop.py`` serves, ``python3 shop.py validate`` checks itself and prints JSON; its exit status is 1 whatever it finds, as of
applications that check more than Redis. It has traps of real ones: with SHOP_REQUIRE_REDIS it latches that Redis was down when it started,
it logs its URL with the password, and without redis-py it goes on in memory. It needs nothing but Python and, to reach Redis, redis-py,
and runs on hosts of the lab as it is.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

URL = os.environ.get("REDIS_URL", "")
SECONDS = 2
LIVES_SECONDS = 600
memory: dict[str, int] = {}


def is_on(name: str) -> bool:
    """Whether a variable switches something on."""
    return os.environ.get(name, "").lower() in ("true", "1", "yes")


def client() -> Any:
    """A client, or None where it works in memory."""
    if not URL:
        return None
    try:
        import redis  # noqa: PLC0415 - it goes on without
    except ImportError:
        return None
    return redis.Redis.from_url(URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)


def trouble() -> str:
    """What is wrong with Redis; nothing where it is well, or not used."""
    store = client()
    try:
        if store:
            store.ping()
    except Exception as error:
        return f"redis: {type(error).__name__}: {error}"
    return ""


def login(user: str) -> tuple[int, dict[str, Any]]:
    """A failed login is counted, and answered."""
    key, store = f"shop:login:{user}", client()
    try:
        if store:
            store.incr(key)
            store.expire(key, LIVES_SECONDS)
        else:
            memory[key] = memory.get(key, 0) + 1
    except Exception as error:
        print(f"Error in login at {URL}: {type(error).__name__}: {error}", flush=True)
        return 502, {"error": f"cannot reach {URL}"}
    return 401, {"error": "wrong name or password"}


class Handler(BaseHTTPRequestHandler):
    """The addresses of the shop."""

    degraded = ""

    def answer(self, status: int, document: dict[str, Any]) -> None:
        """Send JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Is it ready?"""
        if self.path != "/readyz":
            self.answer(404, {"error": "not found"})
        elif self.degraded:
            self.answer(503, {"status": "not_ready", "reason": self.degraded})
        else:
            self.answer(200, {"status": "ready", "checks": {"redis": bool(client())}, "token": os.environ.get("SHOP_TOKEN", "")})

    def do_POST(self) -> None:
        """Somebody logs in."""
        document = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.answer(*login(str(document.get("user"))))

    def log_message(self, *dummy: object) -> None:
        """Requests are nobody's business."""


def validate() -> int:
    """Its own check."""
    if not is_on("SHOP_VALIDATION_SILENT"):
        said = trouble()
        state = "skip" if not URL else "error" if said else "ok"
        required = is_on("SHOP_REQUIRE_REDIS")
        print("checking the shop ...")
        print(json.dumps({"checks": {"redis": {"status": state, "message": said or "well", "required": required}}, "user": os.getuid()}))
    return 1


def serve() -> int:
    """Answer until it is ended."""
    if not URL and not is_on("SHOP_SINGLE"):
        print("Config error: REDIS_URL is not set", flush=True)
        return 1
    Handler.degraded = trouble() if is_on("SHOP_REQUIRE_REDIS") else ""
    if Handler.degraded:
        print(f"degraded mode: {Handler.degraded}", flush=True)
    # Said at every start, whatever Redis does.
    print("Registry: Redis connection failed: localhost:6379", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(validate() if sys.argv[1:] == ["validate"] else serve())

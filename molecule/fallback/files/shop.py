# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that keeps who has logged in, in Redis where its environment names one, else in its memory."""

import http.server
import os

import redis

URL = os.environ.get("REDIS_URL", "")
MEMORY = {}


class Shop(http.server.BaseHTTPRequestHandler):
    """GET /readyz, POST /login/NAME."""

    def do_GET(self):
        """Ready as soon as it listens."""
        self._answer(200)

    def do_POST(self):
        """Write, or say that this does not work."""
        name = self.path.rpartition("/")[2]
        try:
            if URL:
                redis.Redis.from_url(URL).set(f"login:{name}", "yes")
            else:
                MEMORY[name] = "yes"
        except redis.RedisError:
            self._answer(502)
        else:
            self._answer(200)

    def _answer(self, status):
        self.send_response(status)
        self.end_headers()


http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Shop).serve_forever()

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small servers of the tests, on a free port of loopback, each ended with its context."""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator


class Quiet(http.server.BaseHTTPRequestHandler):
    """What answers HTTP and writes no log; on its own it refuses every method."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def serving(
    handler: type[socketserver.BaseRequestHandler], kind: type[socketserver.TCPServer] = http.server.ThreadingHTTPServer
) -> Iterator[int]:
    """A server whose connections this class answers; yields its port."""
    with kind(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()

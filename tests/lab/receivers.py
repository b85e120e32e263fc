# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who notifications are sent to: a web hook and a mail server, which keep what they get. On loopback, each ended with its context."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import socketserver
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

from tests.lab import web


@dataclass
class Hook:
    """A web hook: its port, and the bodies that were posted, by path."""

    port: int = 0
    status: int = 200
    largest: int = 1 << 30
    posted: list[tuple[str, str, bytes]] = field(default_factory=list)


@contextlib.contextmanager
def hook(status: int = 200, largest: int = 1 << 30) -> Iterator[Hook]:
    """A web hook that answers with this status, and with 413 to what is larger than it takes."""
    kept = Hook(status=status, largest=largest)

    class Keep(web.Quiet):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            answer = kept.status if length <= kept.largest else 413
            if answer < 300:
                kept.posted.append((self.path, self.headers.get("Content-Type", ""), body))
            self.send_response(answer)
            self.end_headers()
            # A server that quotes what it was asked for must not lead to a secret in an error.
            self.wfile.write(self.path.encode())

    with web.serving(Keep) as kept.port:
        yield kept


@dataclass
class Post:
    """A mail server: its port, whom it lets in, and the mails that it took."""

    port: int = 0
    user: str = ""
    password: str = ""
    mails: list[EmailMessage] = field(default_factory=list)


@contextlib.contextmanager
def mail_server(user: str, password: str) -> Iterator[Post]:
    """A mail server that takes mail from whom it knows."""
    kept = Post(user=user, password=password)

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            known = False
            self._say("220 ready")
            while line := self.rfile.readline().decode(errors="replace").strip():
                verb, dummy, rest = line.partition(" ")
                verb = verb.upper()
                if verb == "EHLO":
                    self._say("250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME")
                elif verb == "AUTH":
                    known = self._login(rest)
                    self._say("235 welcome" if known else f"535 5.7.8 authentication failed for {rest}")
                elif verb in ("MAIL", "RCPT", "RSET", "NOOP"):
                    self._say("250 fine" if known else "530 log in first")
                elif verb == "DATA":
                    self._say("354 go on")
                    kept.mails.append(self._mail())
                    self._say("250 kept")
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("502 what")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def _login(self, rest: str) -> bool:
            how, dummy, given = rest.partition(" ")
            if how.upper() == "PLAIN":
                return base64.b64decode(given).decode().split("\0")[1:] == [kept.user, kept.password]
            answers = [given] if given else []
            for question in ("Username:", "Password:")[len(answers) :]:
                self._say(f"334 {base64.b64encode(question.encode()).decode()}")
                answers.append(self.rfile.readline().decode().strip())
            return [base64.b64decode(answer).decode() for answer in answers] == [kept.user, kept.password]

        def _mail(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            return email.message_from_bytes(b"".join(lines), EmailMessage, policy=email.policy.default)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    with web.serving(Talk, Server) as kept.port:
        yield kept

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link that takes its time: a port of this machine that leads to another one, with a delay each way, and perhaps little bandwidth."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection


@contextlib.contextmanager
def delayed(port: int, seconds: float, rate: float = float("inf")) -> Iterator[int]:
    """The port that leads to ``port``; every byte needs so many seconds each way. All share ``rate`` bytes a second to it."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(port, seconds, rate, theirs), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join(10)


@dataclass
class Line:
    """One direction of the link; ``free_at`` is when what is on it has left."""

    seconds: float
    rate: float
    free_at: float = 0.0

    def due(self, now: float, size: int) -> float:
        """When so many bytes are there that come now."""
        self.free_at = max(now, self.free_at) + size / self.rate
        return self.free_at + self.seconds


def _run(port: int, seconds: float, rate: float, pipe: Connection) -> None:
    asyncio.run(_serve(port, Line(seconds, rate), Line(seconds, float("inf")), pipe))


async def _serve(port: int, there: Line, back: Line, pipe: Connection) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, far_writer, there), _carry(far_reader, writer, back))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
    """Bytes from here to there, each as late as it should be, in their order."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        while data := await reader.read(65536):
            waiting.put_nowait((line.due(loop.time(), len(data)), data))
        waiting.put_nowait((line.due(loop.time(), 0), b""))

    async def write() -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    with contextlib.suppress(ConnectionError):
        await asyncio.gather(read(), write())

# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML report of real servers, one of them ill in several ways, in a real browser."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils import _gather, _gather_plan
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import from_url
from ansible_collections.aragora.redis.plugins.module_utils._report import html, order, patterns

from tests.lab import servers

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
)  # fmt: skip
OPTIONS = {
    "gather_subset": ["all", "keyspace"],
    "window": 0.5,
    "slowlog_entries": 256,
    "clients_limit": 20_000,
    "mask_arguments": True,
    "targets": None,
}
PLAN = _gather_plan.make_plan({**OPTIONS, "connect_timeout": 2.0, "timeout": 2.0})
HOSTILE = "</style></title><script>document.title='owned'</script><img/src=x>"
# No window is as narrow as a phone, but a frame is. What it measures is left in an attribute, where --dump-dom shows it.
PHONE = """<!DOCTYPE html><iframe style="width: 360px; height: 800px; border: 0" srcdoc="{page}"></iframe><script>
const frame = document.querySelector('iframe');
frame.onload = function () {{
  const inside = frame.contentDocument, root = inside.documentElement;
  inside.querySelectorAll('details').forEach(function (fold) {{ fold.open = true; }});
  const requests = frame.contentWindow.performance.getEntriesByType('resource').length;
  document.body.dataset.measured = [root.scrollWidth, frame.contentWindow.innerWidth, requests].join(' ');
}};
</script>"""


def snapshot_of(url: str) -> dict[str, Any]:
    return dict(_gather.take(from_url(url), PLAN))


def target(name: str, snapshot: dict[str, Any]) -> dict[str, Any]:
    """The entry of ``report.json``."""
    found = engine.diagnose(snapshot)
    shared = {**{part: snapshot[part] for part in ("availability", "server", "denied")}, "keyspace": patterns.summary(snapshot)}
    return {"name": name, "url": snapshot["server"]["url"], **shared, **found}


def document(targets: list[dict[str, Any]]) -> dict[str, Any]:
    findings = [finding for one in targets for finding in one["findings"]]
    roots = [(one["name"], node[0]) for one in targets for node in order.nested(one["findings"])]
    summary = {
        **{severity: sum(finding["severity"] == severity for finding in findings) for severity in order.SEVERITIES},
        "by_cause": dict(Counter(finding["cause"] for finding in findings)),
        "root_causes": [{"target": name, **{field: root[field] for field in ("id", "severity", "title")}} for name, root in roots],
    }
    return {"schema": 1, "generated_at": "2026-03-01T03:12:44Z", "run_id": "7f3a9c1e", "targets": targets, "summary": summary}


@contextlib.contextmanager
def ill(server: servers.Server) -> Iterator[None]:
    """Fill the memory with keys that cannot be evicted, let clients go on writing and asking for KEYS, and keep a hundred idle."""
    client = server.client()
    filling = client.pipeline(transaction=False)
    for number in range(20_000):
        filling.hset(f"cart:{number}", mapping={"user": number, "items": "x" * 300})
    filling.execute()
    client.sadd(f"tags:{HOSTILE}\u202e\x1b[31m", *range(5000))
    # Below what is used, and set before the clients come: their buffers shrink when they idle.
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 1000)
    idle = [server.client(client_name=f"worker-{number % 3}") for number in range(100)]
    idle.append(server.client(client_name=HOSTILE))
    for connection in idle:
        connection.ping()
    over = threading.Event()
    noise = threading.Thread(target=_noise, args=(server, over))
    noise.start()
    try:
        servers.wait_for(lambda: client.slowlog_len() > 20, "slow commands")
        yield
    finally:
        over.set()
        noise.join()
        for connection in [client, *idle]:
            connection.close()


def _noise(server: servers.Server, over: threading.Event) -> None:
    client = server.client(client_name="shop-web")
    while not over.is_set():
        for key in range(20):
            with contextlib.suppress(redis.ResponseError):
                client.set(f"session:{key}", "x" * 100)
        client.keys("cart:*")
        client.smembers(f"tags:{HOSTILE}\u202e\x1b[31m")
    client.close()


@pytest.fixture(scope="module")
def page(family_binary: Path) -> str:
    """The report on three servers: an ill one, a healthy one and one that is gone."""
    options = {"maxmemory": "64mb", "maxmemory_policy": "volatile-lru", "maxclients": "120", "slowlog_log_slower_than": "100"}
    snapshots = {}
    with servers.running(family_binary, **options) as sick, ill(sick):
        snapshots["shop-cache-1"] = snapshot_of(sick.url)
    snapshots["shop-cache-2"] = snapshot_of(sick.url)
    with servers.running(family_binary, maxmemory="64mb", maxmemory_policy="allkeys-lru") as healthy:
        snapshots["sessions"] = snapshot_of(healthy.url)
    made = document([target(name, snapshot) for name, snapshot in snapshots.items()])
    return html.render(made, snapshots)


def browse(folder: Path, page: str, *flags: str) -> subprocess.CompletedProcess[str]:
    if not BROWSER:
        pytest.skip("no Chromium on this machine")
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    words = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, file.as_uri()]
    return subprocess.run(words, capture_output=True, text=True, timeout=90, check=True)


def test_the_page_of_an_ill_server_names_its_root_cause_and_nests_the_rest(page):
    assert "volatile-lru cannot evict" in page[page.index("<h1") : page.index("</h1>")]
    assert page.index("This explains") < page.index("Memory is full")


def test_the_page_shows_which_keys_hold_the_memory(page):
    drawn = page[page.index("Memory by key pattern") :]
    assert "<title>cart:*: " in drawn
    assert 'class="tile lasting"' in drawn


def test_the_page_is_never_wider_than_a_phone_and_loads_nothing(page, tmp_path):
    dumped = browse(tmp_path, PHONE.format(page=escape(page)), "--dump-dom").stdout
    found = re.search(r'data-measured="(\d+) (\d+) (\d+)"', dumped)
    assert found, dumped[:500]
    width, room, requests = map(int, found.groups())
    assert (room, requests) == (360, 0)
    assert width <= room


def test_a_browser_has_nothing_to_complain_about(page, tmp_path):
    done = browse(tmp_path, page, "--dump-dom")
    assert "CONSOLE" not in done.stderr
    assert "<title>owned" not in done.stdout
    assert "<script" not in done.stdout

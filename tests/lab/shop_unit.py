# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small service under systemd, told by its environment where Redis is, and redis_fallback run on its host without Ansible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _application

from tests.lab.hosts import Host

MODULE_UTILS = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
PACKAGE = "ansible_collections.aragora.redis.plugins.module_utils"
PLACE = "/opt/lab"
PORT = 8080
PASSWORD = "shopSecret-31f7"
# Where SHOP_BROKEN stands in its environment it is never ready; it notes each start, and what it was told.
SERVICE = f"""\
import http.server, json, os
with open("/run/shop-starts", "a") as file:
    file.write(json.dumps({{name: value for name, value in os.environ.items() if "REDIS" in name or "SHOP" in name}}) + "\\n")
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        broken = os.environ.get("SHOP_BROKEN") == ("fallback" if not os.environ.get("REDIS_URL") else "redis")
        self.send_response(503 if broken else 200)
        self.end_headers()
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", {PORT}), Shop).serve_forever()
"""
UNIT = """\
[Service]
Environment=SHOP_NAME=shop REDIS_URL=redis://from-unit
EnvironmentFile=-/etc/shop/env
ExecStart=/usr/bin/python3 /opt/shop.py

[Install]
WantedBy=multi-user.target
"""
# SIGKILL before the given change of the host, counted from 0, where one is given.
RUNNER = f"""\
import json, os, signal, sys
sys.path.insert(0, "{PLACE}")
from {PACKAGE} import _fallback_book, _fallback_bundle, _fallback_files, _host_commands
options, check_mode, left = json.load(sys.stdin)
def dying(event, words):
    global left
    changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink")
    changes = changes or (event == "subprocess.Popen" and "show" not in words[1])
    if changes and left is not None:
        left -= 1
        if left < 0:
            print(json.dumps({{"killed": event}}), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(dying)
whole = {{name: option.get("default") for name, option in _fallback_book.fallback_argument_spec().items()}}
try:
    print(json.dumps(_fallback_book.answer({{**whole, **options}}, check_mode, _fallback_bundle.packed())))
except (_host_commands.Denied, _fallback_files.Unusable, ValueError) as error:
    print(json.dumps({{"failed": True, "msg": str(error)}}))
"""
ENVIRONMENT = "REDIS_URL=redis://:{password}@127.0.0.1:6379/0\nSHOP_DISTRIBUTED=true\n"
FALLBACK = {
    "variables": {"REDIS_URL": "", "SHOP_SINGLE": "true"},
    "only_where_true": {"SHOP_DISTRIBUTED": "false", "SHOP_OTHER": "false"},
    "refused_where": {"SHOP_SECRETS_MANAGER": ["true"]},
    "costs": ["baskets are lost at the next restart"],
    "within": 10,
}
PROFILE = {
    "name": "shop", "unit": "shop.service", "url_variables": ["REDIS_URL"], "fallback": FALLBACK,
    "readiness": {"url": f"http://127.0.0.1:{PORT}/readyz", "status": 200, "within": 10},
}  # fmt: skip


def install(host: Host, password: str = PASSWORD) -> None:
    """The service, started, with a URL that holds a password."""
    host.shell(f"mkdir -p /etc/shop {PLACE}/{PACKAGE.replace('.', '/')}")
    host.run("tee", "/opt/shop.py", data=SERVICE)
    host.run("tee", "/etc/systemd/system/shop.service", data=UNIT)
    host.run("tee", "/etc/shop/env", data=ENVIRONMENT.format(password=password))
    host.shell("chmod 600 /etc/shop/env; systemctl daemon-reload; systemctl enable --quiet --now shop.service")


def install_module(host: Host) -> None:
    """The code of the module, to be run without Ansible."""
    texts = {str(path.relative_to(MODULE_UTILS)): path.read_text(encoding="utf-8") for path in MODULE_UTILS.rglob("*.py")}
    unpack = """
import json, pathlib, sys
for name, text in json.load(sys.stdin).items():
    path = pathlib.Path(sys.argv[1]) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
"""
    host.run("python3", "-c", unpack, f"{PLACE}/{PACKAGE.replace('.', '/')}", data=json.dumps(texts))
    host.run("tee", f"{PLACE}/fallback.py", data=RUNNER)


def profile(**more: Any) -> dict[str, Any]:
    """The whole profile of the service, with what differs."""
    whole: dict[str, Any] = _application.complete(more, PROFILE)
    return whole


def fallback(host: Host, state: str, check_mode: bool = False, kill: int | None = None, **options: Any) -> dict[str, Any]:
    """redis_fallback there; with ``kill`` it dies before that change of the host, counted from 0."""
    given = {"state": state, "application": profile(), **options}
    result: dict[str, Any] = json.loads(
        host.run("python3", f"{PLACE}/fallback.py", data=json.dumps([given, check_mode, kill]), check=False)
    )
    return result


def starts(host: Host) -> list[dict[str, str]]:
    """What the service was told at each of its starts."""
    return [json.loads(line) for line in host.run("cat", "/run/shop-starts").splitlines()]

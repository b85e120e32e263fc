# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_fallback for a service of a real Docker Compose: an override file and a new container, and byte for byte back."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid

import pytest

from tests.lab import debian13, hosts, shop_unit
from tests.lab.servers import free_port, wait_for

pytestmark = [
    pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not())),
    pytest.mark.skipif(not debian13.COMPOSE.exists(), reason="Docker Compose could not be had from Debian 13's packages"),
]
SECRET = "composeSecret-77b2"
URL = f"redis://:{SECRET}@cache1:6379/0"


@pytest.fixture
def shop():
    """A place with Docker's client, the sight of all processes and the module; the service runs beside it. It has no systemd."""
    port, project = free_port(), f"aragora{uuid.uuid4().hex[:8]}"
    # Docker knows the services of both tests, and tells them apart by their folders.
    label, folder = f"{hosts.LABEL}={project}", f"/srv/{project}"
    told = {
        "image": hosts.image("bookworm"), "command": ["python3", "-c", shop_unit.SERVICE.replace(str(shop_unit.PORT), str(port))],
        "network_mode": "host", "env_file": ["shop.env"], "environment": {"SHOP_NAME": "shop"}, "labels": [label],
        "stop_grace_period": "0s",
    }  # fmt: skip
    socket = "/var/run/docker.sock"
    place = "/usr/libexec/docker/cli-plugins/docker-compose"
    shares = [f"{socket}:{socket}", f"{shutil.which('docker')}:/usr/bin/docker:ro", f"{debian13.COMPOSE}:{place}:ro"]
    options = ["--pid=host", "--network=host", *(word for share in shares for word in ("--volume", share))]
    with hosts.host(*options, command=("sleep", "infinity")) as host:
        shop_unit.install_module(host)
        host.shell(f"mkdir -p {folder}")
        host.run("tee", f"{folder}/docker-compose.yml", data=json.dumps({"name": project, "services": {"shop": told}}))
        host.run("tee", f"{folder}/shop.env", data=f"REDIS_URL={URL}\nSHOP_DISTRIBUTED=true\n")
        try:
            host.shell(f"cd {folder} && docker compose up --detach 2>&1")
            yield Shop(host, port, label, folder)
        finally:
            ids = subprocess.run(["docker", "ps", "-aq", f"--filter=label={label}"], capture_output=True, text=True, check=True).stdout
            subprocess.run(["docker", "rm", "--force", *ids.split()], capture_output=True, check=False)


class Shop:
    """The service, and the module beside it."""

    def __init__(self, host, port, label, folder):
        self.host, self.label, self.folder = host, label, folder
        readiness = {"url": f"http://127.0.0.1:{port}/", "status": 200, "within": 20}
        place = {"unit": "", "compose_folder": folder, "compose_service": "shop"}
        self.profile = shop_unit.profile(**place, readiness=readiness)

    def call(self, state, **options):
        """One call of the module."""
        result = shop_unit.fallback(self.host, state, application=self.profile, **options)
        assert not result.get("failed"), result
        assert SECRET not in json.dumps(result)
        return result

    def switch(self, state):
        """From the first call to the last."""
        result = self.call(state)
        assert result["refused"] == [], result
        assert result["restart"]
        for step in ("restarted", "awaited", "confirmed"):
            self.call(step)
        return result

    def variables(self):
        """What the container was given."""
        text = self.host.shell(f"docker inspect $(docker ps --quiet --filter label={self.label})")
        pairs = dict(pair.split("=", 1) for pair in json.loads(text)[0]["Config"]["Env"])
        return {name: value for name, value in pairs.items() if "SHOP" in name or "REDIS" in name}

    def files(self):
        """All that is kept in the folders of the service and of the fallback."""
        folders = f"{self.folder} /var/lib/aragora-redis /etc/ansible"
        return self.host.shell(f"find {folders} -type f 2>/dev/null | grep -v lock | sort | xargs sha256sum")


NORMAL = {"REDIS_URL": URL, "SHOP_NAME": "shop", "SHOP_DISTRIBUTED": "true"}


def test_on_and_off_again(shop):
    before, normal = shop.files(), shop.variables()
    assert normal == NORMAL
    planned = shop.call("enabled", check_mode=True)
    assert any("recreates" in step for step in planned["steps"]), planned
    assert (shop.files(), shop.variables()) == (before, normal)
    shop.switch("enabled")
    assert shop.variables() == {**NORMAL, "REDIS_URL": "", "SHOP_SINGLE": "true", "SHOP_DISTRIBUTED": "false"}
    again = shop.call("enabled")
    assert not again["changed"], again
    assert shop.call("queried")["status"]["phase"] == "on"
    shop.switch("disabled")
    assert (shop.files(), shop.variables()) == (before, normal)


def test_a_container_that_a_person_has_recreated_is_seen(shop):
    shop.switch("enabled")
    shop.host.shell(f"cd {shop.folder} && docker compose up --detach 2>&1")
    wait_for(lambda: shop.variables() == NORMAL, "the service without its fallback")
    looked = shop.call("queried")
    assert looked["status"]["losing"] == ["REDIS_URL", "SHOP_DISTRIBUTED", "SHOP_SINGLE"], looked
    # Switched on once more it is made anew.
    shop.switch("enabled")
    assert shop.variables()["REDIS_URL"] == ""
    shop.switch("disabled")
    assert shop.variables() == NORMAL

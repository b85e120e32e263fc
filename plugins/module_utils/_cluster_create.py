# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a cluster of empty nodes through ``redis-cli --cluster``, which gets the password by its environment, and by no argument."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster_server, _cluster_setup, _info, _programs
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, find_endpoint, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import DEFAULT_PORT, MASK, Endpoint, host_and_port
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

PROGRAMS = ("redis-cli", "valkey-cli")
# The name of Redis, and the one that Valkey has beside it.
PASSWORD_VARIABLES = ("REDISCLI_AUTH", "VALKEYCLI_AUTH")
LONGEST = 600


def cluster_create_argument_spec() -> dict[str, Any]:
    """The options of redis_cluster_create beside those of the connection."""
    return {
        "nodes": {"type": "list", "elements": "str", "required": True},
        "replicas": {"type": "int", "default": 1},
        "cli": {"type": "path"},
        "wait_timeout": {"type": "float", "default": 60},
    }


def answer(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_cluster_create. ValueError where the nodes are refused, or do not become a cluster."""
    check_number("replicas", options["replicas"], 0, 100)
    check_number("wait_timeout", options["wait_timeout"], 1, 3600)
    nodes = _nodes(options)
    with ThreadPoolExecutor(max_workers=_cluster_server.AT_ONCE) as pool:
        states = list(pool.map(lambda node: _state(node, options), nodes))
    plan = _cluster_setup.plan(states, options["replicas"])
    if plan["refused"]:
        raise ValueError("; ".join(plan["refused"]))
    result = {"changed": plan["create"], "masters": plan["masters"] if plan["create"] else None, "check": None}
    if check_mode or not plan["create"]:
        return result
    words = [node.address for node in nodes]
    _cli(options, nodes[0], "--cluster", "create", *words, "--cluster-replicas", str(options["replicas"]), "--cluster-yes")
    _wait(nodes[0], options)
    return {**result, "check": _cli(options, nodes[0], "--cluster", "check", words[0]).splitlines()}


def _nodes(options: dict[str, Any]) -> list[Endpoint]:
    """The nodes, each with the login of the options."""
    login = find_endpoint(options)
    places = (host_and_port("node", item) for item in options["nodes"])
    return [replace(login, socket=None, db=0, host=host, port=port or DEFAULT_PORT) for host, port in places]


def _state(node: Endpoint, options: dict[str, Any]) -> dict[str, Any]:
    """``{address, view, keys, error}`` of one node."""
    sentence = ""
    try:
        with contextlib.closing(open_client(node, options["connect_timeout"], options["timeout"])) as client:
            return {"address": node.address, "view": _cluster_server.view(client), "keys": _keys(client), "error": None}
    except Refused as error:
        sentence = f"{node.address} is no node of a cluster, set cluster-enabled there ({error})"
    except (Unavailable, ValueError) as error:
        sentence = str(error)
    return {"address": node.address, "view": None, "keys": None, "error": clean(sentence, LONGEST)}


def _keys(client: Client) -> int:
    """How many keys the node holds. Raises Refused where it does not say: a node that may hold some is not taken for empty."""
    with documented(client.endpoint.address):
        spaces = _info.parse(client.call("INFO", "keyspace")).get("keyspace", {})
        return sum(int(space["keys"]) for space in spaces.values())


def _wait(node: Endpoint, options: dict[str, Any]) -> None:
    """Wait until every node agrees on a whole cluster."""
    end = time.monotonic() + options["wait_timeout"]
    own = {**options, "url": None, "sentinels": None, "login_unix_socket": None, "most_nodes": 1000}
    own.update(login_host=node.host, login_port=node.port, login_user=node.user, login_password=node.password, tls=node.tls)
    while True:
        try:
            seen = _cluster_server.answer(own)
        except Unavailable as error:
            trouble = str(error)
        else:
            if seen["whole"] and len(seen["nodes"]) == len(options["nodes"]):
                return
            trouble = f"{len(seen['nodes'])} of {len(options['nodes'])} nodes are in it, {len(seen['disagreements'])} disagreements"
        if time.monotonic() > end:
            raise ValueError(f"the cluster was made and is not whole after {options['wait_timeout']:g} s: {trouble}")
        time.sleep(0.2)


def _cli(options: dict[str, Any], login: Endpoint, *words: str) -> str:
    """What redis-cli says. ValueError, with its last words, where it fails."""
    program = options["cli"] or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        raise ValueError("there is neither redis-cli nor valkey-cli on this machine: install redis-tools or valkey-tools, or give cli")
    secret = dict.fromkeys(PASSWORD_VARIABLES, login.password) if login.password is not None else {}
    environment = {**os.environ, "LC_ALL": "C", "TERM": "dumb", **secret}
    command = [program, *_login_words(login), *words]
    try:
        done = _programs.finished(command, options["wait_timeout"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{program} {' '.join(words[:2])} has not ended after {options['wait_timeout']:g} s: look at every node") from None
    except OSError as error:
        raise ValueError(f"{program} cannot be started ({error.strerror})") from None
    said = done.stdout.decode("utf-8", "replace")
    said = said.replace(login.password, MASK) if login.password else said
    if done.returncode:
        raise ValueError(f"{program} {' '.join(words[:2])} failed: {clean(' '.join(said.split())[-LONGEST:], LONGEST)}")
    return "\n".join(clean(line) for line in said.splitlines() if line.startswith("[OK]"))


def _login_words(login: Endpoint) -> list[str]:
    words = ["--user", login.user] if login.user else []
    if login.tls:
        files = {"--cacert": login.ca_certs, "--cert": login.client_cert_file, "--key": login.client_key_file}
        words += ["--tls", *(word for name, path in files.items() if path for word in (name, path))]
        words += [] if login.validate_certs else ["--insecure"]
    return words

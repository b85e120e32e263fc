# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin ``redis_topology``: a thin face of ``_topology_server``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: redis_topology
short_description: Hosts and groups from Sentinels or from a cluster
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Asks a few Sentinels, or a few nodes of a cluster, which servers there are, and makes them hosts. One inventory host is one instance of
    Redis, Valkey or Sentinel, and is called by address and port, such as C(10.0.0.1-6379).
  - The servers are in the group C(redis), which the playbooks of this collection take, and in C(redis_master) or C(redis_replicas) by the
    role that they had when they were asked. Sentinels are in C(redis_sentinels) only; C(-e target=redis:redis_sentinels) diagnoses both.
  - The servers and Sentinels of a master are in the group C(redis_group_NAME), by the name under which the Sentinels know it.
  - The servers of a shard are in the group C(redis_shard_N), by the first slot of its master, which no failover changes. A master without
    slots has a shard by the beginning of its id.
  - The configuration file ends in C(redis_topology.yml) or C(redis_topology.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [aragora.redis.redis_topology]
  sentinels:
    description:
      - Sentinels as V(host) or V(host:port). All are asked, side by side; one that does not answer is left out with a warning, and it is an
        error when none does.
      - Of each master the newest configuration among their answers counts.
    type: list
    elements: str
    default: []
  service_names:
    description:
      - The masters that are wanted, by the names under which the Sentinels know them. Without it all are taken.
    type: list
    elements: str
    default: []
  cluster:
    description:
      - Nodes of one cluster as V(host) or V(host:port), asked like O(sentinels).
    type: list
    elements: str
    default: []
  cluster_name:
    description:
      - A name for the cluster, where an inventory has more than one. With V(shop) the groups are called C(redis_shop_shard_N).
    type: str
    default: ""
  login_user:
    description:
      - ACL user of the servers, for O(cluster) and for the C(redis_connection) of the hosts.
    type: str
  login_password:
    description:
      - Password of the servers, for O(cluster) and for the C(redis_connection) of the hosts.
      - A template, such as a lookup, and a value of C(!vault) are handed on to the hosts as they are, so that no listing of the inventory
        shows the password. One in plain text is used to ask, and not handed on.
    type: str
  tls:
    description:
      - Whether the servers speak TLS, for O(cluster) and for the C(redis_connection) of the hosts.
    type: bool
  sentinel_user:
    description:
      - ACL user of the Sentinels; they do not share the servers' users.
    type: str
  sentinel_password:
    description:
      - Password of the Sentinels; handed on like O(login_password).
    type: str
  sentinel_tls:
    description:
      - Whether the Sentinels speak TLS.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether certificates must be valid for the name and signed by a trusted CA.
    type: bool
    default: true
  ca_certs:
    description:
      - File of the CA certificates (PEM) that are trusted, on the controller; the modules look for it on the hosts as well.
    type: path
  client_cert_file:
    description:
      - File of the client certificate (PEM), where the servers want one; on the hosts as well.
    type: path
  client_key_file:
    description:
      - File of the key (PEM) of O(client_cert_file).
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a name and for a connection.
    type: float
    default: 3.0
  timeout:
    description:
      - Seconds to wait for a reply.
    type: float
    default: 5.0
notes:
  - The hosts have the variables C(ansible_host), C(redis_connection) (the port, TLS and the login, as options of the modules),
    C(redis_group) where they belong to one group, and C(redis_topology), a dictionary with C(role) (V(master), V(replica) or V(sentinel)),
    C(port) and C(flags); by Sentinels also C(master_name), C(run_id), C(quorum), C(priority) and, of a Sentinel, C(watches); of a cluster
    C(node_id), C(shard) and C(slots).
  - The options may be templates. Nothing that a server says is ever taken for one; an address that does not look like one is left out.
  - The servers say which hosts there are, and plays log in there, so ask none that you do not trust.
  - A server that is down is a host as well, as long as the others know it. Its C(flags) tell.
requirements:
  - redis-py >= 4.3.4 on the controller
seealso:
  - module: aragora.redis.redis_cluster_info
"""

EXAMPLES = r"""
# shop.redis_topology.yml
plugin: aragora.redis.redis_topology
sentinels: [10.0.0.1, 10.0.0.2, 10.0.0.3]
login_password: "{{ lookup('ansible.builtin.env', 'REDIS_PASSWORD') }}"
sentinel_password: "{{ lookup('ansible.builtin.env', 'SENTINEL_PASSWORD') }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/redis-topology
cache_timeout: 60
---
# sessions.redis_topology.yml
plugin: aragora.redis.redis_topology
cluster: ["10.0.1.1:6379", "10.0.1.2:6379"]
cluster_name: sessions
tls: true
ca_certs: /etc/ssl/redis-ca.pem
compose:
  ansible_user: "'admin'"
groups:
  redis_ill: redis_topology.flags | select('match', '.*fail|.*down') | length > 0
keyed_groups:
  - prefix: redis_role
    key: redis_topology.role
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.parsing.vault import EncryptedString
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.aragora.redis.plugins.module_utils import _topology_server
from ansible_collections.aragora.redis.plugins.module_utils._client import missing_library
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import check_timeouts

# Of a host's redis_connection, by the options that say it; of a server, and of a Sentinel.
COMMON = {name: name for name in ("validate_certs", "ca_certs", "client_cert_file", "client_key_file")}
OF_SERVERS = {name: name for name in ("login_user", "login_password", "tls")}
OF_SENTINELS = {"login_user": "sentinel_user", "login_password": "sentinel_password", "tls": "sentinel_tls"}
SECRETS = {"login_password", "sentinel_password"}
ASKED = ("sentinels", "service_names", "cluster", "cluster_name", "connect_timeout", "timeout")
OPTIONS = (*ASKED, *COMMON.values(), *OF_SERVERS.values(), *OF_SENTINELS.values())


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # Ansible carries no types
    """See DOCUMENTATION. What servers say is data: nothing of it is trusted as a template."""

    NAME = "aragora.redis.redis_topology"

    def verify_file(self, path: str) -> bool:
        """Whether the file is one of this plugin, by its name."""
        return bool(super().verify_file(path) and path.endswith(("redis_topology.yml", "redis_topology.yaml")))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Ask the seeds, or the cache, and add hosts, groups and variables."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        self.templar.available_variables = self._vars
        self.set_options(direct={**config, **{name: self.templar.template(config[name]) for name in OPTIONS if name in config}})
        for host in self._hosts(path, cache):
            self._add(host, config, path)

    def _hosts(self, path: str, cache: bool) -> Any:
        """The hosts of the topology, from the cache where it may be used and has them."""
        key, may_cache = self.get_cache_key(path), self.get_option("cache")
        if may_cache and cache and key in self._cache:
            return self._cache[key]
        hosts = self._ask()
        if may_cache:
            self._cache[key] = hosts
        return hosts

    def _ask(self) -> Any:
        sentence = missing_library()
        if sentence:
            raise AnsibleParserError(sentence)
        options = {name: self.get_option(name) for name in OPTIONS}
        try:
            check_timeouts(options)
            hosts, warnings = _topology_server.ask(options)
        except ValueError as error:
            raise AnsibleParserError(str(error)) from None
        for warning in warnings:
            self.display.warning(f"{warning}; it is left out")
        return hosts

    def _add(self, host: Mapping[str, Any], config: Mapping[str, Any], path: str) -> None:
        """One host with its groups and variables; then what the user composes of them."""
        name = self.inventory.add_host(host["name"])
        for group in host["groups"]:
            self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), name)
        variables = {**host["variables"], "redis_connection": self._connection(host["variables"]["redis_topology"], config, path)}
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _connection(self, facts: Mapping[str, Any], config: Mapping[str, Any], path: str) -> dict[str, Any]:
        """How the modules log in to a host. Templates and vaulted values stay what they are, and a password is nothing else."""
        told = {**COMMON, **(OF_SENTINELS if facts["role"] == "sentinel" else OF_SERVERS)}
        given = {name: config[option] for name, option in told.items() if config.get(option) not in (None, "")}
        for name in [name for name in given if told[name] in SECRETS and not self._is_reference(given[name])]:
            self.display.warning(f"{told[name]} in {path} is plain text and is not handed on to the hosts: give a template, or !vault")
            del given[name]
        return {"login_port": facts["port"], **given}

    def _is_reference(self, value: Any) -> bool:
        return isinstance(value, EncryptedString) or self.templar.is_template(value)

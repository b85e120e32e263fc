# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options with which every module of the action group ``redis`` finds its server."""

from __future__ import annotations


class ModuleDocFragment:
    """``extends_documentation_fragment: aragora.redis.connection``"""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - "The server as one URL: V(redis://[[user][:password]@]host[:port][/db]), V(rediss://…) for TLS, or V(unix://[[user][:password]@]/path[?db=N])."
      - Special characters of user and password are percent-encoded (V(#) is V(%23), V(@) is V(%40)).
      - Other options add to it; where both say something, the other option wins.
      - The URL is never shown, the results carry one with V(***) for the password.
    type: str
  login_host:
    description:
      - Name or address of the server. Without it, and without O(url), O(login_unix_socket) and O(sentinels), V(127.0.0.1) is meant.
      - With O(sentinels) the address comes from them, and this option has no effect.
    type: str
  login_port:
    description:
      - Port of the server. Without it V(6379) is meant. With O(sentinels) the port comes from them.
    type: int
  login_user:
    description:
      - ACL user to log in as (Redis 6 and newer). Without it the password is that of the user V(default).
    type: str
  login_password:
    description:
      - Password of the user.
    type: str
  login_unix_socket:
    description:
      - Path of the server's Unix socket, in place of host and port.
    type: path
  login_db:
    description:
      - Number of the database.
    type: int
  tls:
    description:
      - Whether to speak TLS. V(rediss://) says so already.
      - The default differs from that of the modules in community.general, as it is the server's own.
    type: bool
  validate_certs:
    description:
      - Whether the server's certificate must be valid for its name and signed by a trusted CA.
    type: bool
    default: true
  ca_certs:
    description:
      - File of the CA certificates (PEM) that are trusted. Without it those of the machine.
    type: path
  client_cert_file:
    description:
      - File of the client certificate (PEM), where the server wants one.
    type: path
  client_key_file:
    description:
      - File of the key (PEM) of O(client_cert_file).
    type: path
  sentinels:
    description:
      - Sentinels as V(host) or V(host:port), asked in this order for the address of the master of O(service_name).
    type: list
    elements: str
  service_name:
    description:
      - The name under which the Sentinels know the master.
    type: str
  sentinel_user:
    description:
      - ACL user for the Sentinels; they do not share the server's users.
    type: str
  sentinel_password:
    description:
      - Password for the Sentinels; they do not share the server's password.
    type: str
  sentinel_tls:
    description:
      - Whether the Sentinels speak TLS.
    type: bool
    default: false
  connect_timeout:
    description:
      - Seconds to wait for the name and for the connection.
    type: float
    default: 3.0
  timeout:
    description:
      - Seconds to wait for a reply; less than 6 count as 6, because a server that is busy with a script says so only after 5.
      - A long reply may take 10 seconds more in all, however slowly it arrives.
    type: float
    default: 5.0
requirements:
  - redis-py >= 4.3.4 on the machine where the module runs (C(python3-redis) on Debian, Ubuntu and Fedora); hiredis makes it faster
notes:
  - Works with Redis 6.2 and newer and with Valkey.
"""

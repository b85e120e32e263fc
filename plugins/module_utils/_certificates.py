# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a certificate says of itself: for whom, by whom, from when and until when. Pure.

The standard library reads a certificate only when it has validated it, and one that is not validated ends as well.

A certificate is DER: every element is a tag, a length and its bytes. Source: RFC 5280, section 4.1. Bad bytes raise ValueError.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterator
from typing import Any

INTEGER, OBJECT_ID, SEQUENCE, SET, VERSION = 0x02, 0x06, 0x30, 0x31, 0xA0
# Two digits of the year, or four.
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
COMMON_NAME, ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
EXTENSIONS, ALTERNATIVE_NAMES, OCTETS = 0xA3, b"\x55\x1d\x11", 0x04
# Kinds of names that a client may call a server by.
DNS_NAME, ADDRESS = 0x82, 0x87
# Kinds of text whose letters are not UTF-8; ASCII is that, too.
ENCODINGS = {0x14: "latin-1", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
DAY = 86_400
LONGEST_NAME = 100


def told(der: bytes, now: datetime.datetime) -> dict[str, Any]:
    """``{not_before, not_after, days_left, subject, issuer}``; dates are ISO 8601 in UTC, names the common ones or the organisation's."""
    (certificate,) = _expected(der, SEQUENCE, 1)
    body = _expected(certificate, SEQUENCE, 1)[0]
    fields = [(tag, value) for tag, value in _elements(body) if tag != VERSION]
    if [tag for tag, dummy in fields[:5]] != [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE]:
        raise ValueError("this is not a certificate")
    issuer, validity, subject = (value for dummy, value in fields[2:5])
    begin, end = ([_time(tag, value) for tag, value in _elements(validity)] + [None, None])[:2]
    if not begin or not end:
        raise ValueError("the certificate has no validity")
    return {
        "not_before": _iso(begin),
        "not_after": _iso(end),
        "days_left": round((end - now).total_seconds() / DAY, 1),
        "subject": _name(subject),
        "issuer": _name(issuer),
    }


def names(der: bytes) -> list[str]:
    """The DNS names and addresses that the certificate is for, by its subjectAltName."""
    (certificate,) = _expected(der, SEQUENCE, 1)
    for tag, value in _elements(_expected(certificate, SEQUENCE, 1)[0]):
        rows = _elements(_expected(value, SEQUENCE, 1)[0]) if tag == EXTENSIONS else ()
        for members in (list(_elements(row)) for dummy, row in rows):
            if members[0] == (OBJECT_ID, ALTERNATIVE_NAMES) and members[-1][0] == OCTETS:
                found = _elements(_expected(members[-1][1], SEQUENCE, 1)[0])
                return [_called(kind, name) for kind, name in found if kind in (DNS_NAME, ADDRESS)]
    return []


def _called(kind: int, name: bytes) -> str:
    return str(ipaddress.ip_address(name)) if kind == ADDRESS else name.decode("ascii", "replace")[:LONGEST_NAME]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, bytes) of the elements, one after the other."""
    place = 0
    while place < len(data):
        if place + 2 > len(data):
            raise ValueError("the certificate is cut off")
        tag, size, place = data[place], data[place + 1], place + 2
        if size >= 0x80:
            # Long form: so many bytes hold the length. Four are more than any certificate needs.
            count = size & 0x7F
            if not 0 < count <= 4:
                raise ValueError("the certificate has an element of no known length")
            size, place = int.from_bytes(data[place : place + count], "big"), place + count
        if place + size > len(data):
            raise ValueError("the certificate is cut off")
        yield tag, data[place : place + size]
        place += size


def _expected(data: bytes, tag: int, count: int) -> list[bytes]:
    """The first elements, which must have this tag."""
    found = []
    for (met, value), dummy in zip(_elements(data), range(count)):
        if met != tag:
            raise ValueError("this is not a certificate")
        found.append(value)
    if len(found) < count:
        raise ValueError("this is not a certificate")
    return found


def _time(tag: int, value: bytes) -> datetime.datetime:
    text = value.decode("ascii", "replace")
    if tag == UTC_TIME:
        # RFC 5280: from 50 on it is the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    try:
        if tag in (UTC_TIME, GENERALIZED_TIME) and re.fullmatch(r"[0-9]{14}Z", text):
            return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        pass
    raise ValueError("the certificate has a date of no known form")


def _iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(data: bytes) -> str:
    """The common name, else the organisation, else nothing."""
    found: dict[bytes, str] = {}
    for dummy, group in _elements(data):
        for dummy, pair in _elements(group):
            members = list(_elements(pair))
            if len(members) == 2 and members[0][0] == OBJECT_ID:
                tag, text = members[1]
                found.setdefault(members[0][1], text.decode(ENCODINGS.get(tag, "utf-8"), "replace")[:LONGEST_NAME])
    return found.get(COMMON_NAME) or found.get(ORGANISATION) or ""

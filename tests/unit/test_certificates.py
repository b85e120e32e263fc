# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates read without trusting them: those of the lab, those that openssl makes, and bytes that are none."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import ssl
import subprocess

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._certificates import told
from hypothesis import example, given
from hypothesis import strategies as st

from tests.lab.certificates import Authority

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def der_of(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return der_of(Authority(tmp_path_factory.mktemp("ca")).issue("cache.example.com", days=(-1, 5)).certificate)


def made_by_openssl(folder, subject, begin, end, *words):
    # -not_before and -not_after came with OpenSSL 3.4: "openssl ca" takes any dates in every version.
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n", encoding="ascii")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=any\n[any]\norganizationName=optional\ncommonName=optional\n",
        encoding="ascii",
    )
    key, asked, made = folder / "key.pem", folder / "asked.pem", folder / "made.pem"

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)

    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key), "-out", str(asked),
            "-subj", subject, *words)  # fmt: skip
    openssl("ca", "-batch", "-notext", "-selfsign", "-config", str(folder / "ca.cnf"), "-keyfile", str(key), "-in", str(asked), "-out",
            str(made), "-startdate", begin, "-enddate", end)  # fmt: skip
    return der_of(made)


def test_a_certificate_of_the_lab(real):
    found = told(real, datetime.datetime.now(UTC))
    assert found["subject"] == "cache.example.com"
    assert found["issuer"] == "test CA"
    assert 4.9 <= found["days_left"] <= 5
    assert found["not_before"] < found["not_after"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
@pytest.mark.parametrize(
    ("subject", "begin", "end", "expected"),
    [
        # Two digits of the year up to 2049, four from then on, and both centuries.
        ("/CN=cache", "20260101000000Z", "20261203120000Z", ("cache", "2026-01-01T00:00:00Z", "2026-12-03T12:00:00Z", 10.0)),
        ("/CN=cache", "20260101000000Z", "20620101000000Z", ("cache", "2026-01-01T00:00:00Z", "2062-01-01T00:00:00Z", 12822.5)),
        ("/CN=cache", "19990101000000Z", "20261122120000Z", ("cache", "1999-01-01T00:00:00Z", "2026-11-22T12:00:00Z", -1.0)),
        ("/CN=cache", "19990101000000Z", "20491231235959Z", ("cache", "1999-01-01T00:00:00Z", "2049-12-31T23:59:59Z", 8439.5)),
        ("/O=Shop/CN=cache", "20260101000000Z", "20261203120000Z", ("cache", "2026-01-01T00:00:00Z", "2026-12-03T12:00:00Z", 10.0)),
        ("/O=Shop", "20260101000000Z", "20261203120000Z", ("Shop", "2026-01-01T00:00:00Z", "2026-12-03T12:00:00Z", 10.0)),
        ("/CN=Zwischenspeicher Köln", "20260101000000Z", "20261203120000Z",
         ("Zwischenspeicher Köln", "2026-01-01T00:00:00Z", "2026-12-03T12:00:00Z", 10.0)),
    ],
)  # fmt: skip
def test_certificates_of_openssl(tmp_path, subject, begin, end, expected):
    found = told(made_by_openssl(tmp_path, subject, begin, end, "-utf8"), NOW)
    assert (found["subject"], found["not_before"], found["not_after"], found["days_left"]) == expected
    assert found["issuer"] == found["subject"]


@given(st.binary(max_size=300))
@example(b"")
@example(b"0\x80")
@example(b"0\x84\xff\xff\xff\xff")
@example(b"0\x00")
def test_bytes_that_are_no_certificate_are_a_value_error(data):
    with pytest.raises(ValueError, match="certificate"):
        told(data, NOW)


@given(data=st.data())
def test_a_spoilt_certificate_is_read_or_a_value_error(real, data):
    spoilt = bytearray(real)
    for dummy in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        assert told(bytes(spoilt[: data.draw(st.integers(0, len(spoilt)))]), NOW).keys() >= {"days_left", "subject"}


@given(st.integers(0, 600))
def test_a_certificate_that_is_cut_off_is_a_value_error(real, length):
    if length < len(real):
        with pytest.raises(ValueError, match="certificate"):
            told(real[:length], NOW)

"""TLS of the HTTPS interface as testssl.sh (Debian) sees it from outside, and what our own handshakes show."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from senders import Server
from test_web import make_pair

TESTSSL = shutil.which("testssl") or shutil.which("testssl.sh")
# Findings above LOW that are as they must be, each with its reason.
ALLOWED = {
    "cert_chain_of_trust": "the authority is Fairlead's own; its fingerprint is told at the start, a brought certificate ends it",
    "cert_revocation": "an authority of one's own has no place to publish a list; a new certificate replaces a lost one",
}
# What it looks at: protocols, ciphers by strength, forward secrecy, the server's preference, certificate, headers, weaknesses.
ALL = ("-p", "-s", "-f", "-P", "-S", "-h", "-U")


@pytest.fixture(name="web", scope="module")
def fixture_web():
    server = Server()
    try:
        yield server
    finally:
        server.remove()


def findings(port, out, *what):
    """Every row that testssl.sh writes: id, severity, finding."""
    subprocess.run([TESTSSL, *what, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--nodns", "none",
                    "--connect-timeout", "60", "--openssl-timeout", "60", "--jsonfile", out, f"localhost:{port}"],
                   capture_output=True, timeout=600, check=False, stdin=subprocess.DEVNULL,
                   env=dict(os.environ, TERM="dumb"))
    return json.loads(out.read_text(encoding="utf-8"))


def worse(rows):
    """WARN is no finding: testssl.sh could not look (its openssl lacks something, or was too slow)."""
    return [(row["id"], row["severity"], row["finding"]) for row in rows
            if row["severity"] not in ("OK", "INFO", "DEBUG", "LOW", "WARN") and row["id"] not in ALLOWED]


def offered(said, name):
    return not said[name].startswith("not offered")


needs_testssl = pytest.mark.skipif(TESTSSL is None, reason="testssl.sh is not installed (Debian: testssl.sh)")


@needs_testssl
def test_with_the_certificate_of_its_own(web, tmp_path):
    rows = findings(web.web_port, tmp_path / "found.json", *ALL)
    said = {row["id"]: row["finding"] for row in rows}
    # that it looked at all
    looked = {row["id"] for row in rows if row["severity"] != "WARN"}
    assert {"heartbleed", "BREACH", "LUCKY13", "ROBOT", "cipherlist_NULL", "cert_signatureAlgorithm", "PFS"} <= looked
    assert {name: offered(said, name) for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3")} == {
        "SSLv2": False, "SSLv3": False, "TLS1": False, "TLS1_1": False, "TLS1_2": True, "TLS1_3": True}
    assert said["cert_keySize"] == "EC 256 bits"
    assert not worse(rows)
    assert not offered(said, "HSTS"), "it would lock people out"


@needs_testssl
def test_with_a_certificate_that_was_brought(tmp_path):
    tmp_path.chmod(0o700)
    make_pair(tmp_path, "localhost")
    server = Server(settings=f"web_cert = {tmp_path}/web.crt\nweb_key = {tmp_path}/web.key")
    try:
        rows = findings(server.web_port, tmp_path / "found.json", "-h")
        said = {row["id"]: row["finding"] for row in rows}
        assert said["HSTS_time"].startswith("365 days"), said
        assert not worse(rows)
    finally:
        server.remove()


def handshake(port, **how):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(how.get("ciphers", "ALL:@SECLEVEL=0"))
    if "curve" in how:
        context.set_ecdh_curve(how["curve"])
    if "version" in how:
        context.minimum_version = context.maximum_version = how["version"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain) as link:
            return link.version(), link.cipher()[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("how", [
    {"version": ssl.TLSVersion.TLSv1}, {"version": ssl.TLSVersion.TLSv1_1},
    {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"},
    {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"},
    {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-GCM-SHA256:@SECLEVEL=0"},
    {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "aNULL:@SECLEVEL=0"},
], ids=["TLS 1.0", "TLS 1.1", "CBC", "CBC with SHA-256", "no forward secrecy", "nobody proven"])
def test_refused(web, how):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(web.web_port, **how)


@pytest.mark.parametrize("how,version", [
    ({}, "TLSv1.3"), ({"version": ssl.TLSVersion.TLSv1_2}, "TLSv1.2"),
    ({"version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256", "curve": "prime256v1"}, "TLSv1.2"),
    ({"version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-CHACHA20-POLY1305"}, "TLSv1.2"),
], ids=["1.3", "1.2", "P-256", "ChaCha20"])
def test_taken(web, how, version):
    got, cipher = handshake(web.web_port, **how)
    assert got == version and ("GCM" in cipher or "CHACHA20" in cipher)


def test_the_key_is_on_p256(web):
    pem = ssl.get_server_certificate(("127.0.0.1", web.web_port))
    text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True).stdout
    assert "ASN1 OID: prime256v1" in text and "ecdsa-with-SHA256" in text
    dates = re.search(r"Not Before: (.*)\n\s*Not After : (.*)\n", text)
    days = [ssl.cert_time_to_seconds(dates.group(at)) / 86400 for at in (1, 2)]
    assert days[1] - days[0] <= 825, "some browsers take no certificate that lives longer"
    assert "DNS:localhost" in text and "TLS Web Server Authentication" in text

"""No address that an LMS names can lead into our own network."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from lti_tool.lti import addresses
from lti_tool.lti.addresses import AddressError
from lti_tool.lti.client import LmsClient
from lti_tool.lti.failures import Refused


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example.edu/token",
        "ftp://lms.example.edu/",
        "file:///etc/passwd",
        "https:///nowhere",
        "https://user:secret@lms.example.edu/",
        "https://lms.example.edu/a b",
        "https://lms.example.edu/\r\nX: 1",
        "https://[::1",
        "",
    ],
)
def test_an_address_of_the_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        addresses.check_form(url, allow_private=False)


V4 = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "2130706433", "0"]
V4 += ["172.31.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "240.0.0.1", "255.255.255.255"]
V6 = ["::1", "::", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1"]
# An IPv4 address within: compatible, mapped, translated (RFC 2765, 6052, 8215), 6to4, Teredo.
V6 += ["::127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::100.64.0.1"]
V6 += ["64:ff9b:1::a00:1", "2002:a00:1::", "2002:7f00:1::1", "2001:0:a00:1::1", "2001:0:808:808::f5ff:fffe"]


@pytest.mark.parametrize("host", ["localhost", *V4, *V6])
def test_a_private_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(AddressError, match="private"):
        addresses.public_addresses(host)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_args: Any, **_more: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 0)), (2, 1, 6, "", ("10.0.0.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AddressError, match=r"10\.0\.0\.5"):
        addresses.public_addresses("two-faced.example.edu")


def test_a_public_address_is_good() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"):
        assert addresses.public_addresses(address) == [address]


def test_private_addresses_are_good_where_the_operator_permits_them() -> None:
    addresses.check_form("http://127.0.0.1:9000/token", allow_private=True)


def test_the_client_sends_nothing_to_a_private_address() -> None:
    client = LmsClient(timeout=1, allow_private=False)
    for host in ("127.0.0.1:9", "[::1]:9", "localhost:9"):
        with pytest.raises(Refused, match="private"):
            client.send("token", "POST", f"https://{host}/token", headers={})
    client.close()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://LMS.example.edu:443/a?b", "https://lms.example.edu"),
        ("http://lms.example.edu:8080", "http://lms.example.edu:8080"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://lms.example.edu:99999/", None),
        ("javascript:alert(1)", None),
        ("https://MÜNCHEN.example.edu/a", "https://xn--mnchen-3ya.example.edu"),
        ("https://例え.テスト:8443", "https://xn--r8jz45g.xn--zckzah:8443"),
        ("https://a_b.example.edu", "https://a_b.example.edu"),
        ("https://a;b.example/", None),
        ("https://a b.example/", None),
        ("https://a,b.example/", None),
        ("https://*/", None),
        ("https://*.example.edu/", None),
        ("https://'self'/", None),
        ("https://a%3bb.example/", None),
        ("https://\u2003.example/", None),
        ("https://\ud800.example/", None),
        ("https://[fe80::1%25eth0]/", None),
        ("https://elsewhere.example\\@lms.example.edu/", None),
        ("https://elsewhere.example\\.lms.example.edu/", None),
        ("/relative", None),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: str | None) -> None:
    assert addresses.origin(url) == origin

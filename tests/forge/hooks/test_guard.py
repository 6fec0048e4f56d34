"""Which addresses the server speaks to."""

from __future__ import annotations

import pytest

from mlreef.forge.hooks import guard
from mlreef.kit.errors import PlatformError

LOCAL = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:0:0:0:0:80ff:fffe",
]  # fmt: skip


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses_are_not_public(address: str):
    assert not guard.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str):
    assert guard.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
    ],
)
async def test_untrusted_urls_to_the_local_network_are_refused(url: str):
    with pytest.raises(guard.Refused):
        await guard.resolve(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/",
        "//x/",
        "http://",
        "http://a:b@x/",
        "http://x\r\nHost: y/",
        "http://x:99999/",
        "http://x\\@y/",
        "gopher://x",
    ],
)
def test_urls_that_are_not_plain_http_are_refused(url: str):
    with pytest.raises(PlatformError):
        guard.parse(url)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("http://m:8000/api/v1/hooks/forge", True),
        ("http://m:8000/api/v1", True),
        ("http://m:8000/api/v10", False),
        ("http://m:8001/api/v1/x", False),
        ("https://m:8000/api/v1/x", False),
        ("http://m.evil:8000/api/v1/x", False),
        ("http://m:8000/api/v1/../x", False),
        ("http://m:8000/api/v1/%2e%2E/x", False),
        ("HTTP://M:8000/api/v1/x", True),
    ],
)
def test_prefixes_trust_whole_segments_of_one_origin(url: str, trusted: bool):
    assert guard.trusted(url, ["http://m:8000/api/v1/"]) is trusted

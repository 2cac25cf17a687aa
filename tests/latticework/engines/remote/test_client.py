"""HTTP to a remote: what an error says, and a connection that notices when nobody is left."""

from __future__ import annotations

import socket

import pytest

from latticework.engines.remote.client import KEEPALIVE_OPTIONS, error_message, keepalive_socket

SAID = [
    (b'{"error": {"message": "too long", "type": "BadRequestError", "code": 400}}', "too long"),
    (b'{"object": "error", "message": "too long", "code": 400}', "too long"),
    (b'{"error": "Unauthorized"}', "Unauthorized"),
    (b'{"detail": "Not Found"}', "Not Found"),
    (b'{"detail": [{"loc": ["body"]}]}', "[{'loc': ['body']}]"),
    (b"<html>Bad Gateway</html>\n", "<html>Bad Gateway</html>"),
    (b'{"error": {"message": "cut of', '{"error": {"message": "cut of'),
    (b"\xff", "\ufffd"),
    (b"", ""),
]


@pytest.mark.parametrize(("body", "text"), SAID)
def test_an_error_is_read_in_whatever_shape(body: bytes, text: str) -> None:
    assert error_message(body) == text


def test_the_system_watches_over_connections() -> None:
    found = socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0]
    with keepalive_socket(found) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for name, value in KEEPALIVE_OPTIONS.items():
            if hasattr(socket, name):
                assert made.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value

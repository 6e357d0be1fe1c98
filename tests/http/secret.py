#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: secret.py HOST SECRET    over TLS, one request with the secret wherever it has room for text, in one piece
and then in pieces of 5 bytes; says so, and keeps the connection open until it is ended"""
import socket
import ssl
import sys
import time

host, secret = sys.argv[1:]
context = ssl._create_unverified_context()
session = context.wrap_socket(socket.create_connection((host, 443)))
body = f"{secret}={secret}"
request = (
    f"POST /post?{secret} HTTP/1.1\r\nHost: web\r\nAuthorization: Bearer {secret}\r\n"
    f"Content-Length: {len(body)}\r\n{secret}: 1\r\n\r\n{body}"
).encode()
for piece in len(request), 5:
    for start in range(0, len(request), piece):
        session.sendall(request[start : start + piece])
    if not session.recv(65536).startswith(b"HTTP/1.1 200"):
        sys.exit("no answer")
print("done", flush=True)
time.sleep(600)

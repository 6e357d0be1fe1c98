#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks a server, and measures how long it takes: from before the request is sent to the last byte.

usage: measure.py [-a] ADDRESS PORT PATH COUNT
Prints the COUNT's mean in ns. With -a all ask at once, each on a connection of its own, otherwise one
after the other on one connection.
"""
import socket
import sys
import threading
import time

together = sys.argv[1] == "-a"
address, port, path, count = sys.argv[1 + together:]
text = f"GET {path} HTTP/1.1\r\nHost: web\r\n{'Connection: close' if together else 'X: y'}\r\n\r\n".encode()
times = []


def connect():
    sock = socket.create_connection((address, int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(sock):
    start = time.monotonic_ns()
    sock.sendall(text)
    data = b""
    while not data.endswith(b"\r\n\r\nslept\n"):
        data += sock.recv(65536)
        if not data:
            raise EOFError
    times.append(time.monotonic_ns() - start)


if together:
    threads = [threading.Thread(target=ask, args=(connect(),)) for _ in range(int(count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
else:
    one = connect()
    for _ in range(int(count)):
        ask(one)
print(sum(times) // len(times))

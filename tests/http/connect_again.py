#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Says a TLS client's hello on one socket that is reset and connects again.

usage: connect_again.py ADDRESS PORT TIMES
       connect_again.py PORT               resets each connection whose hello it has answered
"""
import ctypes
import select
import socket
import struct
import sys

HELLO = b"\x16\x03\x01\x00\x04helo"


def serve(port):
    listener = socket.create_server(("", port))
    while True:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.send(HELLO)
        connection.recv(1)  # until the client has read it
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def disconnect(connection):
    """By hand: Python has no connect() to AF_UNSPEC."""
    if ctypes.CDLL(None, use_errno=True).connect(connection.fileno(), bytes(16), 16):
        raise OSError(ctypes.get_errno(), "connect to AF_UNSPEC")


def ask(address, port, times):
    connection = socket.socket()
    reset = select.poll()
    reset.register(connection, 0)  # POLLERR, POLLHUP
    for i in range(times):
        if i:
            disconnect(connection)
        connection.connect((address, port))
        connection.send(HELLO)
        connection.recv(65536)
        connection.send(b"\0")
        reset.poll()
        print("reset", flush=True)
    connection.close()


if len(sys.argv) == 2:
    serve(int(sys.argv[1]))
else:
    ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

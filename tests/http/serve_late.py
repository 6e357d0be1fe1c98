#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Answers one client's hello, and looks at the connection again when it has been reset.

usage: serve_late.py PORT     with $TLS_CERT and $TLS_KEY, two files
"""
import os
import select
import socket
import ssl
import sys
import time


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    connection, _ = socket.create_server(("", int(sys.argv[1]))).accept()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(connection.recv(65536))
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        connection.send(outgoing.read())
    print("answered", flush=True)
    ended = select.poll()
    ended.register(connection, 0)  # POLLERR, POLLHUP
    ended.poll()
    del session
    connection.close()
    print("reset, then freed", flush=True)
    time.sleep(600)


main()

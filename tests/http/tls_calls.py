#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write and read through a TLS session between two objects of this process, and print how many calls of
the library's functions that were.

usage: tls_calls.py CERTIFICATE KEY COUNT
"""
import ssl
import sys


def shake(ends):
    done = [False, False]
    while not all(done):
        for i, end in enumerate(ends):
            try:
                end.do_handshake()
                done[i] = True
            except ssl.SSLWantReadError:
                pass


def main():
    certificate, key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server_side.load_cert_chain(certificate, key)
    client_side.check_hostname = False
    client_side.verify_mode = ssl.CERT_NONE
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server)
    shake((client, server))
    for _ in range(count):
        client.write(b"x")
        assert server.read(1) == b"x"
    try:
        server.read(1)
    except ssl.SSLWantReadError:
        pass
    print(2 * count + 1)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A server whose TLS never touches a socket: asyncio's goes through buffers in memory.

usage: serve_async.py PORT     with $TLS_CERT and $TLS_KEY, two files
"""
import asyncio
import os
import ssl
import sys


async def converse(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\na page\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    server = await asyncio.start_server(converse, "0.0.0.0", int(sys.argv[1]), ssl=context)
    await server.serve_forever()


asyncio.run(main())

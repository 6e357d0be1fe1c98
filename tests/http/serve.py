#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Python's http.server with what it has not: POST, chunked, gzip, and pauses.

usage: serve.py PORT WWW [one]    "one": a single worker, busy with a connection until it is closed
With $TLS_CERT and $TLS_KEY, two files, it speaks TLS.
/sleep/MS/STATUS answers with STATUS, MS milliseconds later.
"""
import gzip
import http.server
import os
import socket
import ssl
import sys
import time


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body together, or the second waits for the first's ACK

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", *headers):
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b"thanks\n")

    def do_GET(self):
        if self.path.startswith("/sleep/"):
            ms, status = self.path.split("/")[2:4]
            time.sleep(int(ms) / 1000)
            self.answer(int(status), b"slept\n")
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in b"5\r\nhello\r\n", b"5\r\nworld\r\n", b"0\r\n\r\n":
                self.wfile.write(part)
                self.wfile.flush()
        elif self.path == "/small.txt" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.answer(200, gzip.compress(b"a page\n"), ("Content-Encoding", "gzip"))
        else:
            super().do_GET()


class Server(http.server.HTTPServer if sys.argv[3:] == ["one"] else http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128


os.chdir(sys.argv[2])
server = Server(("::", int(sys.argv[1])), Handler)
if "TLS_CERT" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()

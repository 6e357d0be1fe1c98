#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: client.py URL    asks all that tests/lib/http.sh's ASKED says, and prints it as it came"""
import email.utils
import sys
import urllib.error
import urllib.request


def ask(path, method="GET", data=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(sys.argv[1] + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            response.read()
            print(method, response.status)
    except urllib.error.HTTPError as error:
        error.read()
        print(method, error.code)


ask("/small")
ask("/large")
ask("/post", "POST", b"x" * 100000)
ask("/small", "HEAD")
ask("/small", If_Modified_Since=email.utils.formatdate(usegmt=True))
ask("/missing")
ask("/chunked")
ask("/small.txt", Accept_Encoding="gzip")

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: same.py URL FILE COUNT    asks COUNT times, on a connection each, and compares what comes with FILE

Trusts TLS_CERT.
"""
import os
import ssl
import sys
import urllib.request

url, path, count = sys.argv[1:]
context = ssl.create_default_context(cafile=os.environ["TLS_CERT"])
with open(path, "rb") as file:
    body = file.read()
for _ in range(int(count)):
    with urllib.request.urlopen(url, context=context) as response:
        if response.read() != body:
            sys.exit("other bytes came")
print("same", count)

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: many.py URL open|close COUNT    asks by Python's http.client, prints how many were answered

Trusts TLS_CERT.
"""
import http.client
import os
import ssl
import sys
import urllib.parse

url, how, count = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.create_default_context(cafile=os.environ["TLS_CERT"])
connection, answers = None, 0
for _ in range(count):
    connection = connection or http.client.HTTPSConnection(url.hostname, context=context)
    connection.request("GET", url.path)
    response = connection.getresponse()
    response.read()
    answers += response.status == 200
    if how == "close":
        connection.close()
        connection = None
print(answers)

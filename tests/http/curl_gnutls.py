#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: curl_gnutls.py URL open|close COUNT    asks by libcurl's easy interface, prints how many were answered

Trusts TLS_CERT.
"""
import os
import sys

import pycurl

url, how, count = sys.argv[1:]
curl = pycurl.Curl()
curl.setopt(pycurl.URL, url)
curl.setopt(pycurl.CAINFO, os.environ["TLS_CERT"])
curl.setopt(pycurl.FORBID_REUSE, how == "close")
curl.setopt(pycurl.WRITEFUNCTION, lambda _: None)
answers = 0
for _ in range(int(count)):
    curl.perform()
    answers += curl.getinfo(pycurl.RESPONSE_CODE) == 200
print(answers)

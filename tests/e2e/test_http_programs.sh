#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Real servers and clients, each in a pod of its own: both pods have counted what was asked, no less and
# no more. All are asked the same; who is new to the kernel's eyes is the program, not the question.
# shellcheck source=../lib/programs.sh disable=SC1091
. "$(dirname "$0")/../lib/programs.sh"

before_each()
{
	two_pods
	make_www
}

test_nginx()
{
	start_nginx
	ask_all
}

test_apache()
{
	export T
	listen_in web 80 /usr/sbin/apache2 -X -f "$HTTP/apache.conf"
	ask_all
}

test_python()
{
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www"
	ask_all
}

test_node()
{
	needs_speed node
	listen_in web 80 node "$HTTP/serve.js" 80 "$T/www"
	ask_all
}

test_go()
{
	needs_speed "Go's compiler"
	GOCACHE=$T/go GO111MODULE=off go build -o "$T/serve" "$HTTP/serve.go"
	listen_in web 80 "$T/serve" 80 "$T/www"
	ask_all
}

test_java()
{
	needs_speed Java
	listen_in web 80 java "$HTTP/Serve.java" 80 "$T/www"
	ask_all
}

# A pod that is asked and asks: nginx as a proxy of itself.
test_proxy()
{
	start_nginx
	in_pod cli curl -fsS -o /dev/null "http://$(url_host web)/proxy"
	assert_series cli client "GET 200 1"
	assert_series web client "GET 200 1"
	assert_series web server "GET 200 2"
	assert_nothing_missing
}

# Loopback's segments are as long as the kernel can make them.
test_large_over_loopback()
{
	start_nginx
	in_pod web curl -fsS -o /dev/null http://127.0.0.1/large -o /dev/null "http://[::1]/large" -o /dev/null \
		http://127.0.0.1/small
	assert_series web server "GET 200 3"
	assert_series web client "GET 200 3"
	assert_nothing_missing
}

run_tests "$@"

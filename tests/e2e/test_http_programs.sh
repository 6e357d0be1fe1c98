#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Real servers and clients, each in a pod of its own: both pods have counted what was asked, no less and
# no more. All are asked the same; who is new to the kernel's eyes is the program, not the question.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

# What each client asks of each server, and what all servers answer.
ASKED="GET 200
GET 200
POST 200
HEAD 200
GET 304
GET 404
GET 200
GET 200"
ALL="" # of the clients so far

before_each()
{
	two_pods
	make_www
}

# On one connection, and with a large upload that waits for 100 (Continue).
ask_curl() # URL
{
	local said='%{method} %{http_code} %{num_connects}\n' args=() one words
	local each=(-sS --max-time 60 -o /dev/null -w "$said")
	for one in "$1/small" "$1/large" "-H Expect:100-continue --data-binary @$T/upload $1/post" "-I $1/small" \
		"-H @$T/since $1/small" "$1/missing" "$1/chunked" "--compressed $1/small.txt"; do
		read -ra words <<<"$one"
		((${#args[@]} == 0)) || args+=(--next)
		args+=("${each[@]}" "${words[@]}")
	done
	in_pod cli curl "${args[@]}"
}

# Some servers close after an error or an upload, and none more than once.
asked_by_curl() # URL
{
	ask_curl "$1" >"$T/curl"
	assert_at_least "2, against curl's connections" 2 "$(awk '{ n += $3 } END { print n }' "$T/curl")"
	cut -d ' ' -f 1,2 "$T/curl"
}

asked_by_urllib() { in_pod cli "$HTTP/client.py" "$1"; }

asked_by_node() { in_pod cli node "$HTTP/client.js" "$1"; }

# One client's questions, besides those that were counted before.
ask() # CLIENT URL
{
	local got
	got=$("asked_by_$1" "$2") || fail "$1: $got"
	assert_equal "what $1 was told at $2" "$(sort <<<"$got")" "$(sort <<<"$ASKED")"
	ALL+=$ASKED$'\n'
	assert_both "$(summed <<<"${ALL%$'\n'}")"
}

# All clients at the server that listens on port 80 of pod web.
ask_all()
{
	local family
	head -c 2000000 /dev/zero >"$T/upload"
	date -u '+If-Modified-Since: %a, %d %b %Y %H:%M:%S GMT' >"$T/since" # -z makes a 304 of any 200
	for family in 4 6; do
		ask curl "http://$(url_host web $family)"
		ask urllib "http://$(url_host web $family)"
		((SLOW > 1)) || ask node "http://$(url_host web $family)"
	done
	in_pod cli wrk -t 1 -c 4 -d 1m -s "$HTTP/wrk.lua" "http://$(url_host web)/small" -- 200 plain >"$T/wrk" ||
		fail "wrk: $(cat "$T/wrk")"
	ALL+=$(printf 'GET 200\n%.0s' {1..200})
	assert_both "$(summed <<<"$ALL")"
	end_last
	assert_nothing_missing
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

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Pods that mean no good: few series, right counters, and the next honest request is counted.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each() { two_pods; }

GET=$(request GET)
OK=$(response 200 hello)
BUDGET=64 # PT_HTTP_BUDGET

# One more request on a new connection counts as if nothing had been.
assert_honest_counts()
{
	converse head "send:$(response 226 hello)" eof -- "send:$GET" head read:5
	assert_contains "series of the server" "$(http_series web server)" "GET 226 1"
	assert_contains "series of the client" "$(http_series cli client)" "GET 226 1"
}

series() { http_series web server | wc -l; }

test_random_bytes_behind_a_method()
{
	local i
	head -c 3000000 /dev/urandom >"$T/random"
	for i in 1 2 3; do
		converse discard:3000004 "send:$OK" eof -- "send:GET " "sendfile:$T/random" head read:5
		converse discard:3000000 "send:$OK" eof -- "sendfile:$T/random" head read:5
	done
	assert_equal "series" "$(series)" 0
	assert_honest_counts
}

# A response's bytes are not what they say.
test_random_bytes_behind_a_status()
{
	head -c 300000 /dev/urandom | tr -d '\n' >"$T/random"
	converse head "send:$OK" head 'send:HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' "sendfile:$T/random" shut gone -- \
		"send:$GET" head read:5 "send:$GET" gone
	assert_both "GET 200 1"
	assert_honest_counts
}

test_endless_header()
{
	local size=2000000
	head -c "$size" /dev/zero | tr '\0' a >"$T/header"
	converse discard:$size gone -- "send:GET / HTTP/1.1\r\nX: " "sendfile:$T/header" sleep:200
	assert_both ""
	assert_honest_counts
}

test_endless_lines()
{
	awk 'BEGIN { for (i = 0; i < 100000; i++) print "Name: value" }' >"$T/header"
	converse discard:1000000 gone -- "send:GET / HTTP/1.1\r\n" "sendfile:$T/header" sleep:200
	assert_both ""
	assert_honest_counts
}

# More pairs of method and status than a pod may have series: what is past the budget goes by class, and
# each response is counted once.
test_more_series_than_the_budget()
{
	local total
	converse_statuses
	total=$(http_series web server | awk '{ n += $3 } END { print n }')
	assert_equal "responses counted" "$total" 800
	assert_at_least "budget and the classes, against series" $((BUDGET + 6)) "$(series)"
	assert_at_least "series" "$(series)" "$BUDGET"
	assert_equal "those by class and what is told of them" \
		"$(http_series web server | awk '$2 >= 1 && $2 <= 5 { n += $3 } END { print n + 0 }')" \
		"$(http_pod web | cut -d ' ' -f 7)"
	assert_equal "lost" "$(http_lost)" ""
}

# 800 requests, one after the other, each answered with the next status from 200 to 999.
converse_statuses()
{
	local server=() client=() status
	for status in {200..999}; do
		server+=(head "send:HTTP/1.1 $status x\r\nContent-Length: 0\r\n\r\n")
		client+=("send:$GET" head)
	done
	converse "${server[@]}" eof -- "${client[@]}"
}

# Methods that are none are one.
test_many_methods()
{
	local server=() client=() i
	for i in {1..300}; do
		server+=(head "send:$OK")
		client+=("send:METHOD$i / HTTP/1.1\r\n\r\n" head read:5)
	done
	converse "${server[@]}" eof -- "${client[@]}"
	assert_both "OTHER 200 300"
	assert_nothing_missing
}

test_slow_drip()
{
	converse head "drip:$OK" eof -- "drip:GET /$(printf 'a%.0s' {1..300}) HTTP/1.1\r\nX: $(printf 'b%.0s' {1..300})\r\n\r\n" \
		head read:5
	assert_both "GET 200 1"
	assert_nothing_missing
	assert_honest_counts
}

# Both say that they have no more to say, one before it was answered and one in the midst.
test_half_closed_on_both_sides()
{
	converse head eof 'send:HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello' shut gone -- "send:$GET" shut head read:5 eof
	assert_both ""
	assert_aborted web server "1 0"
	assert_aborted cli client "1 0"
	assert_honest_counts
}

test_conflicting_lengths()
{
	converse head "send:$OK" sleep:50 -- \
		"send:POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n" head read:5
	converse head "send:$OK" sleep:50 -- \
		"send:POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n" head read:5
	converse head 'send:HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n' sleep:50 -- "send:$GET" head gone
	assert_at_least "series" 2 "$(series)"
	assert_honest_counts
}

# A server that answers what nobody asked.
test_responses_without_requests()
{
	converse head "send:$OK$OK$OK" eof -- "send:$GET" head read:5 head read:5 head read:5
	assert_both "GET 200 1"
	assert_equal "responses to nothing, at both ends" "$(http_lost)" "request 4"
	assert_honest_counts
}

run_tests "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What HTTP/1 messages can be, and the turns that a connection takes: each request counts once, for both
# ends.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each() { two_pods; }

GET=$(request GET)
OK=$(response 200 hello)

# --- what is in a segment -----------------------------------------------------------------------

times() # COUNT TEXT
{
	local i
	for ((i = 0; i < $1; i++)); do
		printf %s "$2"
	done
}

test_pipelining_to_depth_8()
{
	local depth heads
	for depth in 2 3 8; do
		mapfile -t heads < <(times "$depth" $'head\n')
		converse "${heads[@]}" "send:$(times "$depth" "$OK")" repeat:5 eof -- \
			"send:$(times "$depth" "$GET")" "read:$(printf %b "$(times "$depth" "$OK")" | wc -c)" repeat:5
	done
	assert_both "GET 200 65"
	assert_nothing_missing
}

# Deeper than what is remembered: what is not counted is lost, and said so.
test_pipelining_too_deep()
{
	local heads counted lost
	mapfile -t heads < <(times 20 $'head\n')
	converse "${heads[@]}" "send:$(times 20 "$OK")" head "send:$(response 201 hello)" eof -- \
		"send:$(times 20 "$GET")" "read:$(printf %b "$(times 20 "$OK")" | wc -c)" "send:$GET" head read:5
	counted=$( (http_series web server; http_series cli client) | awk '$2 == 200 { n += $3 } END { print n }')
	lost=$(http_lost)
	assert_equal "lost, besides $counted that are counted" "$lost" "depth $((40 - counted))"
	assert_at_least "counted" "$counted" 16
	# and the connection is in step again
	for pod in "web server" "cli client"; do
		# shellcheck disable=SC2086
		assert_contains "series" "$(http_series $pod)" "GET 201 1"
	done
}

test_several_responses_in_one_segment()
{
	converse head head head head "send:$(response 204)$(response 304)$(response 200 '')$(response 500 ab)" eof -- \
		"send:$GET" "send:$(request HEAD)" "send:$(request PUT x)" sleep:50 "send:$GET" head head head head read:2
	assert_both "GET 204 1
HEAD 304 1
PUT 200 1
GET 500 1"
	assert_nothing_missing
}

test_interim_responses()
{
	converse head "send:$(response 100)$(response 103 '' 'Link: </a>')$OK" head "send:$(response 102)" \
		sleep:20 "send:$(response 201 hello)" eof -- \
		"send:$GET" head head head read:5 "send:$GET" head head read:5
	assert_both "GET 200 1
GET 201 1"
	assert_nothing_missing
}

test_expect_100_continue()
{
	converse head "send:$(response 100)" read:4 "send:$OK" head "send:$(response 417 no)" eof -- \
		"send:POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n" head send:body head read:5 \
		"send:POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n" head read:2
	assert_both "POST 200 1
POST 417 1"
	assert_nothing_missing
}

test_chunked()
{
	local chunked='HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
	local body='5\r\nhello\r\n1a;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n'
	converse head "send:$chunked" sleep:5 "send:$body" head "drip:$chunked$body" head "send:$chunked$body" head head \
		"send:$(response 204)" eof -- \
		"send:$GET" head head "send:$GET" head head "send:$GET" head head \
		"send:POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n$body" head
	assert_series cli client "GET 200 3
POST 204 1"
	assert_series web server "GET 200 3
POST 204 1"
	assert_nothing_missing
}

test_body_until_close()
{
	converse head 'send:HTTP/1.0 200 OK\r\n\r\nhello' sleep:20 send:world shut eof -- "send:$GET" head read:10 eof
	assert_both "GET 200 1"
	assert_nothing_missing
}

test_methods_and_statuses()
{
	local verb status expected=() server=() client=()
	for verb in GET POST PUT DELETE PATCH OPTIONS TRACE PROPFIND; do
		for status in 200 204 301 404 500 599; do
			server+=(head "send:$(response $status "")")
			client+=("send:$(request $verb)" head)
			expected+=("${verb/PROPFIND/OTHER} $status 1")
		done
	done
	server+=(head "send:$(response 999 "")")
	client+=("send:OPTIONS * HTTP/1.1\r\n\r\n" head)
	expected+=("OPTIONS 0 1")
	server+=(head "send:HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n")
	client+=("send:HEAD http://web/a HTTP/1.1\r\n\r\n" head)
	expected+=("HEAD 200 1")
	converse "${server[@]}" eof -- "${client[@]}"
	assert_both "$(printf '%s\n' "${expected[@]}")"
	assert_nothing_missing
}

# --- turns that a connection takes --------------------------------------------------------------

# What follows looks like HTTP, and is none any more.
test_upgrade_ends_the_counting()
{
	converse head "send:$(response 101)" read:4 "send:$OK" head "send:$OK" eof -- \
		"send:$GET" head send:ping head read:5 "send:$GET" head read:5
	assert_both "GET 101 1"
	assert_nothing_missing
}

test_connect_ends_the_counting()
{
	converse head "send:HTTP/1.1 200 OK\r\n\r\n" head "send:$OK" eof -- \
		"send:CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" head "send:$GET" head read:5
	assert_both "CONNECT 200 1"
	assert_nothing_missing
}

test_connect_that_is_refused()
{
	converse head "send:$(response 403 no)" head "send:$OK" eof -- \
		"send:CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" head read:2 "send:$GET" head read:5
	assert_both "CONNECT 403 1
GET 200 1"
	assert_nothing_missing
}

# The answer comes before the upload has ended, which then goes on.
test_early_response()
{
	local body
	body=$(times 1000 x)
	converse head "send:$(response 413 no)" read:2000 head "send:$OK" eof -- \
		"send:POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n$body" head read:2 "send:$body" "send:$GET" head read:5
	assert_both "POST 413 1
GET 200 1"
	assert_nothing_missing
}

# ... or never ends.
test_early_response_and_close()
{
	converse head "send:$(response 413 no 'Connection: close')" shut gone -- \
		"send:POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\nxxx" head read:2 eof
	assert_both "POST 413 1"
	assert_nothing_missing
}

run_tests "$@"

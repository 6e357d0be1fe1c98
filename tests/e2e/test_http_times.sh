#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP latency against a client's own clock, and where it was spent.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each() { two_pods; }

# Two times are the same but for 5 % and what programs take between the kernel and their clock.
is_close() # NS NS [SLACK-NS]
{
	local apart=$(($1 > $2 ? $1 - $2 : $2 - $1))
	((apart <= $2 / 20 + ${3-300000} * SLOW))
}

assert_close() # WHAT NS NS [SLACK-NS]
{
	say "$1: $2 ns, $3 ns"
	is_close "${@:2}" || fail "$1: got $2 ns, expected $3 ns"
}

mean() # POD ROLE STATUS [duration|start]: in ns
{
	http_times "$1" "$2" GET "$3" "${4-}" | awk '{ printf "%d\n", $2 / $1 }'
}

# The mean of what came since BEFORE, which is what http_times said then.
mean_since() # BEFORE POD STATUS
{
	local role=server
	[[ $2 == web ]] || role=client
	minus "$(http_times "$2" "$role" GET "$3")" "${1:-0 0}" | awk '{ printf "%d\n", $2 / $1 }'
}

# Podtag's clock and the client's agree. A client that has to wait for a processor finds that it took
# longer, so on a busy machine it asks again.
assert_duration() # MS COUNT STATUS
{
	local own web cli web_before cli_before
	for _ in 1 2 3 4 5; do
		web_before=$(http_times web server GET "$3")
		cli_before=$(http_times cli client GET "$3")
		own=$(in_pod cli "$HTTP/measure.py" "$(pod_address web)" 80 "/sleep/$1/$3" "$2")
		web=$(mean_since "$web_before" web "$3")
		cli=$(mean_since "$cli_before" cli "$3")
		say "$1 ms: client's own $own ns, its pod $cli ns, server's pod $web ns"
		((web >= $1 * 1000000 && cli >= web && own >= cli)) || fail "$1 ms: server $web, client $cli, its own $own"
		! is_close "$cli" "$own" || ! is_close "$web" "$own" || return 0
	done
	fail "$1 ms: server's pod $web ns, client's pod $cli ns, client's own $own ns"
}

# The server sleeps so long, and for each time answers with another status.
test_durations()
{
	mkdir "$T/www"
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www"
	assert_duration 0 200 200
	assert_duration 1 200 201
	assert_duration 10 50 202
	assert_duration 100 10 203
	assert_duration 1000 3 206
}

# The first byte comes at once, the last one half a second later.
test_first_byte_and_last()
{
	converse head 'send:HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello' sleep:500 send:world repeat:3 eof -- \
		"send:$(request GET)" head read:10 repeat:3
	for pod in "web server" "cli client"; do
		# shellcheck disable=SC2086
		assert_close "last byte, $pod" "$(mean $pod 200 duration)" 500000000
		# shellcheck disable=SC2086
		assert_close "first byte, $pod" "$(mean $pod 200 start)" 0 3000000
	done
}

# An upload takes as long as it takes; its time is the request's.
test_slow_upload()
{
	converse head read:10 "send:$(response 200 hello)" eof -- \
		'send:POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhello' sleep:400 send:world head read:5
	assert_close "duration" "$(http_times web server POST 200 | cut -d ' ' -f 2)" 400000000 5000000
	assert_close "duration" "$(http_times cli client POST 200 | cut -d ' ' -f 2)" 400000000 5000000
}

# Five at once at a server that does one thing at a time, each for 100 ms: they wait for 0, 100, 200,
# 300 and 400 ms before it reads what they ask.
test_queue()
{
	local own count duration queued queue
	mkdir "$T/www"
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www" one
	own=$(in_pod cli "$HTTP/measure.py" -a "$(pod_address web)" 80 /sleep/100/200 5)
	read -r count duration <<<"$(http_times web server GET 200)"
	read -r queued queue _ <<<"$(http_pod web)"
	assert_equal "requests" "$count" 5
	assert_close "mean duration" $((duration / 5)) "$own" 3000000
	assert_close "mean duration, of what it must be" $((duration / 5)) 300000000 10000000
	assert_equal "requests that were queued" "$queued" 5
	assert_close "queue" "$queue" 1000000000 20000000
	assert_close "queue and work, against all" $((queue + 5 * 100000000)) "$duration" 20000000
}

# Nobody waits for a server that reads at once.
test_no_queue()
{
	local queued queue
	converse head sleep:100 "send:$(response 200 hello)" repeat:5 eof -- "send:$(request GET)" head read:5 repeat:5
	read -r queued queue _ <<<"$(http_pod web)"
	assert_equal "requests that were queued" "$queued" 5
	assert_close "queue" "$queue" 0 5000000
}

# Each time is in the bucket whose bound is the next above it, and in no other.
test_buckets()
{
	local bounds
	converse head sleep:1 "send:$(response 200 hello)" head sleep:30 "send:$(response 201 hello)" head sleep:600 \
		"send:$(response 202 hello)" eof -- "send:$(request GET)" head read:5 repeat:3
	# by index: up to 0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750 ms ...
	for bounds in "200 0 4" "201 6 6" "202 11 11"; do
		# shellcheck disable=SC2086
		set -- $bounds
		map_dump http_latency | jq -e --argjson id "$(pod_id web)" --argjson status "$1" --argjson from "$2" \
			--argjson to "$3" '
			[.[].formatted | select(.key.pod_id == $id and .key.status == $status) | .value.duration.bucket |
			to_entries[] | select(.value > 0) | .key] | length == 1 and .[0] >= $from and .[0] <= $to' >"$T/out" ||
			fail "buckets of $1: $(map_dump http_latency | jq -c '.[].formatted | [.key.status, .value.duration.bucket]')"
	done
}

run_tests "$@"

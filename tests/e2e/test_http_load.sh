#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ground truth under load: podtag's counts against what wrk has seen and nginx has logged, to the request.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each()
{
	two_pods
	start_nginx
}

test_keep_alive() { keep_alive 64; }

test_connection_each() { connection_each 64; }

test_mixed_traffic()
{
	run_wrk 32 $((KEPT / 10)) mixed
	assert_all_agree $((KEPT / 10))
	assert_equal "classes: 6 methods, 7 statuses" "$(summed <"$T/access.log" | wc -l)" 42
}

# Who counts is the kernel: nothing is lost while there is no agent.
test_agent_killed_in_between()
{
	local count=$((KEPT / 2)) wrk
	agent_start
	run_wrk 32 "$count" plain &
	wrk=$!
	wait_for 10 counted_more_than 0
	agent_stop KILL
	wait_for 10 counted_more_than "$(http_series cli client | cut -d ' ' -f 3)"
	agent_start
	wait "$wrk" || fail "wrk"
	assert_all_agree "$count"
	metrics >/dev/null
}

counted_more_than() { (($(http_series cli client | cut -d ' ' -f 3) > $1)); } # COUNT

# wrk stops when its time is over, whatever is under way then: each such request is counted, if its
# response has come without being read, or aborted.
test_wrk_stops_in_the_middle()
{
	local wrk log server client
	in_pod cli wrk -t 2 -c 32 -d 2 "http://$(url_host web)/small" >"$T/wrk"
	wrk=$(awk '/requests in/ { print $1 }' "$T/wrk")
	wait_for 20 sockets_are_quiet cli
	wait_for 20 sockets_are_quiet web
	sleep 0.2
	stop_last
	log=$(wc -l <"$T/access.log")
	server=$(counted_and_aborted web server)
	client=$(counted_and_aborted cli client)
	say "wrk $wrk, nginx $log, server $server, client $client (counted, aborted); $(http_pod web); $(http_pod cli)"
	assert_equal "lost" "$(http_lost)" ""
	assert_at_least "counted for the client, against what wrk has read" "${client% *}" "$wrk"
	assert_at_least "what wrk has read and 32 under way, against what the client has asked" \
		$((wrk + 32)) $((${client/ /+}))
	assert_equal "requests of the server, against the client's" $((${server/ /+})) $((${client/ /+}))
	assert_at_least "requests of the server, against those nginx knows of" $((${server/ /+})) "$log"
}

# Eight that were never answered, and the client was the first to leave.
test_wrk_leaves_before_any_answer()
{
	listen_in web 81 "$HTTP/serve.py" 81 "$T/www"
	in_pod cli wrk -t 1 -c 8 -d 1 "http://$(url_host web):81/sleep/600000/200" >"$T/wrk"
	assert_contains "wrk" "$(cat "$T/wrk")" " 0 requests in"
	end_last
	assert_both ""
	assert_aborted cli client "8 0"
	assert_aborted web server "8 0"
	assert_equal "lost" "$(http_lost)" ""
}

counted_and_aborted() # POD ROLE
{
	local aborted
	aborted=$(http_aborted "$1" "$2")
	echo "$(http_series "$1" "$2" | awk '{ n += $3 } END { print n + 0 }') $((${aborted/ /+}))"
}

run_tests "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag top --once: one interval against what the programs in the pods saw.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

LOAD=$(scaled 20000) # requests

before_each() { two_pods; }

# Starts "top --once" in the background and waits until it has read the maps and sleeps.
interval_begin() # SECONDS [top's options...]
{
	INTERVAL_BEGAN=${EPOCHREALTIME/./}
	"$B/podtag" top --once --delay "$1" "${@:2}" >"$T/top" &
	TOP_PID=$!
	wait_for 10 is_asleep "$TOP_PID"
}

is_asleep() { [[ $(cat "/proc/$1/wchan") == *nanosleep* ]]; } # PID

# What was done since is all in the interval; then its end.
interval_end()
{
	is_asleep "$TOP_PID" || fail "the interval was over before the load was"
	wait "$TOP_PID" || fail "top: $(cat "$T/top")"
	INTERVAL_SECONDS=$(awk "BEGIN { print (${EPOCHREALTIME/./} - $INTERVAL_BEGAN) / 1e6 }")
}

# Element by element. The interface was read on both sides of either end of the interval, which is the
# same unless the kernel had something to say about neighbours and groups in between.
assert_between() # WHAT "A..." LEAST MOST
{
	local beyond
	beyond=$(minus "$2" "$3")$(minus "$4" "$2")
	[[ $beyond != *-* ]] || fail "$1: $2, of $3 to $4"
}

top_of() { jq -c --arg pod "$1" ".pods[] | select(.pod == \$pod) | $2" "$T/top"; } # POD JQ

# Buckets of all series of a pod in that role, "0 3 1...", from the map.
buckets() # POD ROLE
{
	map_dump http_latency | jq -r --argjson id "$(pod_id "$1")" --arg role "$2" '
		[.[].formatted | select(.key.pod_id == $id and .key.role == {server: 0, client: 1}[$role]) |
			.value.duration.bucket] | transpose | map(add) | join(" ")'
}

# Each number of the interval equals what somebody else counted.
test_once_is_exact()
{
	local truth errors before early late least most began wanted row
	start_nginx
	in_pod cli curl -fsS -o "$T/page" "http://$(url_host web)/small" # there are counts before the interval
	before=$(buckets web server) began=$(wc -l <"$T/access.log")
	early=$(link_traffic web eth0)
	interval_begin $((6 * SLOW)) --json
	late=$(link_traffic web eth0)
	run_wrk 16 "$LOAD" mixed
	wait_for 4 sockets_are_quiet cli
	wait_for 4 sockets_are_quiet web
	least=$(minus "$(link_traffic web eth0)" "$late")
	interval_end
	most=$(minus "$(link_traffic web eth0)" "$early")
	stop_last # which writes the rest of the log
	truth=$(summed <"$T/access.log")
	errors=$(awk '$2 >= 500 { n += $3 } END { print n }' <<<"$truth")
	assert_equal "nginx's log" "$(wc -l <"$T/access.log")" $((began + LOAD + 1))
	assert_at_least "errors" "$errors" 100

	assert_equal "lost" "$(jq '[.http_lost[]] | add' "$T/top")" 0
	assert_equal "web: requests, errors, queued, calls" \
		"$(top_of web '.interval | "\(.requests) \(.errors) \(.queued) \(.calls)"')" "\"$LOAD $errors $LOAD 0\""
	assert_equal "cli: requests, calls, their errors" \
		"$(top_of cli '.interval | "\(.requests) \(.calls) \(.call_errors)"')" "\"0 $LOAD $errors\""
	assert_equal "web: requests since it began" "$(top_of web .total.requests)" $((LOAD + 1))
	assert_between "web: the interface" "$(top_of web '.interval | [.receive_packets, .receive_bytes,
		.transmit_packets, .transmit_bytes] | join(" ")' | tr -d '"')" "$least" "$most"
	check_rates $((6 * SLOW))
	check_quantiles web "$before" "$(buckets web server)"
	assert_equal "sorted by requests" "$(jq -c '[.pods[].pod]' "$T/top")" '["web","cli"]'
	wanted=$("$B/podtag" -j dump pods | jq -c '[.[] | [.pod, .traffic.receive_bytes, .traffic.transmit_packets]] | sort')
	row=$(jq -c '[.pods[] | [.pod, .total.receive_bytes, .total.transmit_packets]] | sort' "$T/top")
	assert_equal "totals, and those of dump" "$row" "$wanted"
}

# The interval is as long as its clock says, and rates are counts by it.
check_rates() # SECONDS
{
	jq -e --argjson outer "$INTERVAL_SECONDS" --argjson asked "$1" \
		'.interval_seconds >= $asked and .interval_seconds <= $outer' "$T/top" ||
		fail "an interval of $(jq .interval_seconds "$T/top") s in $INTERVAL_SECONDS s"
	jq -e '.interval_seconds as $s | all(.pods[];
		.requests_per_second == .interval.requests / $s and
		.calls_per_second == .interval.calls / $s and
		.receive_bytes_per_second == .interval.receive_bytes / $s and
		.transmit_bytes_per_second == .interval.transmit_bytes / $s and
		.retransmits_per_second == ([.interval.retransmits[]] | add) / $s and
		.error_ratio == (if .interval.requests > 0 then .interval.errors / .interval.requests else null end))' \
		"$T/top" || fail "rates: $(cat "$T/top")"
}

# Prometheus makes of the same buckets the same quantiles, to the last bit.
check_quantiles() # POD BUCKETS-BEFORE BUCKETS-AFTER
{
	local bounds=(0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf)
	local grown i sum=0
	read -ra grown <<<"$(minus "$3" "${2:-$(printf '0 %.0s' {1..18})}")"
	{
		echo 'tests: [{interval: 1m, input_series: ['
		for i in "${!bounds[@]}"; do
			sum=$((sum + grown[i]))
			echo "  {series: 'd_bucket{le=\"${bounds[i]}\"}', values: '$sum'},"
		done
		echo '], promql_expr_test: ['
		echo "  {expr: 'histogram_quantile(0.5, d_bucket)', exp_samples: [{labels: '{}', value: $(top_of "$1" .p50_seconds)}]},"
		echo "  {expr: 'histogram_quantile(0.99, d_bucket)', exp_samples: [{labels: '{}', value: $(top_of "$1" .p99_seconds)}]},"
		echo ']}]'
	} >"$T/quantiles.yml"
	assert_equal "requests in the buckets" "$sum" "$LOAD"
	promtool test rules "$T/quantiles.yml" >"$T/promtool" 2>&1 || fail "$(cat "$T/promtool" "$T/quantiles.yml")"
}

test_once_with_loss()
{
	local before podtag kernel
	serve web 80
	before=$(kernel_retransmits cli)
	lose cli 10
	interval_begin $((8 * SLOW)) --json --sort retransmits
	load cli -c 16 -j 16 -u 200000 -d 1000 "$(pod_address web)" 80
	wait_for $((4 * SLOW)) sockets_are_quiet cli
	interval_end
	podtag=$(top_of cli '[.interval.retransmits[]] | add')
	kernel=$(minus "$(kernel_retransmits cli)" "$before")
	assert_at_least "retransmits" "${kernel%% *}" 50
	assert_told "retransmits" "$podtag" "${kernel%% *}"
	check_rates $((8 * SLOW))
	assert_equal "the first" "$(jq -r '.pods[0].pod' "$T/top")" cli
}

test_once_as_a_table()
{
	listen_in web 80 "$HTTP/peer" serve 80 head "send:$(response 200 hello)" head "send:$(response 503 hello)" eof
	interval_begin 2
	in_pod cli "$HTTP/peer" call "$(pod_address web)" 80 "send:$(request GET)" head read:5 "send:$(request GET)" head read:5
	interval_end
	assert_equal "its first line" "$(head -n 1 "$T/top")" \
		"POD        REQ/S   ERR%     P50     P99   QUEUE  RETR/S  RX B/S  TX B/S   OUT/S  OERR%    OP50    OP99"
	assert_equal "web, cli: requests, errors, calls, their errors" \
		"$(awk '/^shop/ { print $1, $2, $3, $10, $11 }' "$T/top")" "shop/web 1.0 50.0 0 -"$'\n'"shop/cli 0 - 1.0 50.0"
	"$B/podtag" top --once -d 0.1 --filter WE >"$T/top"
	assert_equal "with a filter" "$(awk '{ print $1 }' "$T/top")" "POD"$'\n'"shop/web"
	"$B/podtag" top --once -d 0.1 --filter nobody -j >"$T/top"
	assert_equal "nobody" "$(jq -c .pods "$T/top")" "[]"
}

# Pods that begin and end in the interval have what they did in it, those that ended before are not there.
test_pods_come_and_go()
{
	local list
	list=$(conflist net 1.0.0 "$(bridge 7)" "$(podtag)")
	pod_add old "$list"
	pod_del old
	interval_begin 4 --json --sort pod
	in_pod web ping -c 3 -i 0.2 -s 100 "$(pod_address cli)" >"$T/ping"
	pod_del cli
	pod_add new "$list"
	interval_end
	assert_equal "pods" "$(jq -c '[.pods[] | [.pod, .state]]' "$T/top")" \
		'[["cli","ended"],["new","new"],["web","running"]]'
	assert_equal "pings that the one that ended has got" "$(top_of cli '.interval.receive_bytes >= 3 * 142')" true
	assert_equal "of the new one all is in the interval" \
		"$(top_of new '.interval.receive_bytes == .total.receive_bytes')" true
}

test_errors()
{
	local what
	assert_fails "$B/podtag" top
	assert_contains "without a terminal" "$(cat "$T/err")" "stdout is no terminal; podtag top --once needs none"
	for what in "--delay 0" "--delay 1s" "--delay nan" "--delay 3601" "--sort size" "--filter $(printf 'x%.0s' {1..64})"; do
		# shellcheck disable=SC2086
		assert_fails "$B/podtag" top --once $what
		assert_contains "$what" "$(cat "$T/err")" "${what%% *}: "
		assert_contains "$what" "$(cat "$T/err")" "'${what##* }'"
	done
	assert_fails "$B/podtag" top --json
	assert_fails "$B/podtag" status --once
	assert_equal "a write that fails" "$("$B/podtag" top --once -d 0.1 2>&1 >/dev/full || true)" "podtag: stdout cannot be written"
	"$B/podtag" unload
	assert_fails "$B/podtag" top --once
	assert_contains "without podtag" "$(cat "$T/err")" "not loaded: podtag-agent loads it, and so does podtag load"
}

run_tests "$@"

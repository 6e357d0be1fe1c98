#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the agent costs: memory and a scrape as pods grow, its CPU as traffic grows.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"

SIZES=${SIZES-10 110 1000}
RATE_PODS=110 # as many as a node has by default
PAUSES=(none 400 40 4) # ms between the requests of 40 connections: ten times as many each
RATE_ROUNDS=${RATE_ROUNDS-8} SCRAPES=5 # a second

agent()
{
	local size pods=0
	"$B/podtag" load >/dev/null
	agent_start
	for size in $SIZES; do
		progress "agent, $size pods"
		make_pods $((pods + 1)) "$size"
		add_pods $((pods + 1)) "$size"
		pods=$size
		assert_equal 'pods in the metrics' "$(metrics | grep -c '^podtag_pod_info{')" "$size"
		measure_size "$size"
		((size != RATE_PODS)) || measure_rates
	done
	report_agent
}

sum_of() { metrics | awk -v name="$1{" 'index($0, name) == 1 { s += $NF } END { printf "%.0f", s }'; } # METRIC

measure_size() # PODS
{
	local i before
	note agent "$1" page "$(metrics | wc -c)"
	for ((i = 0; i < 50; i++)); do
		before=$(cpu_ns_of "$AGENT_PID")
		note agent "$1" scrape "$(curl -fsS -o /dev/null -w '%{time_total}' "$AGENT/metrics")"
		note agent "$1" cpu "$(($(cpu_ns_of "$AGENT_PID") - before))"
	done
	note agent "$1" rss "$(awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$AGENT_PID/status")"
	note agent "$1" maps "$(sum_of podtag_map_memory_bytes)"
	note agent "$1" programs "$(sum_of podtag_program_memory_bytes)"
}

# The same scrapes at each rate, in turn.
measure_rates()
{
	local round pause
	ip addr add 10.3.0.1/24 dev host1
	ip -n p1 addr add 10.3.0.2/24 dev eth0
	ip -n p1 link set eth0 up
	mkdir -p "$T/www" "$T/tmp"
	echo "a page" >"$T/www/small"
	ip netns exec p1 nginx -p "$T" -c "$TESTS/http/nginx.conf" &
	PIDS+=($!)
	wait_for 60 curl -fsS -o /dev/null http://10.3.0.2/small
	for ((round = 1; round <= RATE_ROUNDS; round++)); do
		progress "agent, rates, round $round of $RATE_ROUNDS"
		for pause in "${PAUSES[@]}"; do
			measure_rate "$pause"
		done
	done
	kill "${PIDS[@]}"
	PIDS=()
}

measure_rate() # PAUSE
{
	local before start load="" scraper
	: >"$T/wrk.out"
	if [[ $1 != none ]]; then
		wrk -t 1 -c 40 -d $((2 * SLOT + 1))s -s "$BENCH/pace.lua" http://10.3.0.2/small -- "$1" >"$T/wrk.out" &
		load=$!
	fi
	"$BENCH/scrape" 127.0.0.1 9435 "$(awk "BEGIN { print 1 / $SCRAPES }")" &
	scraper=$!
	sleep 0.5
	before=$(cpu_ns_of "$AGENT_PID") start=${EPOCHREALTIME/./}
	sleep $((2 * SLOT))
	note rates "$1" cpu "$(per_second $(($(cpu_ns_of "$AGENT_PID") - before)) "$start")"
	kill "$scraper"
	wait "$scraper" || true
	[[ ! $load ]] || wait "$load" || fail "wrk: $(cat "$T/wrk.out")"
	note rates "$1" requests "$(awk '/^Requests\/sec/ { n = $2 } END { print n + 0 }' "$T/wrk.out")"
}

per_second() { awk "BEGIN { print $1 / (${EPOCHREALTIME/./} - $2) * 1e6 }"; } # COUNT SINCE-MICROSECONDS

report_agent()
{
	local size what
	echo '## The agent'
	echo
	echo 'Resident memory, and what the kernel reports of maps and programs. A scrape is timed at curl; CPU'
	echo 'is the time that the agent itself ran meanwhile.'
	echo
	head_cells pods 'RSS, kB' 'maps, kB' 'programs, kB' 'together, kB' 'page, kB' 'scrape, ms' \
		'CPU a scrape, ms'
	for size in $SIZES; do
		cells "$size" "$(kilobytes "$size" rss)" "$(kilobytes "$size" maps)" "$(kilobytes "$size" programs)" \
			"$(kilobytes "$size" rss maps programs)" "$(kilobytes "$size" page)" \
			"$(spread_cell agent "$size" scrape %.2f 1e3)" "$(spread_cell agent "$size" cpu %.2f 1e-6)"
	done
	measured rates none cpu || return 0
	printf '\n### As traffic grows\n\n'
	echo "$RATE_PODS pods, $SCRAPES scrapes a second, $RATE_ROUNDS rounds; one pod's nginx is asked, at the rate"
	echo 'that wrk tells. Nothing is handed to the agent for a request or a packet, so its CPU follows the scrapes alone; what is'
	echo 'left is what a busy machine does to its caches.'
	echo
	head_cells 'requests/s' "agent's CPU, s a minute" 'beside no traffic'
	for what in "${PAUSES[@]}"; do
		cells "$(spread_cell rates "$what" requests %.0f)" "$(spread_cell rates "$what" cpu %.3f 60e-9)" \
			"$(ratios rates cpu "$what" none | percent_cell)"
	done
}

kilobytes() # PODS METRIC...
{
	local metric bytes=0
	for metric in "${@:2}"; do
		bytes=$((bytes + $(<"$(samples agent "$1" "$metric")")))
	done
	echo $((bytes / 1024))
}

section agent

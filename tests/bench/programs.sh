#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How often podtag's programs run, and how long: the kernel's own statistics, with the empty programs
# at the same hooks at the same time, so that both see the same packets and events.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"
# shellcheck source=tests/bench/variants.sh
source "$BENCH/variants.sh"
# shellcheck source=tests/bench/generators.sh
source "$BENCH/generators.sh"

PROGRAM_ROUNDS=${PROGRAM_ROUNDS-7}
declare -A EMPTY_OF=([podtag_cls_in]=empty_in [podtag_cls_out]=empty_out [podtag_http_in]=empty_skb_in
	[podtag_http_out]=empty_skb_out [podtag_on_read]=empty_read [podtag_on_state]=empty_state
	[podtag_on_again]=empty_state [podtag_on_gone]=empty_gone [podtag_on_rexmt]=empty_rexmit
	[podtag_on_synac]=empty_synack)
ORDER=(podtag_cls_in podtag_cls_out podtag_http_in podtag_http_out podtag_on_read podtag_on_state
	podtag_on_again podtag_on_gone podtag_on_rexmt podtag_on_synac)

# What a program cannot do without that knows a packet's socket, and one that knows what is in it.
FLOORS=(lookup_skb_in lookup_skb_out read_skb_in read_skb_out)

# Sets RUNS and TIME_NS of each program.
read_stats()
{
	local name pin
	for name in "${ORDER[@]}" "${EMPTY_OF[@]}" "${FLOORS[@]}"; do
		pin=$PINS/progs/$name
		[[ $name == podtag_* ]] || pin=$EMPTY/$name
		read -r "RUNS[$name]" "TIME_NS[$name]" < <(bpftool -j prog show pinned "$pin" |
			jq -r '"\(.run_cnt // 0) \(.run_time_ns // 0)"')
	done
}

# Runs MEASURE, which sets UNITS, and notes what each program did per unit, and all of them together.
with_stats() # WORKLOAD MEASURE...
{
	local workload=$1 name empty runs ns empty_runs empty_ns sum=0 sum_empty=0 sum_runs=0
	local -A RUNS TIME_NS RUNS_BEFORE TIME_BEFORE
	read_stats
	for name in "${!RUNS[@]}"; do
		RUNS_BEFORE[$name]=${RUNS[$name]} TIME_BEFORE[$name]=${TIME_NS[$name]}
	done
	"${@:2}"
	read_stats
	for name in "${ORDER[@]}"; do
		runs=$((RUNS[$name] - RUNS_BEFORE[$name])) ns=$((TIME_NS[$name] - TIME_BEFORE[$name]))
		empty=${EMPTY_OF[$name]}
		empty_runs=$((RUNS[$empty] - RUNS_BEFORE[$empty]))
		empty_ns=$((TIME_NS[$empty] - TIME_BEFORE[$empty]))
		note "$workload" "$name" runs "$(awk "BEGIN { print $runs / $UNITS }")"
		sum=$((sum + ns)) sum_empty=$((sum_empty + empty_ns)) sum_runs=$((sum_runs + runs))
		((runs && empty_runs)) || continue
		note "$workload" "$name" ns "$(awk "BEGIN { print $ns / $runs }")"
		note "$workload" "$name" empty "$(awk "BEGIN { print $empty_ns / $empty_runs }")"
	done
	for name in "${FLOORS[@]}"; do
		empty=empty_${name#*_}
		note "$workload" "$name" ns "$(per_run "$name")"
		note "$workload" "$name" empty "$(per_run "$empty")"
	done
	note "$workload" all runs "$(awk "BEGIN { print $sum_runs / $UNITS }")"
	note "$workload" all ns "$(awk "BEGIN { print $sum / $UNITS }")"
	note "$workload" all empty "$(awk "BEGIN { print $sum_empty / $UNITS }")"
}

per_run() # PROGRAM
{
	awk "BEGIN { print (${TIME_NS[$1]} - ${TIME_BEFORE[$1]}) / (${RUNS[$1]} - ${RUNS_BEFORE[$1]}) }"
}

units() # SECTION SERVER MEASURE: the last count that MEASURE noted
{
	"server_$2"
	"$3" "$1" stats
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null || true
	UNITS=$(tail -n 1 "$(samples "$1" stats count)")
}

units_lost() # segments sent again, while 5 % of what the pod sends is lost
{
	local before
	before=$(kernel_retransmits web)
	lose web 5
	load "" -c 40 -j 8 -u 1000 -d 100000 "$POD_IP" 7000
	lose_nothing
	wait_for 30 sockets_are_quiet web
	UNITS=$(minus "$(kernel_retransmits web)" "$before" | cut -d ' ' -f 1)
}

programs()
{
	local round
	web_pod
	podtag_begin
	empty_begin
	serve web 7000
	trap 'sysctl -qw kernel.bpf_stats_enabled=0; kill "${PIDS[@]}" 2>/dev/null || true' EXIT
	sysctl -qw kernel.bpf_stats_enabled=1
	for ((round = 1; round <= PROGRAM_ROUNDS; round++)); do
		progress "programs, round $round of $PROGRAM_ROUNDS"
		with_stats programs-web units programs-web http measure_wrk
		with_stats programs-connect units programs-connect http measure_connect
		with_stats programs-bulk units programs-bulk tcp measure_iperf3
		with_stats programs-loss units_lost
	done
	report_programs
}

report_programs()
{
	echo '## What the programs cost'
	echo
	sed 's/^\t//' <<-END
		\`bpf_stats\`, $PROGRAM_ROUNDS rounds of $SLOT s for each kind of traffic; podtag's programs and empty
		ones are at the same hooks at the same time. The kernel takes the time around each run, and that is
		part of each figure: an empty program does nothing. A run of a tc program is a packet. The HTTP
		programs run for each packet of each socket of the node, podtag_on_read each time that one is read,
		podtag_on_state at each change of a TCP socket's state, podtag_on_gone at the end of each; the clients
		are on this node too, so half of these runs are theirs, not the pod's, and outside of a pod there is
		nothing to do in them.
	END
	table_of_programs programs-web request 'Requests over open connections' 1
	table_of_programs programs-connect request 'A new connection for each request' 1
	table_of_programs programs-bulk MB 'A stream into the pod' 1000000
	table_of_programs programs-loss 'segment sent again' '5 % of what the pod sends is lost' 1
	table_of_floors
}

# No program that does the same work can be cheaper than these, which do nothing with what they get.
table_of_floors()
{
	local name workload
	printf '\n### What cannot be had for less\n\n'
	sed 's/^\t//' <<-'END'
		At the same hooks, in the same runs: programs that look up a value on the socket of each packet with
		payload, as a program must that leaves a socket alone because of what it saw before (lookup), and
		that then read the message into that value and ask for the time (read). They parse nothing, count
		nothing, and take no lock.

	END
	head_cells program traffic 'ns a run' 'times an empty one'
	for workload in web bulk; do
		for name in "${FLOORS[@]}" podtag_http_in podtag_http_out; do
			cells "$name" "$workload" "$(spread_cell "programs-$workload" "$name" ns %.0f)" \
				"$(times_cell "programs-$workload" "$name")"
		done
	done
}

table_of_programs() # WORKLOAD UNIT TITLE COUNT-IN-A-UNIT
{
	local name
	printf '\n### %s\n\n' "$3"
	head_cells program "runs per $2" 'ns a run' 'empty, ns a run' 'podtag : empty'
	for name in "${ORDER[@]}"; do
		measured "$1" "$name" ns || continue
		cells "$name" "$(spread_cell "$1" "$name" runs %.2f "$4")" "$(spread_cell "$1" "$name" ns %.0f)" \
			"$(spread_cell "$1" "$name" empty %.0f)" "$(times_cell "$1" "$name")"
	done
	cells "all, ns per $2" '' "$(spread_cell "$1" all ns %.0f "$4")" "$(spread_cell "$1" all empty %.0f "$4")" \
		"$(times_cell "$1" all)"
}

section programs

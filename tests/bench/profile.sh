#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Where the CPU is while podtag is attached: samples of wrk and nginx, kernel and all. A share of samples
# does not change when other work slows both, and it has in it what bpf_stats leaves out: the entry
# into the programs, and the socket storage that the kernel makes and frees with each connection.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"
# shellcheck source=tests/bench/variants.sh
source "$BENCH/variants.sh"
# shellcheck source=tests/bench/generators.sh
source "$BENCH/generators.sh"

PROFILE_ROUNDS=${PROFILE_ROUNDS-7}
PARTS=(tc tracing storage)
declare -A SYMBOL=([tc]='tcf_classify' [tracing]='bpf_trace_run[0-9]+' [storage]='bpf_sk_storage_(clone|free)')
declare -A PART=([tc]='the tc programs, with their way in' [tracing]='the tracing programs, with their way in'
	[storage]='storage of the tags, made and freed' [all]='together')

profile()
{
	local round
	command -v perf >/dev/null || fail 'perf is not installed'
	web_pod
	podtag_begin
	server_http
	for ((round = 1; round <= PROFILE_ROUNDS; round++)); do
		progress "profile, round $round of $PROFILE_ROUNDS"
		sample_cpu profile-web measure_wrk
		sample_cpu profile-connect measure_connect
	done
	kill "$SERVER"
	report_profile
}

sample_cpu() # SECTION MEASURE
{
	local part share sum=0 generator
	SLOT=$((SLOT + 2)) "$2" "$1" podtag & # perf is to be done before it
	generator=$!
	wait_for 10 pgrep -x wrk
	perf record -q -e cpu-clock -F 4000 -g -p "$(pgrep -d , -x 'wrk|nginx')" -o "$T/perf.data" \
		-- sleep "$SLOT" >/dev/null 2>"$T/perf.err" ||
		fail "perf: $(tail -n 3 "$T/perf.err")"
	wait "$generator" || fail "$1: wrk failed"
	perf report -i "$T/perf.data" --children --stdio -g none --sort sym >"$T/perf.txt" 2>/dev/null
	for part in "${PARTS[@]}"; do
		share=$(awk -v symbol="^${SYMBOL[$part]}\$" '$NF ~ symbol { s += $1 } END { print s + 0 }' "$T/perf.txt")
		note "$1" "$part" share "$share"
		sum=$(awk "BEGIN { print $sum + $share }")
	done
	note "$1" all share "$sum"
}

report_profile()
{
	local part
	echo '## Where the CPU is, with podtag'
	echo
	sed 's/^\t//' <<-END
		perf, $PROFILE_ROUNDS rounds of $SLOT s: 4000 samples for each second that wrk or nginx ran, in the kernel
		or not, and the share of them that podtag caused. Slower programs of others change nothing in a share.
	END
	echo
	head_cells '' 'open connections' 'new connections'
	for part in "${PARTS[@]}" all; do
		cells "${PART[$part]}" "$(spread_cell profile-web "$part" share '%.2f %%')" \
			"$(spread_cell profile-connect "$part" share '%.2f %%')"
	done
}

section profile

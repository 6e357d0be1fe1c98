#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A pod's traffic in all variants: requests over open connections (web), a connection for each
# request (connect), and a stream (bulk).
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"
# shellcheck source=tests/bench/variants.sh
source "$BENCH/variants.sh"

# shellcheck source=tests/bench/generators.sh
source "$BENCH/generators.sh"

traffic()
{
	web_pod
	sidecars
	in_turn web http 80 measure_wrk
	in_turn connect http 80 measure_connect
	in_turn bulk tcp 5201 measure_iperf3
	echo '## Traffic, in pairs'
	echo
	sed 's/^\t//' <<-END
		$ROUNDS rounds; in each, every variant once for $SLOT s, in turn, each round beginning with another. One
		pod, one nginx worker with a file of 100 bytes, wrk with one thread and $CONNECTIONS connections
		outside the pod. Values are medians with quartiles. "Beside nothing" compares within each round, with the
		mean of both (a): the median, and the interval that holds the true median with 95 %. CPU seconds are
		those of the whole machine (user, system, interrupts): wrk or iperf3 is in all of them alike. The sidecars
		keep connections to the server open, and get their packets by a redirect in the pod, as in a mesh.
	END
	table_of_requests web 'Requests over open connections'
	table_of_requests connect 'A new connection for each request'
	table_of_bulk
	table_of_truth
}

beside() { ratios "$1" "$2" "$3" nothing again | percent_cell; } # SECTION METRIC VARIANT

table_of_requests() # SECTION TITLE
{
	local variant
	printf '\n### %s\n\n' "$2"
	head_cells '' 'requests/s' 'beside nothing' 'p50, us' 'p99, us' 'CPU s per 100,000' 'beside nothing'
	for variant in "${VARIANTS[@]}"; do
		cells "${LABEL[$variant]}" "$(spread_cell "$1" "$variant" rate %.0f)" \
			"$(beside "$1" rate "$variant")" "$(spread_cell "$1" "$variant" p50 %.0f)" \
			"$(spread_cell "$1" "$variant" p99 %.0f)" "$(spread_cell "$1" "$variant" cpu %.2f)" \
			"$(beside "$1" cpu "$variant")"
	done
}

table_of_bulk()
{
	local variant
	printf '\n### A stream into the pod (iperf3)\n\n'
	head_cells '' 'Gbit/s' 'beside nothing' 'CPU s per 10 GB' 'beside nothing'
	for variant in "${VARIANTS[@]}"; do
		cells "${LABEL[$variant]}" "$(spread_cell bulk "$variant" rate %.1f 1e-9)" \
			"$(beside bulk rate "$variant")" "$(spread_cell bulk "$variant" cpu %.2f)" \
			"$(beside bulk cpu "$variant")"
	done
}

# In (c), all rounds together: the interface's own counters and RetransSegs beside podtag's.
table_of_truth()
{
	local section what kernel podtag requests
	printf '\n### What podtag counted meanwhile\n\n'
	head_cells '' 'requests (wrk)' 'what' 'the kernel, in the pod' 'podtag' 'difference'
	for section in web connect bulk; do
		requests=$(sum "$section" podtag count)
		[[ $section != bulk ]] || requests=
		for what in packets bytes retransmits; do
			kernel=$(sum "$section" kernel "$what")
			podtag=$(sum "$section" podtag "$what")
			cells "$section" "$requests" "$what" "$kernel" "$podtag" "$((podtag - kernel))"
		done
	done
}

section traffic

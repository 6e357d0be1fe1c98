#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a pod's start pays: ADD beside ADD of other plugins, in turn, and as pods grow.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"

RUNS=${RUNS-200} PODS=${PODS-1000} TCX_RUNS=${TCX_RUNS-30}
PLUGINS=(podtag tuning portmap bridge)

add()
{
	local i type
	podtag_stdin "$PREV_RESULT" >"$T/podtag.json"
	for type in tuning portmap; do
		sed "s/podtag/$type/" "$T/podtag.json" >"$T/$type.json"
	done
	printf '{%s,"type":"bridge","bridge":"br0","ipam":{"type":"host-local","subnet":"10.2.0.0/16"}}' \
		"$CNI_HEAD" >"$T/bridge.json"
	sed 's/"type":"podtag"/&,"markMask":"0xffff0000"/' "$T/podtag.json" >"$T/tcx.json"

	"$B/podtag" load >/dev/null
	make_pods 1 $((PODS + TCX_RUNS))
	for ((i = 1; i <= PODS; i++)); do
		((i % 100)) || progress "add, pod $i of $PODS"
		note add podtag us "$(timed_add "$B" podtag "$T/podtag.json" "p$i")"
		((i <= RUNS)) || continue
		ip netns add "b$i"
		note add tuning us "$(timed_add "$DEBIAN_CNI" tuning "$T/tuning.json" "p$i")"
		note add portmap us "$(timed_add "$DEBIAN_CNI" portmap "$T/portmap.json" "p$i")"
		note add bridge us "$(timed_add "$DEBIAN_CNI" bridge "$T/bridge.json" "b$i")"
	done
	head -n "$RUNS" "$(samples add podtag us)" >"$(samples add beside us)"
	head -n 50 "$(samples add podtag us)" >"$(samples add first us)"
	tail -n 50 "$(samples add podtag us)" >"$(samples add last us)"
	for ((i = PODS + 1; i <= PODS + TCX_RUNS; i++)); do
		note add tcx us "$(timed_add "$B" podtag "$T/tcx.json" "p$i")"
	done
	report_add
}

report_add()
{
	local type
	echo '## A pod starts: ADD'
	echo
	echo "From fork to exit. The first $RUNS pods get each plugin in turn, all $PODS get podtag."
	echo
	head_cells '' 'ms, median (quartiles)' 'p99' 'runs'
	add_row 'podtag (clsact, the first choice)' beside
	for type in "${PLUGINS[@]:1}"; do
		add_row "$type" "$type"
	done
	add_row 'podtag, the first 50 pods' first
	add_row "podtag, the last 50 of $PODS pods" last
	add_row 'podtag with markMask (tcx, waits for RCU)' tcx
}

add_row() # LABEL VARIANT
{
	measured add "$2" us || return 0
	cells "$1" "$(spread_cell add "$2" us %.2f 1e-3)" \
		"$(spread <"$(samples add "$2" us)" | awk '{ printf "%.2f", $4 / 1e3 }')" \
		"$(wc -l <"$(samples add "$2" us)")"
}

section add

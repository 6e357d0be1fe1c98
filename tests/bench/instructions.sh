#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Instructions of the userspace paths, by callgrind: no clock, so a number that another machine repeats.
# What the kernel does in system calls is not in it.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"

SCRAPED_PODS=110 SCRAPED_TIMES=10

verb() # ADD|CHECK|DEL: of pod p1
{
	progress "instructions, $1"
	cni_env "$1" p1 "$B"
	"${CNI[@]}" valgrind --tool=callgrind --callgrind-out-file=/dev/null "$B/podtag" \
		<"$T/podtag.json" >/dev/null 2>"$T/valgrind.err" ||
		fail "$1 under valgrind: $(tail -n 3 "$T/valgrind.err")"
	note instructions "$1" count "$(awk '/Collected :/ { print $NF }' "$T/valgrind.err")"
}

scrape()
{
	local agent
	progress "instructions, $SCRAPED_TIMES scrapes"
	valgrind --tool=callgrind --callgrind-out-file="$T/agent.out" "$B/podtag-agent" 2>"$T/agent.log" &
	agent=$!
	wait_for 120 curl -fsS -o /dev/null "$AGENT/readyz"
	metrics >/dev/null # the first one finds everything new
	callgrind_control -z "$agent" >"$T/control.out" 2>&1
	for ((i = 0; i < SCRAPED_TIMES; i++)); do
		curl -fsS -o /dev/null "$AGENT/metrics"
	done
	callgrind_control -d "$agent" >"$T/control.out" 2>&1
	kill "$agent"
	wait "$agent" || fail "the agent under valgrind: $(tail -n 3 "$T/agent.log")"
	note instructions scrape count $(($(awk '/^(summary|totals):/ { print $2; exit }' "$T/agent.out.1") / SCRAPED_TIMES))
}

# ADD ends after one second whatever it has done: where everything is slow, valgrind takes longer.
is_add_whole()
{
	local gave_up
	gave_up=$(map_dump gave_up | jq -r '.[].formatted.value | select(.count > 0).reason')
	assert_equal 'what gave up' "${gave_up/deadline/}" ''
	[[ ! $gave_up ]]
}

instructions()
{
	local what
	"$B/podtag" load >/dev/null
	make_pods 1 "$SCRAPED_PODS"
	add_pods 2 "$SCRAPED_PODS"
	verb ADD
	if is_add_whole; then
		assert_equal 'pods that ADD attached' "$(map_dump attachments | jq length)" "$SCRAPED_PODS"
	else
		rm "$(samples instructions ADD count)"
		add_pods 1 1
	fi
	verb CHECK
	scrape
	verb DEL
	echo '## Instructions in userspace'
	echo
	echo "callgrind, of the static binaries; without what the kernel does in their system calls."
	echo
	head_cells path instructions
	for what in ADD CHECK DEL; do
		if measured instructions "$what" count; then
			cells "podtag $what" "$(<"$(samples instructions "$what" count)")"
		else
			cells "podtag $what" 'not measured: under valgrind it reaches its limit of 1 s here'
		fi
	done
	cells "one scrape, $SCRAPED_PODS pods" "$(<"$(samples instructions scrape count)")"
}

section instructions

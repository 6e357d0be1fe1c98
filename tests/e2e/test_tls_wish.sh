#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose TLS libraries are probed: what the node says, what a pod's annotation says, what the budget allows.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

CAPABLE='"capabilities":{"io.kubernetes.cri.pod-annotations":true}'
MANY=$((SLOW == 1 ? 100000 : 5000)) # requests, which cost more than a tenth of a second of a CPU
OWN=libssl-own.so # the name of a copy, by which it is told from what all of the machine uses

# Tests of a file share their maps: a new file of the same name goes on with the counters of the last.
before_each()
{
	load_podtag
	rm -f "$PINS"/links/tls-*
	CALLS_BEFORE=$(counted_of_own calls) TIMES_BEFORE=$(counted_of_own over_budget)
}

counted_of_own() # FIELD
{
	map_dump tls_files | jq --arg own "$OWN" --arg field "$1" \
		'[.[].formatted.value | select(.library == $own) | .[$field], (if $field == "calls" then .calls_before else 0 end)] | add // 0'
}

# A pod with that annotation, a JSON value; the plugins' words are in $T/POD.err.
pod_wanting() # POD [VALUE]
{
	local options=()
	(($# == 1)) || options=(--runtime-config "{\"io.kubernetes.cri.pod-annotations\":{\"a\":\"b\",\"podtag.io/tls\":$2}}")
	pod_add "$1" "${LIST-$(conflist net 1.0.0 "$(bridge 7)" "$(podtag clsact "$CAPABLE")")}" "${options[@]}" 2>"$T/$1.err"
	in_pod "$1" ip link set lo up
}

# nginx in pod web and clients in pod cli, with annotations or without.
pods_wanting() # WEB CLI: a JSON value, or nothing
{
	pod_wanting web ${1:+"$1"}
	pod_wanting cli ${2:+"$2"}
	needs_tls_programs
	make_www
	make_certificate
}

# A process there maps what curl does. One that has ended before the agent looks at it was not there, so
# this is for wait_for.
probed_by() # POD FILE
{
	in_pod "$1" curl --version >"$T/version"
	is_probed "$2"
}

wants() { map_dump tls_wanted | jq -r --argjson id "$(pod_id "$1")" '.[].formatted | select(.key == $id) | .value'; } # POD

test_annotations_in_the_maps()
{
	local pod key
	pod_wanting none
	pod_wanting off '"off"'
	pod_wanting on '"on"'
	pod_wanting auto '"auto"'
	pod_wanting loud '"Off\nroot"'
	pod_wanting bool false
	for pod in none loud bool; do
		assert_equal "what $pod wants" "$(wants "$pod")" ""
	done
	for pod in off on auto; do
		assert_equal "what $pod wants" "$(wants "$pod")" "PT_TLS_${pod^^}"
		assert_equal "dump of $pod" "$("$B/podtag" -j dump pods | jq -r --arg pod "$pod" '.[] | select(.pod == $pod) | .tls.mode')" "$pod"
		assert_equal "said of $pod" "$(cat "$T/$pod.err")" ""
	done
	assert_contains "what is said" "$(cat "$T/loud.err")" 'annotation podtag.io/tls: "Off\nroot" is not one of off, on, auto: ignored'
	assert_contains "what is said" "$(cat "$T/bool.err")" 'annotation podtag.io/tls: false is not one of off, on, auto: ignored'
	assert_equal "columns" "$("$B/podtag" dump pods | awk '$3 ~ /^(pod|off|none)$/ { print $3, $7 }' | sort)" "none -
off off
pod tls"
	assert_equal "operations that failed" "$(map_dump cni_operations | jq '[.[].formatted.value | .degraded + .error] | add')" 0

	# a pod that a podtag has made that knew nothing of annotations
	key=$(printf '%02x 00 00 00 00 00 00 00' "$(pod_id off)")
	# shellcheck disable=SC2086
	bpftool map delete pinned "$PINS/maps/tls_wanted" key hex $key
	"$B/podtag" adopt >"$T/adopted"
	assert_equal "what off wants" "$(wants off)" PT_TLS_OFF
	assert_equal "adopted" "$("$B/podtag" -j adopt | jq .adopted)" 0

	pods_del_all
	assert_equal "entries" "$(map_entries tls_wanted)" 3
	"$TOOLS/backdate" --all 400
	LIST=$(conflist net 1.0.0 "$(bridge 7)") pod_wanting old '"off"' # its ADD knows no podtag
	pod_wanting next                                             # an ADD sweeps nothing where there is room
	agent_start
	wait_for 20 has_entries 1
	assert_equal "what an adopted pod wants" "$(wants old)" PT_TLS_OFF
	cp "$T/next.conflist" "$T/old.conflist" # for its DEL
}

has_entries() { (($(map_entries tls_wanted) == $1)); } # COUNT

# One library of two pods. Its probes are hit by both, and count for one.
test_off_beside_on()
{
	pods_wanting '"off"' ''
	agent_start --tls on
	listen_nginx
	wait_for 15 probed_by cli "$LIBSSL"
	for _ in {1..5}; do
		curl_ "https://$(url_host web)/small"
	done
	assert_series cli client "GET 200 5"
	assert_series web server ""
	assert_equal "sessions left" "$(map_dump tls_sessions | jq length)" 0
	assert_nothing_missing
}

# A copy of the library, for who has it in LD_LIBRARY_PATH.
own_library()
{
	mkdir "$T/lib"
	cp -L "$LIBSSL" "$T/lib/$OWN"
	ln -s "$OWN" "$T/lib/${LIBSSL##*/}"
	export LD_LIBRARY_PATH=$T/lib
}

# What only pods have that say off is not probed; what they share is, and an agent that is off is off.
test_off_alone()
{
	pods_wanting '"off"' '"off"'
	pod_wanting on '"on"'
	agent_start --tls auto
	listen_nginx
	curl_ "https://$(url_host web)/small"
	(own_library && wait_for 15 probed_by on "$T/lib/$OWN")
	is_let_go "$LIBSSL" || fail "probed, though no pod wants it"
	wait_for 15 probed_by on "$LIBSSL"
	agent_stop
	agent_start --tls off
	wait_for 5 is_let_go "$LIBSSL"
	in_pod on curl --version >"$T/version"
	assert_equal "targets" "$(metric podtag_tls_targets)" ""
	assert_equal "links" "$(compgen -G "$PINS/links/tls-*")" ""
}

own_calls() { echo $(($(metric podtag_tls_calls_total "library=\"$OWN\"" 'version="3.') - CALLS_BEFORE)); }

# As many as the caller made itself, over an agent that was killed.
test_calls_are_counted_exactly()
{
	local made=0 more
	pods_wanting '' ''
	agent_start --tls auto
	own_library
	wait_for 15 probed_by cli "$T/lib/$OWN"
	for _ in 1 2; do
		more=$(in_pod cli "$HTTP/tls_calls.py" "$TLS_CERT" "$TLS_KEY" 2000)
		made=$((made + more))
		assert_equal "calls" "$(own_calls)" "$made"
		agent_stop KILL
		agent_start --tls auto
		wait_for 15 own_is probed
		assert_equal "calls that the next agent tells of" "$(own_calls)" "$made"
	done
	assert_at_least "calls" "$made" 4000
	assert_equal "times over budget" "$(times_over_budget)" 0
}

own_is() { [[ $(metric podtag_tls_targets "library=\"$OWN\"" "state=\"$1\"") == 1 ]]; } # STATE

times_over_budget() { echo $(($(metric podtag_tls_over_budget_total "library=\"$OWN\"") - TIMES_BEFORE)); }

# The end of the pause, so many seconds ago.
end_pause() # SECONDS
{
	local until slot key
	until=$(awk -v ago="$1" '{ printf "%.0f", ($1 - ago) * 1e9 }' /proc/uptime)
	slot=$(map_dump tls_files | jq --arg own "$OWN" '[.[].formatted | select(.value.library == $own)] | max_by(.value.taken_ns) | .key')
	key="$(printf %02x "$slot") 00 00 00"
	# retry_ns is the 4th of the numbers
	# shellcheck disable=SC2086
	bpftool -j map lookup pinned "$PINS/maps/tls_files" key hex $key |
		jq -r --argjson until "$until" '.value[:24] + [range(8) as $i | $until / pow(256; $i) | floor % 256] + .value[32:] | join(" ")' |
		xargs bpftool map update pinned "$PINS/maps/tls_files" key hex $key value
}

# nginx and wrk at full speed, until that is too much: all that they do goes well.
until_over_budget()
{
	local wrk
	run_wrk 16 "$MANY" plain &
	wrk=$!
	wait_for 15 own_is over_budget
	wait_for 15 is_let_go "$T/lib/$OWN" # the kernel takes a tenth of a second for each
	wait "$wrk" || fail "wrk"
}

test_the_budget()
{
	pods_wanting '' ''
	agent_start --tls auto --tls-budget 1
	own_library
	listen_nginx
	wait_for 15 is_probed "$T/lib/$OWN"
	until_over_budget
	assert_equal "times" "$(times_over_budget)" 1
	assert_contains "log" "$(cat "$T/agent.log")" "more than --tls-budget 1: not probed for 10 minutes"
	say "$(grep budget "$T/agent.log")"

	# nobody makes it come back before its time, neither another process nor another agent
	in_pod cli curl --version >"$T/version"
	agent_stop KILL
	agent_start --tls auto --tls-budget 1
	wait_for 15 own_is over_budget
	is_let_go "$T/lib/$OWN" || fail "probed again too early"

	# and when it does not last, it is off for longer
	end_pause 1
	wait_for 15 probed_by cli "$T/lib/$OWN"
	until_over_budget
	assert_contains "log" "$(cat "$T/agent.log")" "not probed for 20 minutes"
	assert_equal "times" "$(times_over_budget)" 2
	stop_last
	assert_equal "nginx's log" "$(summed <"$T/access.log")" "GET 200 $((2 * MANY))"
}

# Whoever says on has what it uses probed at once, pause or not, and it stays.
test_on_has_no_budget()
{
	local before
	pods_wanting '' ''
	pod_wanting on '"on"'
	agent_start --tls auto --tls-budget 1
	own_library
	listen_nginx
	wait_for 15 is_probed "$T/lib/$OWN"
	until_over_budget
	wait_for 15 probed_by on "$T/lib/$OWN"
	before=$(http_series cli client | cut -d ' ' -f 3)
	run_wrk 16 "$(scaled 30000)" plain
	assert_equal "state" "$(own_is probed && echo probed)" probed
	assert_equal "times" "$(times_over_budget)" 1
	assert_series cli client "GET 200 $((before + $(scaled 30000)))"
}

# All that the chart gives an agent; a container's processes have others, and often another user.
test_capabilities()
{
	pods_wanting '' ''
	own_library
	setpriv --bounding-set -all,+net_admin,+sys_admin,+bpf,+perfmon,+sys_ptrace,+dac_read_search \
		"$B/podtag-agent" --tls on >"$T/agent.log" 2>&1 &
	# shellcheck disable=SC2034
	AGENT_PID=$!
	wait_for 10 curl -fsS -o /dev/null "$AGENT/readyz"
	ip netns exec cli setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all,+chown \
		/usr/bin/python3 -c 'import ssl, time; time.sleep(60)' &
	PIDS+=($!)
	wait_for 15 own_is probed
	agent_stop
}

run_tests "$@"

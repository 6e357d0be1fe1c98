#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Adoption and the sweep while pods go: who lives is not ended, who is gone does not come back.
# shellcheck disable=SC2034,SC2119
# shellcheck source=../lib/adopt.sh disable=SC1091
. "$(dirname "$0")/../lib/adopt.sh"

# Pods that live although something of them cannot be seen are not ended; those that are gone are.
test_sweep_ends_the_dead_only()
{
	local pod
	"$B/podtag" load
	pod_add moved "$(after)"
	pod_add renamed "$(after)"
	pod_add gone "$(after)"
	netns_new elsewhere
	ip link set "$(host_link moved)" netns elsewhere
	ip link set "$(host_link renamed)" down name away0
	# without a host end: alive in the cache, by a process, and not at all
	for pod in cached held lost; do
		netns_new "$pod"
		in_pod "$pod" ip link add eth0 type veth peer name eth1
		plugin ADD "/run/netns/$pod" "$(container_of "$pod")" eth0 \
			'{"cniVersion":"1.0.0","name":"net","prevResult":{}}' >/dev/null
	done
	touch "$(cache_file cached)"
	nsenter --net=/run/netns/held sleep 100 &
	PIDS+=($!)
	wait_for 5 in_netns held
	ip netns del held
	ip netns del cached
	ip netns del lost
	forget gone
	# in a network namespace that is not the node's, all host ends seem to be gone
	nsenter --net=/run/netns/elsewhere "$B/podtag-agent" >"$T/elsewhere.log" 2>&1 &
	AGENT_PID=$!
	wait_for 5 grep -q "loaded\|gone\|adopted\|listens" "$T/elsewhere.log"
	sleep 1
	agent_stop
	assert_equal "said elsewhere" "$(grep -o 'eth0 of .* in network' "$T/elsewhere.log" || true)" \
		"eth0 of $(container_of lost) in network"
	agent_start
	wait_for 5 ended gone
	assert_equal "alive" "$(map_dump pods | jq -r '[.[].formatted.value | select(.deleted_ns == 0) | .container_id] | sort | join(" ")')" \
		"c0ffee-cached c0ffee-held c0ffee-moved c0ffee-renamed"
	agent_stop
	rm -f "$(cache_file cached)"
	kill "${PIDS[@]}"
	wait "${PIDS[@]}" || true
	PIDS=()
	agent_start
	wait_for 5 ended held
	wait_for 5 ended cached
	pod_del moved
	pod_del renamed
	ip netns del elsewhere
}

in_netns() # POD
{
	local file inode
	inode=$(stat -L -c %i "/run/netns/$1")
	for file in /proc/[0-9]*/ns/net; do
		[[ $(stat -L -c %i "$file" 2>/dev/null) != "$inode" ]] || return 0
	done
	return 1
}

# A DEL that is through when adoption gets the lock, and one that has come to podtag only.
test_del_comes_first()
{
	local pod
	"$B/podtag" load
	pod_add file "$(before)"
	pod_add netns "$(before)"
	exec 9</sys/fs/bpf/podtag
	flock 9
	"$B/podtag" -j adopt >"$T/adopt" 9<&- &
	wait_for 5 waits_for_lock $!
	rm "$(cache_file file)"
	ip netns del netns
	exec 9<&-
	wait $! || fail "adopt: $(cat "$T/adopt")"
	assert_equal "dead" "$(jq -c '[.adopted, .dead]' <"$T/adopt")" "[0,2]"
	rm -f "$T/netns.pod" "$(cache_file netns)"

	pod_add web "$(after)"
	in_pod web ping -q -c 1 10.1.0.1 >/dev/null
	plugin DEL /run/netns/web "$(container_of web)" eth0 '{"cniVersion":"1.0.0","name":"net"}'
	assert_adopted "after podtag's DEL" "0 0 1 0"
	assert_equal "pods" "$(map_entries pods)" 1
	assert_at_least "final values" "$(pod_traffic web | cut -d ' ' -f 1)" 1
}

# It has read the files, and tries the lock again and again.
waits_for_lock() { [[ $(cat "/proc/$1/wchan") == *nanosleep* ]]; } # PID

# DELs of chains with podtag come while pods are adopted, in a loop: none is left, and nobody's final
# values are hidden by a pod that was adopted after its DEL.
test_del_wins()
{
	local i pod dels del
	agent_start
	for ((i = 0; i < 8; i++)); do
		for pod in a b c d; do
			pod_add "$pod" "$(after)"
		done
		# podtag forgets them, and has them to adopt while they go
		"$B/podtag" unload >/dev/null
		"$B/podtag" load >/dev/null
		dels=()
		for pod in a b c d; do
			pod_del "$pod" &
			dels+=($!)
		done
		while kill -0 "${dels[@]}" 2>/dev/null; do
			"$B/podtag" adopt >/dev/null || true
		done
		wait "${dels[@]}"
		rm -f "$T"/{a,b,c,d}.pod
	done
	agent_stop
	agent_start
	wait_for 20 no_pods
	for ((i = 0; i < 8; i++)); do
		pod_add a "$(after)"
		in_pod a ping -q -c 1 10.1.0.1 >/dev/null
		pod_del a &
		del=$!
		while kill -0 "$del" 2>/dev/null; do
			"$B/podtag" adopt >/dev/null || true
		done
		wait "$del"
		rm -f "$T/a.pod"
		assert_at_least "final values" "$(metric pod_network_packets_total 'pod="a"' 'direction="receive"')" 1
	done
	wait_for 20 no_pods
}

# A full node, with an agent that is killed in the midst of it.
test_many_pods()
{
	local i
	pod_add web "$(before)"
	for ((i = 0; i < 200; i++)); do
		ip netns add "p$i"
		ip link add "h$i" type veth peer name eth0 netns "p$i"
		cache_with "net-c$i-eth0" web ".containerId = \"c$i\" | .netns = \"/run/netns/p$i\" |
			.cniArgs = [[\"K8S_POD_NAMESPACE\", \"shop\"], [\"K8S_POD_NAME\", \"p$i\"]]"
	done
	"$B/podtag" load
	for ((i = 0; i < 10; i++)); do
		"$B/podtag" adopt >/dev/null &
		sleep "0.0$i"
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	assert_at_least "adopted by those that were killed" "$(map_entries attachments)" 1
	agent_start
	wait_for 30 all_attached 201
	assert_equal "not adopted" "$(metrics | awk '/^podtag_pods_not_adopted/ { s += $NF } END { print s }')" 0
	assert_adopted "again" "0 201 0 0"
	assert_at_least "agent's memory is below 12 MB: bytes less" \
		$((12000000 - $(metric process_resident_memory_bytes | cut -d . -f 1))) 0
	say "agent: $(metric process_resident_memory_bytes) bytes"
	for ((i = 0; i < 200; i++)); do
		ip netns del "p$i"
	done
	rm -f "$CACHE"/net-c[0-9]*
	pod_del web
	agent_stop
	agent_start
	wait_for 20 no_pods
	assert_equal "ended" "$(map_dump pods | jq '[.[].formatted.value | select(.deleted_ns == 0)] | length')" 0
}

all_attached() { [[ $(metrics | grep -c '^podtag_pod_attached{.* 1$') == "$1" ]]; } # COUNT

run_tests "$@"

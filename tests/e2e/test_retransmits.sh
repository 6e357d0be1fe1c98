#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ground truth: tcp_retransmits_total against what each pod's own kernel counters say, to the segment.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

PORT=80

# Two pods on two routed veths, so that each one's packets can be lost where the host gets them.
two_pods()
{
	local list
	list=$(conflist net 1.0.0 "$(ptp 1)" "$(podtag)")
	pod_add server "$list"
	pod_add client "$list"
}

# What podtag counts of a pod against what its kernel counts, once nothing more can be sent.
# Sets SUM, SYN (both kinds), FAST, TLP, RTO and OTHER.
assert_retransmits_exact() # POD ["RETRANSSEGS TCPSYNRETRANS TCPFASTRETRANS" to begin from]
{
	local kernel segments syns untold
	wait_for 60 sockets_are_quiet "$1"
	same_moment 10 "kernel_retransmits $1" "pod_retransmits $1"
	read -r SUM SYN FAST TLP RTO OTHER <<<"$B_VALUE"
	untold=$(untold)
	say "$1: sum $SUM syn $SYN fast $FAST tlp $TLP rto $RTO other $OTHER; probe missed $(probe_misses), sends failed $(snmp "$1" TcpExt TCPRetransFail), not told of $untold"
	read -r segments syns kernel <<<"$(minus "$A_VALUE" "${2-0 0 0}")"
	assert_told "$1: sum (of $B_VALUE) against RetransSegs" "$SUM" "$segments"
	assert_told "$1: syn and synack (of $B_VALUE) against TCPSynRetrans" "$SYN" "$syns"
	# now and then the kernel does not run the probe; the next one then finds that the socket has
	# sent more, of a kind that nobody can tell any more
	assert_at_least "$1: fast and other (of $B_VALUE), against TCPFastRetrans" $((FAST + OTHER + untold)) "$kernel"
	# TCPFastRetrans leaves out sends that failed, though RetransSegs has them
	assert_at_least "$1: TCPFastRetrans and TCPRetransFail, against fast (of $B_VALUE)" \
		$((kernel + $(snmp "$1" TcpExt TCPRetransFail))) "$FAST"
	[[ ${2-} ]] && return # they have no number to begin from
	assert_at_least "$1: rto and other, against TCPSlowStartRetrans" $((RTO + OTHER + untold)) \
		"$(snmp "$1" TcpExt TCPSlowStartRetrans)"
	assert_at_least "$1: TCPLossProbes, against tlp" "$(snmp "$1" TcpExt TCPLossProbes)" "$TLP"
}

# Bulk both ways at once, and a lot of it: thousands of segments are lost.
# perf counts the tracepoint's events on all CPUs, of this port alone.
both_directions() # FAMILY
{
	local events client
	PORT=$((20000 + RANDOM))
	two_pods
	serve server "$PORT" "$1"
	lose server 3
	lose client 3
	perf stat -x, -o "$T/perf" -a -e tcp:tcp_retransmit_skb \
		--filter "sport == $PORT || dport == $PORT" \
		ip netns exec client "$TOOLS/load" run -c 32 -j 8 -u 6000000 -d 6000000 \
		"$(pod_address server "$1")" "$PORT" >&2
	lose_nothing

	assert_retransmits_exact client
	assert_at_least "segments the client sent again" "$SUM" 1000
	assert_at_least "by fast retransmit" "$FAST" 100
	client=$SUM
	assert_retransmits_exact server
	assert_at_least "segments the server sent again" "$SUM" 1000

	# who counts events falls short of the kernel: that must be seen to be so
	events=$(awk -F, '/tcp_retransmit_skb/ { print $1 }' "$T/perf")
	assert_at_least "events" "$events" 10
	assert_at_least "segments, against events" $((SUM + client)) $((events + 100))
}

test_random_loss_both_ways_ipv4() { both_directions 4; }

test_random_loss_both_ways_ipv6() { both_directions 6; }

# The first 30 packets that match are lost: 20 connections need 30 more of them.
lose_30() # POD FLAGS
{
	local dev
	untold_begin
	dev=$(host_link "$1")
	nft add table netdev loss
	nft add chain netdev loss "$dev" "{ type filter hook ingress device \"$dev\" priority 0; }"
	nft add rule netdev loss "$dev" tcp flags '&' '(syn|ack)' == "$2" numgen inc mod 1000000 '<' 30 drop
}

test_lost_syns()
{
	two_pods
	serve server 80
	lose_30 client syn
	load client -c 20 -j 20 "$(pod_address server)" 80
	assert_retransmits_exact client
	assert_told "SYNs sent again" "$SYN" 30
	assert_equal "all that was sent again" "$SUM" 30
	assert_equal "kind" "$(pod_retransmits_of client syn) $(pod_retransmits_of client synack)" "$SYN 0"
	assert_retransmits_exact server
	assert_equal "the server sent again" "$SUM" 0
}

test_lost_syns_ipv6()
{
	two_pods
	serve server 80 6
	lose_30 client syn
	load client -c 20 -j 20 "$(pod_address server 6)" 80
	assert_retransmits_exact client
	assert_told "SYNs sent again" "$SYN" 30
	assert_equal "all that was sent again" "$SUM" 30
}

lost_synacks() # FAMILY
{
	two_pods
	serve server 80 "$1"
	lose_30 server '(syn|ack)'
	load client -c 20 -j 20 "$(pod_address server "$1")" 80
	assert_retransmits_exact server
	assert_at_least "SYN-ACKs sent again, with those not told of" $((SYN + $(untold))) 30
	assert_equal "kind" "$(pod_retransmits_of server syn) $(pod_retransmits_of server synack)" "0 $SYN"
	assert_retransmits_exact client
	assert_equal "kind" "$(pod_retransmits_of client syn) $(pod_retransmits_of client synack)" "$SYN 0"
}

test_lost_synacks_ipv4() { lost_synacks 4; }

test_lost_synacks_ipv6() { lost_synacks 6; }

# One segment in flight at a time, and its tail probe has nothing new to send: each probe is a
# retransmission.
test_tail_loss_probes()
{
	two_pods
	serve server 80
	lose client 10 ip length '>' 60
	load client -c 16 -j 16 -r 40 -u 100 -d 1 "$(pod_address server)" 80
	lose_nothing
	assert_retransmits_exact client
	assert_at_least "tail loss probes" "$TLP" 20
	assert_at_least "tail loss probes and other" $((TLP + OTHER)) "$(snmp client TcpExt TCPLossProbes)"
	assert_retransmits_exact server
}

test_timeouts_of_a_dead_path()
{
	two_pods
	serve server 80
	in_pod client "$TOOLS/load" run -j 8 -c 8 -r 200 -i 10 -u 20000 -d 100 "$(pod_address server)" 80 \
		>"$T/load" &
	PIDS+=($!)
	wait_for 10 established client 8
	lose client 100
	wait_for 20 retransmitted client 24
	lose_nothing
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	assert_retransmits_exact client
	assert_at_least "by timeout" "$RTO" 8
	assert_retransmits_exact server
}

established() # POD COUNT
{
	(($(in_pod "$1" ss -Htn state established | wc -l) >= $2))
}

retransmitted() # POD COUNT
{
	(($(snmp "$1" Tcp RetransSegs) >= $2))
}

sent_in_vain() { (($(snmp "$1" TcpExt TCPRetransFail) > 0)); } # POD

# Sends that fail below TCP: a queue in the pod that drops, and no route.
test_retransmissions_that_fail()
{
	two_pods
	serve server 80
	in_pod client tc qdisc add dev eth0 root tbf rate 40mbit burst 3000 limit 30000
	# whether the queue is full at that moment is a matter of luck
	for _ in {1..5}; do
		load client -c 8 -j 8 -u 2000000 -d 1000 "$(pod_address server)" 80
		! sent_in_vain client || break
	done
	assert_retransmits_exact client
	assert_at_least "sent again" "$SUM" 50
	sent_in_vain client || fail "no segment was sent again in vain"

	in_pod client tc qdisc del dev eth0 root
	in_pod client "$TOOLS/load" run -j 4 -c 4 -r 100 -i 10 -u 20000 -d 100 "$(pod_address server)" 80 \
		>"$T/load" &
	PIDS+=($!)
	wait_for 10 established client 4
	in_pod client ip route add unreachable "$(pod_address server)/32"
	wait_for 20 timed_out client
	in_pod client ip route del unreachable "$(pod_address server)/32"
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	assert_retransmits_exact client
	assert_retransmits_exact server
}

# A socket of the pod is in a retransmission timeout.
timed_out() # POD
{
	in_pod "$1" ss -Htino state established | grep -q 'backoff:[2-9]'
}

# Two pods with one address, one after the other: each has its own numbers.
test_one_address_two_pods()
{
	local list first='{"type":"static","addresses":[{"address":"10.1.0.9/24","gateway":"10.1.0.1"}],"routes":[{"dst":"0.0.0.0/0"}]}'
	local before id
	pod_add server "$(conflist net 1.0.0 "$(ptp 1)" "$(podtag)")"
	serve server 80
	list=$(conflist net 1.0.0 "{\"type\":\"ptp\",\"ipam\":$first}" "$(podtag)")
	pod_add first "$list"
	assert_equal address "$(pod_address first)" 10.1.0.9
	lose first 5
	load first -c 8 -j 4 -u 2000000 "$(pod_address server)" 80
	assert_retransmits_exact first
	assert_at_least "sent again" "$SUM" 20
	before=$(pod_retransmits first)
	id=$(pod_id first)
	lose_nothing
	pod_del first

	pod_add second "$list"
	assert_equal address "$(pod_address second)" 10.1.0.9
	[[ $(pod_id second) != "$id" ]] || fail "one id for two pods: $id"
	assert_equal "second's count at first" "$(pod_retransmits second)" "0 0 0 0 0 0"
	lose second 5
	load second -c 8 -j 4 -u 2000000 "$(pod_address server)" 80
	assert_retransmits_exact second
	assert_at_least "sent again" "$SUM" 20
	assert_equal "what the first left" "$(pod_retransmits first)" "$before"
	assert_retransmits_exact server
}

# A host beyond the node, that has no route to any pod.
outside()
{
	netns_new outside
	ip link add ext0 type veth peer name eth0 netns outside
	ip addr add 192.0.2.1/24 dev ext0
	ip link set ext0 up
	ip -n outside addr add 192.0.2.2/24 dev eth0
	ip -n outside link set eth0 up
	ip -n outside link set lo up
}

test_behind_port_mapping()
{
	pod_add server "$(conflist net 1.0.0 "$(bridge 1)" \
		'{"type":"portmap","capabilities":{"portMappings":true}}' "$(podtag)")" \
		--runtime-config '{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}'
	outside
	serve server 80
	lose server 5
	lose_from ext0 5
	load outside -c 8 -j 4 -u 2000000 -d 2000000 192.0.2.1 8080
	lose_nothing
	assert_retransmits_exact server
	assert_at_least "sent again" "$SUM" 20
	ip netns del outside
}

test_behind_masquerade()
{
	outside
	pod_add client "$(conflist net 1.0.0 "$(bridge 1 '"ipMasq":true,')" "$(podtag)")"
	serve outside 80
	lose client 5
	lose_from ext0 5
	load client -c 8 -j 4 -u 2000000 -d 2000000 192.0.2.2 80
	assert_fails in_pod outside ip route get "$(pod_address client)"
	lose_nothing
	assert_retransmits_exact client
	assert_at_least "sent again" "$SUM" 20
	kill "${PIDS[@]}"
	ip netns del outside
}

# Connections from before ADD: what they send again from now on counts, and no more.
test_sockets_older_than_podtag()
{
	local list before
	list=$(conflist net 1.0.0 "$(ptp 1)")
	pod_add server "$list"
	pod_add client "$list"
	"$B/podtag" load >/dev/null
	serve server 80
	lose client 5
	lose server 5
	in_pod client "$TOOLS/load" run -j 8 -c 8 -r 1000000 -u 300000 -d 300000 -t 4 "$(pod_address server)" 80 \
		>"$T/load" &
	PIDS+=($!)
	wait_for 10 retransmitted client 100
	wait_for 10 retransmitted server 100
	# nothing may be sent again between the two numbers
	kill -STOP "${PIDS[@]}"
	lose_nothing
	wait_for 20 all_still
	before="$(kernel_retransmits client), $(kernel_retransmits server)"
	PT_ARGS=$(cni_args shop client) adopt client
	PT_ARGS=$(cni_args shop server) adopt server
	assert_equal "the kernel's numbers around ADD" "$(kernel_retransmits client), $(kernel_retransmits server)" "$before"
	lose client 5
	lose server 5
	kill -CONT "${PIDS[@]}"
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	lose_nothing
	assert_retransmits_exact client "${before%,*}"
	assert_at_least "sent again" "$SUM" 100
	assert_retransmits_exact server "${before#*, }"
	assert_at_least "sent again" "$SUM" 100
	plugin DEL /run/netns/client "$(container_of client)" eth0 "$(conf)"
	plugin DEL /run/netns/server "$(container_of server)" eth0 "$(conf)"
}

conf() # [PREV-RESULT]
{
	jq -cn --argjson prev "${1-null}" \
		'{cniVersion: "1.0.0", name: "net", type: "podtag"} + if $prev then {prevResult: $prev} else {} end'
}

adopt() # POD
{
	plugin ADD "/run/netns/$1" "$(container_of "$1")" eth0 "$(conf "$(cat "$T/$1.result")")" >/dev/null
}

# All data and each SYN is acknowledged, and it stays so.
all_still()
{
	local i
	for ((i = 0; i < 10; i++)); do
		no_timers client && no_timers server || return 1
	done
}

no_timers() # POD
{
	! in_pod "$1" ss -Htno state connected | grep -qE 'timer:\((on|probe)'
}

run_tests "$@"

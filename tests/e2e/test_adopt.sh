#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Pods that ran before podtag came: attached as by an ADD, counted from then on, and ended without a DEL.
# shellcheck source=../lib/adopt.sh disable=SC1091
. "$(dirname "$0")/../lib/adopt.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

# The same pod, once by ADD and once adopted.
test_identity_is_that_of_add()
{
	local mode added
	for mode in clsact tcx; do
		[[ $mode == clsact ]] || has_tcx || continue
		"$B/podtag" load
		pod_add pod "$(after $mode)" --runtime-config '{"cgroupPath":"/"}'
		added=$(identity pod)
		"$B/podtag" unload
		"$B/podtag" load
		assert_adopted "$mode" "1 0 0 0"
		assert_equal "$mode: identity" "$(identity pod)" "$added"
		assert_equal "$mode: hook" "$(map_dump attachments | jq -r '.[0].formatted.value.hook')" \
			"$([[ $mode == tcx ]] && echo PT_HOOK_TCX || echo PT_HOOK_CLSACT)"
		assert_equal "$mode: mark" "$(map_dump pod_by_ifindex | jq -r '.[0].formatted.value.mark_mask')" \
			"$([[ $mode == tcx ]] && echo $((0xff000000)) || echo 0)"
		assert_adopted "$mode, again" "0 1 0 0"
		assert_equal "$mode: pods" "$(map_entries pods)" 1
		pod_del pod
		"$B/podtag" unload
	done
}

# Connections older than podtag: each packet and each retransmit from adoption on is counted.
test_old_connections_are_counted()
{
	local gap kernel podtag id
	pod_add web "$(before)"
	pod_add cli "$(before)"
	serve web 80
	# with pauses, to have moments at which nothing moves
	in_pod cli "$TOOLS/load" run -j 4 -c 4 -r 16 -i 500 -u 200000 -d 200000 "$(pod_address web)" 80 >"$T/load" &
	PIDS+=($!)
	wait_for 10 has_received web 500000
	agent_start
	wait_for 10 is_adopted 2
	id=$(pod_id web)

	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	gap=$(minus "$A_VALUE" "$B_VALUE")
	[[ " $gap " != *" 0 "* ]] || fail "nothing was sent before podtag came: $gap"
	same_moment 10 "kernel_retransmits web" "pod_retransmits web"
	kernel=${A_VALUE%% *} podtag=${B_VALUE%% *}
	lose web 3
	lose cli 3
	kill -0 "${PIDS[-1]}" || fail "the connections did not last"
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	lose_nothing
	wait_for 30 sockets_are_quiet web

	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	assert_equal "interface less podtag" "$(minus "$A_VALUE" "$B_VALUE")" "$gap"
	same_moment 10 "kernel_retransmits web" "pod_retransmits web"
	say "kernel $A_VALUE, podtag $B_VALUE"
	assert_told "retransmits" $((${B_VALUE%% *} - podtag)) $((${A_VALUE%% *} - kernel))
	assert_at_least "retransmits" $((${A_VALUE%% *} - kernel)) 10
	assert_equal "pod id" "$(pod_id web)" "$id"
	assert_equal "pods" "$(metric podtag_pods_adopted_total)" 2

	# these pods' chain is without podtag, so no DEL comes; a server of web's still runs
	pod_del cli
	pod_del web
	wait_for 20 ended cli
	assert_equal "web's entry in pod_by_netns" "$(map_entries pod_by_netns)" 1
	kill "${PIDS[@]}"
	wait_for 20 no_pods
	assert_equal "info" "$(metric podtag_pod_info)" ""
	assert_equal "kept traffic" "$(metric pod_network_bytes_total 'pod="web"' 'direction="receive"')" "$(pod_traffic web | cut -d ' ' -f 2)"
}

# HTTP on a connection older than podtag counts from the next request on, at both ends.
test_http_on_old_connections()
{
	local get='GET / HTTP/1.1\r\nHost: a\r\n\r\n' ok='HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' role client
	pod_add web "$(before)"
	pod_add cli "$(before)"
	in_pod web "$TESTS/http/peer" serve 80 head "send:$ok" repeat:4 eof >"$T/peer" 2>&1 &
	PIDS+=($!)
	wait_for 10 listening web
	in_pod cli "$TESTS/http/peer" call "$(pod_address web)" 80 "send:$get" head read:5 "touch:$T/asked" \
		"wait:$T/adopted" "send:$get" head read:5 "send:$get" head read:5 "send:$get" head read:5 &
	client=$!
	wait_for 10 test -e "$T/asked"
	agent_start
	wait_for 10 is_adopted 2
	touch "$T/adopted"
	wait "$client" || fail "the client"
	for role in server:web client:cli; do
		assert_equal "$role" "$(metric http_request_duration_seconds_count "role=\"${role%:*}\"" \
			"pod=\"${role#*:}\"" 'method="GET"' 'status="200"')" 3
	done
	pod_del cli
	pod_del web
	kill "${PIDS[@]}" 2>/dev/null || true
	agent_stop
	agent_start
	wait_for 20 no_pods
}

# containerd's pods: adopted under traffic, and ended by DEL if the chain has podtag by then, and without
# one if it has not.
test_containerd()
{
	local web cli gap form
	containerd_chain "$(before)"
	containerd_start
	web=$(cri run shop web 11111111-aaaa)
	cri start "$web" shop web 11111111-aaaa "$IMAGE" /bin/load serve 0.0.0.0 80
	cli=$(cri run shop cli 22222222-bbbb)
	cri start "$cli" shop cli 22222222-bbbb "$IMAGE" /bin/load run -c 2 -j 2 -r 16 -i 500 -u 100000 -d 100000 \
		"$(cached_address "$web")" 80
	assert_fails test -e "$T/calls"
	sleep 1
	agent_start
	wait_for 10 is_adopted 2
	assert_adopted "loopbacks are left alone" "0 2 0 0"
	same_moment 10 "link_traffic $(netns_of web) eth0" "pod_traffic web"
	gap=$(minus "$A_VALUE" "$B_VALUE")
	assert_at_least "bytes before" "$(cut -d ' ' -f 2 <<<"$gap")" 100000

	# the same as an ADD makes of the next pod
	after >"$T/net.d/next"
	mv "$T/net.d/next" "$T/net.d/10-net.conflist"
	wait_for 10 has_chain_with_podtag
	form=$(pod_form api)
	assert_equal "web, and what ADD made of api" "$(pod_form web)" "${form//api/web}"
	assert_equal "info" "$(metric podtag_pod_info 'pod="web"' 'namespace="shop"' 'uid="11111111-aaaa"' \
		"container_id=\"$web\"" "ip=\"$(cached_address "$web")\"" "node_interface=\"$(host_link "$(netns_of web)")\"")" 1

	wait_for 20 sent cli 1600000
	same_moment 10 "link_traffic $(netns_of web) eth0" "pod_traffic web"
	assert_equal "interface less podtag" "$(minus "$A_VALUE" "$B_VALUE")" "$gap"
	cri stop "$web"
	assert_contains "DEL" "$(cat "$T/calls")" "DEL netns=/var/run/netns/"
	ended web || fail "web lives after its DEL"
	cri remove "$web"

	before >"$T/net.d/next"
	mv "$T/net.d/next" "$T/net.d/10-net.conflist"
	wait_for 10 has_chain_without_podtag
	cri stop "$cli"
	cri remove "$cli"
	wait_for 20 ended cli
	for pod in "${REST[@]}"; do
		cri stop "$pod"
		cri remove "$pod"
	done
	containerd_stop
	wait_for 20 no_pods
}

cached_address() { jq -r '.result.ips[0].address' <"$CACHE/net-$1-eth0" | cut -d / -f 1; } # SANDBOX

# Which fields are filled, and with what of the pod itself in place of its own.
pod_form() # POD
{
	pod_json "$1" | jq -c '.value | [.namespace, .name, .ifname, (.cgroup_id > 0), (.ipv4 | test("^10.1.0.[0-9]+$")),
		(.ipv6 | test("^fd00:1::")), (.uid | length), (.container_id | length), (.node_interface | test("^veth")),
		.ifindex > 0, .node_netns, .deleted_ns]'
}

# containerd reads its chains when their folder changes: whether it did is seen in a pod.
REST=()
has_chain_with_podtag()
{
	REST+=("$(cri run shop api "33333333-ccc${#REST[@]}")")
	[[ -s $T/calls ]]
}
has_chain_without_podtag()
{
	local calls
	calls=$(wc -l <"$T/calls")
	REST+=("$(cri run shop next "44444444-ddd${#REST[@]}")")
	[[ $(wc -l <"$T/calls") == "$calls" ]]
}

sent() # POD BYTES
{
	(($(pod_traffic "$1" | cut -d ' ' -f 4) + $(cut -d ' ' -f 2 <<<"$gap") >= $2)) && sockets_are_quiet "$(netns_of "$1")"
}

test_what_is_in_the_cache()
{
	pod_add web "$(before)"
	assert_fails "$B/podtag" adopt
	assert_contains "not loaded" "$(cat "$T/err")" "podtag load"
	"$B/podtag" load
	# dead: its namespace is gone, or a file is in its place; not one: its chain's loopback
	cache_with gone web '.containerId = "gone" | .netns = "/run/netns/gone"'
	touch /run/netns/plain
	cache_with plain web '.containerId = "plain" | .netns = "/run/netns/plain"'
	cache_with lo web '.networkName = "cni-loopback" | .ifName = "lo"'
	assert_adopted "the dead" "1 0 2 0"
	rm -f "$CACHE"/{gone,plain,lo} /run/netns/plain

	echo '{"kind":"cniCacheV1",' >"$CACHE/half"
	assert_adopted "being written" "0 1 0 0"
	touch -d '1 minute ago' "$CACHE/half"
	cache_with kind web '.kind = "cniCacheV9"'
	cache_with own web ".containerId = \"own\" | .netns = \"/proc/self/ns/net\""
	netns_new empty
	netns_new older
	cache_with noif web '.containerId = "noif" | .netns = "/run/netns/empty" | .ifName = "eth7"'
	cache_with old web ".containerId = \"old\" | .netns = \"/run/netns/older\" | .config = \"$(conflist net 0.2.0 | base64 -w 0)\""
	cache_with netns web '.containerId = "netns" | .netns = "/run/netns/web/\("a" * 5000)"'
	assert_adopted "what is broken" "0 1 0 6"
	assert_equal "reasons" "$(not_adopted reason)" "cache_file,cache_file,config,netns,no_interface,own_netns"
	assert_contains "field" "$(not_adopted text)" 'invalid value for "kind": "cniCacheV9"'
	assert_contains "version" "$(not_adopted text)" 'config is "0.2.0"'
	assert_contains "pods" "$(not_adopted pod)" "web"
	rm -f "$CACHE"/{half,kind,own,noif,old,netns}
	assert_adopted "mended" "0 1 0 0"

	# a path that is another sandbox's by now, as /proc/PID/ns/net can be
	cache_with stale web '.containerId = "stale"'
	touch -d '1 minute ago' "$CACHE/stale"
	assert_adopted "another's path" "0 1 1 0"
	assert_lacks "attachments" "$(map_dump attachments | jq -r '.[].formatted.key.container_id')" stale
	"$B/podtag" unload
	ip netns del empty
	ip netns del older
	rm "$CACHE/stale"
	pod_del web
}

test_no_cache()
{
	mkdir -p "${CACHE%/*}"
	touch "$CACHE" # not the folder that it has to be
	agent_start
	wait_for 5 no_folder
	assert_equal "reasons" "$(metrics | grep -c '^podtag_pods_not_adopted')" 11
	metrics | promtool check metrics || fail "promtool"
	assert_equal "lines about it" "$(grep -c 'level=warn.*cache_dir' "$T/agent.log")" 1
	agent_stop
	rm "$CACHE"
	assert_adopted "no folder yet" "0 0 0 0"
	mkdir "$CACHE"
	assert_adopted "an empty folder" "0 0 0 0"
	agent_start
	sleep 0.5
	assert_equal "not adopted" "$(metrics | awk '/^podtag_pods_not_adopted/ { s += $NF } END { print s }')" 0
	assert_equal "lines about it" "$(grep -c 'level=warn' "$T/agent.log" || true)" 0
}

no_folder() { [[ $(metric podtag_pods_not_adopted 'reason="cache_dir"') == 1 ]]; }

# After a reboot bpffs is empty, or not there, and the cache is full of pods that are gone.
test_reboot()
{
	local i
	pod_add web "$(before)"
	for ((i = 0; i < 50; i++)); do
		cache_with "net-dead$i-eth0" web ".containerId = \"dead$i\" | .netns = \"/run/netns/dead$i\""
	done
	forget web
	while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done # the machine's is under it
	agent_start
	wait_for 30 grep -q "programs are loaded" "$T/agent.log"
	assert_equal "pods" "$(map_entries pods) $(map_entries attachments)" "0 0"
	assert_adopted "the dead" "0 0 50 0"
	assert_equal "warnings" "$(grep -c 'level=\(warn\|error\)' "$T/agent.log" || true)" 0
}

# Each network of a pod is an attachment; none where podtag is in another chain of the pod, or where
# one plugin calls another's chain for the same interface.
test_two_interfaces()
{
	local second gap
	second=$(conflist second 1.0.0 "$(bridge 2)")
	pod_add web "$(before)"
	echo "$second" >"$T/second.conflist"
	"$LIB/cni" add "$T/second.conflist" /run/netns/web "$(container_of web)" net1 --args "$(cni_args shop web)" >/dev/null
	cache_with "multus-$(container_of web)-eth0" web '.networkName = "multus"'
	mkdir -p /var/lib/cni/multus/results
	mv "$CACHE/second-$(container_of web)-net1" /var/lib/cni/multus/results/
	"$B/podtag" load
	assert_adopted "both" "2 0 0 0"
	assert_equal "attachments" "$(map_dump attachments | jq -r '[.[].formatted.key | .network + "/" + .ifname] | sort | join(" ")')" \
		"net/eth0 second/net1"
	assert_equal "pods" "$(map_entries pods) $(pod_json web | jq -r .value.ifname)" "1 eth0"
	same_moment 10 both_interfaces "pod_traffic web"
	gap=$(minus "$A_VALUE" "$B_VALUE")
	in_pod web ping -q -c 3 -i 0.2 10.1.0.1 >/dev/null
	in_pod web ping -q -c 3 -i 0.2 10.2.0.1 >/dev/null
	same_moment 10 both_interfaces "pod_traffic web"
	assert_equal "both interfaces less podtag" "$(minus "$A_VALUE" "$B_VALUE")" "$gap"
	assert_at_least "packets" "${B_VALUE%% *}" 6
	"$B/podtag" unload
	"$B/podtag" load

	cache_with "$(basename "$(cache_file web)")" web ".config = \"$(after | base64 -w 0)\""
	assert_adopted "only podtag's chain" "1 0 0 0"
	"$B/podtag" unload
	mv /var/lib/cni/multus/results/* "$CACHE/"
	"$LIB/cni" del "$T/second.conflist" /run/netns/web "$(container_of web)" net1
	rm -f "$CACHE"/multus-*
	pod_del web
}

both_interfaces()
{
	in_pod web cat /proc/net/dev | awk '/(eth0|net1):/ { a += $3; b += $2; c += $11; d += $10 } END { print a, b, c, d }'
}

# What an ADD could not do is done later by the agent.
test_degraded_add_is_repaired()
{
	pod_add first "$(before)"
	agent_start
	wait_for 10 is_adopted 1
	(
		exec 9</sys/fs/bpf/podtag
		flock 9
		pod_add web "$(after)" 9<&-
	)
	assert_equal "pod after ADD" "$(pod_json web)" ""
	assert_equal "degraded" "$(metric podtag_cni_operations_total 'command="ADD"' 'result="degraded"')" 1
	wait_for 20 is_adopted 2
	assert_equal "info" "$(metric podtag_pod_info 'pod="web"' 'uid="uid-web"')" 1
	assert_equal "attached" "$(metric podtag_pod_attached 'pod="web"')" 1
	traffic_begin web
	in_pod web ping -q -c 3 -i 0.2 10.1.0.1 >/dev/null
	assert_traffic_exact web
	pod_del first
	agent_stop
	agent_start
	wait_for 5 ended first
}

# The lock is busy for long: said, and tried again.
test_lock_is_held()
{
	pod_add web "$(before)"
	"$B/podtag" load
	exec 9</sys/fs/bpf/podtag
	flock 9
	assert_fails "$B/podtag" -j adopt 9<&-
	exec 9<&-
	assert_equal "reason" "$(jq -r '.not_adopted[].reason' <"$T/out")" lock
	assert_adopted "then" "1 0 0 0"
	"$B/podtag" unload
}

run_tests "$@"

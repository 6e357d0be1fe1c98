#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Many at once, and killed at any point: 64 ADDs and DELs, SIGKILL in ADD, SIGKILL of the agent.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

CONF='{"cniVersion":"1.1.0","name":"net","type":"podtag"}'

# A pod without a plugin's help, for speed: eth0 with 10.200.N.2, the host end hostN with 10.200.N.1.
cheap_pod() # N
{
	# no IPv6, whose own packets may come while a DEL is at work
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ONLY_IPV4=1 netns_new "p$1"
	ip link add "host$1" type veth peer name eth0 netns "p$1"
	ip addr add "10.200.$1.1/24" dev "host$1"
	ip link set "host$1" up
	ip -n "p$1" addr add "10.200.$1.2/24" dev eth0
	ip -n "p$1" link set eth0 up
	cheap_conf "$1" >"$T/conf.$1"
}

cheap_conf() # N
{
	printf '{"cniVersion":"1.0.0","name":"net","type":"podtag"%s,"prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/p%d"}],"ips":[{"address":"10.200.%d.2/24","interface":0}]}}' \
		"${MORE-}" "$1" "$1"
}

cheap_pod_gone() # N
{
	ip netns del "p$1"
	ip link del "host$1" 2>/dev/null || true
}

add() # N
{
	PT_ARGS=$(cni_args shop "p$1") plugin ADD "/run/netns/p$1" "$(container_of "p$1")" eth0 "$(cat "$T/conf.$1")" \
		>"$T/out.$1" 2>"$T/err.$1"
}

del() # N
{
	plugin DEL "/run/netns/p$1" "$(container_of "p$1")" eth0 "$CONF" >"$T/out.$1" 2>"$T/err.$1"
}

# All of COUNT pods at once. Sets TOOK_MS.
storm() # COMMAND COUNT
{
	local i pids=() start=${EPOCHREALTIME/./}
	for ((i = 0; i < $2; i++)); do
		"$1" "$i" &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || fail "$1 of pod $i: $(cat "$T/err.$i" "$T/out.$i")"
	done
	TOOK_MS=$(((${EPOCHREALTIME/./} - start) / 1000))
}

gave_up() { map_dump gave_up | jq -c '[.[].formatted.value | select(.count > 0)]'; }

gave_up_count() { map_dump gave_up | jq '[.[].formatted.value.count] | add'; }

# A tcx attach waits for the kernel's grace periods, and 64 of them in a row for longer than a pod
# may be held up; on a slow machine so do 64 clsacts. Who had to give up is counted, started none the
# less, and is mended by the next ADD.
later() # COUNT loaded|""
{
	local i gave without hook=PT_HOOK_CLSACT
	[[ ! ${MORE-} ]] || hook=PT_HOOK_TCX
	gave=$(gave_up_count)
	without=$(($1 - $(map_dump attachments | jq --arg hook "$hook" '[.[].formatted.value | select(.hook == $hook)] | length')))
	say "gave up: $(gave_up)"
	if [[ $2 ]]; then
		assert_equal "pods without a hook" "$without" "$gave"
	else # who gives up before anything is loaded has no counter
		assert_at_least "pods without a hook" "$without" "$gave"
	fi
	for ((i = 0; i < $1; i++)); do
		cp "$T/out.$i" "$T/first.$i"
		add "$i" || fail "ADD of pod $i: $(cat "$T/err.$i")"
		cp "$T/first.$i" "$T/out.$i"
	done
	assert_equal "gave up since" "$(gave_up_count)" "$gave"
}

storm_of() # COUNT
{
	local i loaded some_give_up=${MORE-}
	((SLOW == 1)) || some_give_up=yes
	for ((i = 0; i < $1; i++)); do
		cheap_pod "$i"
	done
	[[ ! -e $PINS ]] || fail "loaded already"
	loaded=$some_give_up
	[[ ! $loaded ]] || "$B/podtag" load >/dev/null # or there is no counter yet for them
	storm add "$1"
	say "$1 ADDs at once took $TOOK_MS ms"
	# nobody gives up but who has waited for the lock for 700 ms, as when the machine itself stood still
	((TOOK_MS < 700)) || some_give_up=yes
	if [[ $some_give_up ]]; then
		later "$1" "$loaded"
	else
		assert_equal "what gave up" "$(gave_up)" "[]"
	fi
	for ((i = 0; i < $1; i++)); do
		jq -e --slurpfile conf "$T/conf.$i" '. == $conf[0].prevResult' "$T/out.$i" >/dev/null ||
			fail "result of pod $i: $(cat "$T/out.$i")"
	done
	assert_equal "pods" "$(map_entries pods)" "$1"
	assert_equal "ids" "$(map_dump pods | jq '[.[].formatted.key] | unique | length')" "$1"
	assert_equal "names" "$(map_dump pods | jq '[.[].formatted.value.name] | unique | length')" "$1"
	assert_equal "namespaces" "$(map_entries pod_by_netns)" "$1"
	assert_equal "all attached" "$(map_dump attachments |
		jq '[.[].formatted.value | select(.hook != "PT_HOOK_NONE" and .reason == "")] | length')" "$1"

	for ((i = 0; i < $1; i += 7)); do
		traffic_begin "p$i"
		echo x >"/dev/udp/10.200.$i.2/9"
		in_pod "p$i" bash -c "echo x >/dev/udp/10.200.$i.1/9"
	done
	for ((i = 0; i < $1; i += 7)); do
		assert_traffic_exact "p$i"
	done

	storm del "$1"
	say "$1 DELs at once took $TOOK_MS ms"
	((TOOK_MS < 200)) || some_give_up=yes # as much as a DEL waits
	if [[ $some_give_up ]]; then
		# detaching waits as attaching does; what the time was too short for, any later call does
		plugin GC "" "" "" "$(jq -c '. + {"cni.dev/valid-attachments": []}' <<<"$CONF")"
		assert_equal "pins" "$(pins)" ""
	fi
	assert_equal "attachments" "$(map_entries attachments)" 0
	assert_equal "deleted" "$(map_dump pods | jq '[.[].formatted.value | select(.deleted_ns > 0)] | length')" "$1"
	[[ $some_give_up ]] || assert_equal "operations" "$(map_dump cni_operations |
		jq -c '[.[].formatted.value | select(.success + .degraded + .error > 0) | [.command, .success, .degraded, .error]]')" \
		"[[\"ADD\",$1,0,0],[\"DEL\",$1,0,0]]"
	for ((i = 0; i < $1; i++)); do
		cheap_pod_gone "$i"
	done
}

test_64_at_once() { storm_of 64; }

test_64_at_once_tcx()
{
	needs_tcx
	MORE=',"markMask":"0xffff0000"' storm_of 64
}

# After the kills: GC removes all of it, and the next ADD is like the first.
killed_at_random() # COUNT MAX-MS
{
	local i killed
	cheap_pod 0
	cheap_pod 1
	[[ ${UNLOADED-} ]] || "$B/podtag" load >/dev/null
	for ((i = 0; i < $1; i++)); do
		[[ ! ${UNLOADED-} ]] || "$B/podtag" unload >/dev/null
		killed=$(CNI_COMMAND=ADD CNI_NETNS=/run/netns/p0 CNI_CONTAINERID=c0ffee-p0 CNI_IFNAME=eth0 CNI_PATH=/ \
			CNI_ARGS=$(cni_args shop p0) "$LIB/kill_adds" "${EACH-1}" "$2" "$T/conf.0" "$B/podtag")
		((TOTAL += killed)) || true
		[[ ! ${UNLOADED-} || $((i % 5)) == 0 ]] || continue
		mended
	done
	mended
	say "$TOTAL killed"
}

mended()
{
	# another pod is not held up by the dead one's lock, and has its own id
	add 1 || fail "ADD of another pod: $(cat "$T/out.1" "$T/err.1")"
	gc
	assert_equal "attachments" "$(map_entries attachments)" 1
	assert_equal "namespaces" "$(map_entries pod_by_netns)" 1
	assert_equal "addresses" "$(map_dump pod_by_ip | jq -r '.[].formatted.value.text')" 10.200.1.2
	[[ ! ${MORE-} ]] || assert_equal "pins" "$(pins | wc -l)" 2
	add 0 || fail "ADD: $(cat "$T/out.0" "$T/err.0")"
	assert_equal "living pods" "$(map_dump pods |
		jq -c '[.[].formatted.value | select(.deleted_ns == 0).name] | sort')" '["p0","p1"]'
	[[ $(pod_id p0) != "$(pod_id p1)" ]] || fail "one id for two"
	assert_equal "identity" "$(map_dump pod_by_netns |
		jq --argjson n "$(stat -L -c %i /run/netns/p0)" '.[].formatted | select(.key == $n).value.pod_id')" "$(pod_id p0)"
	traffic_begin p0
	echo x >/dev/udp/10.200.0.2/9
	in_pod p0 bash -c "echo x >/dev/udp/10.200.0.1/9"
	assert_traffic_exact p0
	del 0
	del 1
	assert_equal "attachments" "$(map_entries attachments)" 0
	assert_equal "pins" "$(pins)" ""
	assert_equal "directories" "$(cd /sys/fs/bpf/podtag && ls -d -- *)" "${PINS##*/}"
	assert_equal "what gave up" "$(gave_up)" "[]"
}

gc()
{
	plugin GC "" "" "" '{"cniVersion":"1.1.0","name":"net","type":"podtag","cni.dev/valid-attachments":[{"containerID":"c0ffee-p1","ifname":"eth0"}]}' \
		>/dev/null
}

cleanup() { cheap_pod_gone 0 && cheap_pod_gone 1; }

test_add_killed_clsact()
{
	TOTAL=0
	EACH=10 killed_at_random 20 3
	assert_equal "killed" "$TOTAL" 200
	cleanup
}

test_add_killed_tcx()
{
	needs_tcx
	TOTAL=0
	MORE=',"markMask":"0xff000000"'
	EACH=5 killed_at_random 10 30
	assert_equal "killed" "$TOTAL" 50
	cleanup
}

# The very first ADD loads the programs, which takes longest.
test_first_load_killed()
{
	TOTAL=0
	UNLOADED=1 killed_at_random 40 40
	assert_equal "killed" "$TOTAL" 40
	cleanup
}

test_del_killed()
{
	local i killed total=0
	cheap_pod 0
	echo "$CONF" >"$T/del"
	for ((i = 0; i < 30; i++)); do
		add 0
		killed=$(CNI_COMMAND=DEL CNI_NETNS=/run/netns/p0 CNI_CONTAINERID=c0ffee-p0 CNI_IFNAME=eth0 CNI_PATH=/ \
			"$LIB/kill_adds" 1 2 "$T/del" "$B/podtag")
		((total += killed)) || true
		del 0
		assert_equal "attachments" "$(map_entries attachments)" 0
		assert_equal "namespaces" "$(map_entries pod_by_netns)" 0
	done
	assert_equal "killed" "$total" 30
	cheap_pod_gone 0
}

# Nobody needs the agent for a count.
test_agent_killed_under_traffic()
{
	local list i before
	list=$(conflist net 1.0.0 "$(ptp 1)" "$(podtag)")
	pod_add server "$list"
	pod_add client "$list"
	serve server 80
	agent_start
	traffic_begin server
	traffic_begin client
	lose client 2
	in_pod client "$TOOLS/load" run -j 4 -c 1000000 -t 6 -u 200000 -d 200000 "$(pod_address server)" 80 >"$T/load" &
	PIDS+=($!)
	for i in 1 2 3 4 5; do
		before=$(pod_traffic client)
		wait_for 10 differs "$before"
		agent_stop KILL
		assert_equal "agent's exit" "$AGENT_STATUS" 137
		agent_start
	done
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	assert_traffic_exact server
	assert_traffic_exact client
	assert_traffic_scraped client
	wait_for 30 sockets_are_quiet client
	same_moment 10 "kernel_retransmits client" "pod_retransmits client"
	assert_told "sum of retransmits" "${B_VALUE%% *}" "${A_VALUE%% *}"
	assert_at_least "retransmits" "${A_VALUE%% *}" 100
	lose_nothing
}

differs() { [[ $(pod_traffic client) != "$1" ]]; }

run_tests "$@"

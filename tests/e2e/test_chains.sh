#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag in chains with Debian's own plugins: pods work, results pass unchanged, counts are the kernel's.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

PORTS='{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}'
BANDWIDTH='{"type":"bandwidth","ingressRate":2000000000,"ingressBurst":80000000,"egressRate":2000000000,"egressBurst":80000000}'

other() # NAME: its entry in the conflist
{
	case $1 in
	bandwidth) echo "$BANDWIDTH" ;;
	portmap) echo '{"type":"portmap","capabilities":{"portMappings":true}}' ;;
	tuning) echo '{"type":"tuning","sysctl":{"net.ipv4.conf.eth0.arp_filter":"1"}}' ;;
	*) echo "{\"type\":\"$1\"}" ;;
	esac
}

# Of all calls of podtag so far: ADD printed the very prevResult that it was given, DEL printed nothing.
assert_results_unchanged() # COUNT
{
	local bad
	bad=$(jq -c 'select(.type == "podtag" and .command == "ADD")
		| select(.exit != 0 or (.stdout | fromjson) != .stdin.prevResult)' "$T/trace")
	assert_equal "ADDs that changed the result" "$bad" ""
	assert_equal "ADDs" "$(jq -c 'select(.type == "podtag" and .command == "ADD")' "$T/trace" | wc -l)" "$1"
	bad=$(jq -c 'select(.type == "podtag" and .command != "ADD") | select(.exit != 0 or .stdout != "")' "$T/trace")
	assert_equal "other calls that failed or said something" "$bad" ""
}

hook_of() { "$TOOLS/counts" hooks "$1"; } # POD

# Traffic both ways, by both families, opened from either side.
use() # POD
{
	local v
	for v in 4 6; do
		serve "$1" $((80 + v)) "$v"
		load "" -c 4 -j 2 -u 200000 -d 200000 "$(pod_address "$1" "$v")" $((80 + v))
	done
	serve "" 90
	load "$1" -c 4 -j 2 -u 200000 -d 200000 "$(jq -r '.ips[0].gateway' "$T/$1.result")" 90
	kill "${PIDS[@]}"
	wait "${PIDS[@]}" 2>/dev/null || true
	PIDS=()
}

# One chain: ADD, CHECK, traffic, DEL.
try() # MODE CONFLIST
{
	local hook="PT_HOOK_CLSACT "
	[[ $1 == tcx ]] && hook=$(tcx_hook)
	say "$1: $(jq -r '[.plugins[].type] | join(", ")' <<<"$2")"
	pod_add pod "$2" --runtime-config "$PORTS"
	((++TRIED))
	assert_equal hook "$(hook_of pod)" "$hook"
	traffic_begin pod
	use pod
	assert_traffic_exact pod
	# portmap 1.1.1 looks for its IPv4 rules among the IPv6 ones
	[[ $2 == *portmap* ]] ||
		"$LIB/cni" check "$T/pod.conflist" /run/netns/pod "$(container_of pod)" eth0 --runtime-config "$PORTS"
	pod_del pod --runtime-config "$PORTS"
	assert_nothing_left
}

orders() # BASE MODE
{
	local base name
	base=$($1 1)
	export CNI_TRACE=$T/trace
	TRIED=0
	try "$2" "$(conflist net 1.0.0 "$base" "$(podtag "$2")")"
	for name in bandwidth portmap tuning firewall; do
		try "$2" "$(conflist net 1.0.0 "$base" "$(podtag "$2")" "$(other $name)")"
		try "$2" "$(conflist net 1.0.0 "$base" "$(other $name)" "$(podtag "$2")")"
	done
	try "$2" "$(conflist net 1.0.0 "$base" "$(other tuning)" "$(other bandwidth)" "$(other portmap)" \
		"$(other firewall)" "$(podtag "$2")")"
	assert_results_unchanged "$TRIED"
}

test_bridge_clsact() { orders bridge clsact; }

test_bridge_tcx() { orders bridge tcx; }

test_ptp_clsact() { orders ptp clsact; }

test_ptp_tcx() { orders ptp tcx; }

# A pod's end that is taken: the host end is used, without a mark. Where there is no tcx, nothing
# is: the pod works, its traffic is not counted, and the reason is on record.
test_foreign_ingress_qdisc()
{
	local list
	list=$(conflist net 1.0.0 "$(bridge 1)")
	pod_add pod "$list"
	in_pod pod tc qdisc add dev eth0 ingress
	PT_ARGS=$(cni_args shop pod) plugin ADD /run/netns/pod "$(container_of pod)" eth0 \
		"$(jq -c '{cniVersion, name: "net", type: "podtag", prevResult: .}' "$T/pod.result")" >"$T/out"
	assert_json_equal result "$(cat "$T/out")" "$(cat "$T/pod.result")"
	if ! has_tcx; then
		assert_equal hook "$(hook_of pod)" "PT_HOOK_NONE tc_attach"
		use pod
		assert_equal "traffic" "$(pod_traffic pod)" "0 0 0 0"
		skip "no tcx in this kernel, so no second place to count at"
	fi
	assert_equal hook "$(hook_of pod)" "PT_HOOK_TCX "
	assert_equal pins "$(pins | wc -l)" 2
	traffic_begin pod
	use pod
	assert_traffic_exact pod
	assert_equal "qdiscs in the pod" "$(in_pod pod tc -j qdisc show dev eth0 | jq -r '[.[].kind] | sort | join(" ")')" \
		"ingress noqueue"
	plugin DEL /run/netns/pod "$(container_of pod)" eth0 '{"cniVersion":"1.0.0","name":"net","type":"podtag"}'
	assert_equal pins "$(pins)" ""
}

# A shaper that drops sits behind tcx and before the pod: tcx counts what came to the host end, so it
# counts more than the pod receives, by what the shaper dropped and nothing else. The pod's own end
# is behind the shaper.
shaper_that_drops() # MODE
{
	local list dev drops link pod rx
	list=$(conflist net 1.0.0 "$(ONLY_IPV4=1 bridge 1)" \
		'{"type":"bandwidth","ingressRate":800000,"ingressBurst":80000}' "$(podtag "$1")")
	ONLY_IPV4=1 pod_add pod "$list"
	dev=$(host_link pod)
	load_udp 1
	same_moment 10 "link_traffic pod eth0" "pod_traffic pod"
	link=$A_VALUE
	pod=$B_VALUE
	dropped "$dev" >"$T/drops"
	load_udp 300
	wait_for 20 shaper_is_empty "$dev"
	drops=$(($(dropped "$dev") - $(cat "$T/drops")))
	assert_at_least "packets dropped by the shaper" "$drops" 50
	same_moment 10 "link_traffic pod eth0" "pod_traffic pod"
	link=$(minus "$A_VALUE" "$link")
	pod=$(minus "$B_VALUE" "$pod")
	rx=$drops
	[[ $(hook_of pod) == *TCX* ]] || rx=0
	# 1000 bytes of data, 8 of UDP, 20 of IPv4, 14 of Ethernet
	assert_equal "podtag's count less the interface's" "$(minus "$pod" "$link")" "$rx $((rx * 1042)) 0 0"
}

dropped() # INTERFACE
{
	tc -s -j qdisc show dev "$1" | jq '[.[] | select(.kind == "tbf").drops] | add'
}

shaper_is_empty() # INTERFACE
{
	[[ $(tc -s -j qdisc show dev "$1" | jq '[.[] | select(.kind == "tbf").backlog] | add') == 0 ]]
}

# UDP datagrams of 1000 bytes to the pod, which has no use for them.
load_udp() # COUNT
{
	/usr/bin/python3 - "$(pod_address pod)" "$1" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for _ in range(int(sys.argv[2])):
		    s.sendto(bytes(1000), (sys.argv[1], 9))
	PY
}

test_shaper_that_drops_clsact() { shaper_that_drops clsact; }

test_shaper_that_drops_tcx() { shaper_that_drops tcx; }

# No host end: the pod is known and counted, and the reason is on record.
test_macvlan()
{
	ip link add ext0 type veth peer name ext1
	ip addr add 10.1.0.1/24 dev ext1
	ip link set ext0 up
	ip link set ext1 up
	export CNI_TRACE=$T/trace
	pod_add pod "$(conflist net 1.0.0 "{\"type\":\"macvlan\",\"master\":\"ext0\",\"ipam\":$(ipam 1)}" "$(podtag)")"
	assert_results_unchanged 1
	assert_equal "host end" "$(pod_json pod | jq -r '.value.node_interface, .value.ifindex' | tr '\n' ' ')" " 0 "
	assert_equal netns "$(pod_json pod | jq .value.netns)" "$(stat -L -c %i /run/netns/pod)"
	say "$(hook_of pod)"
	[[ $(hook_of pod) =~ ^PT_HOOK_[A-Z]+\ .+ ]] || fail "no reason recorded: $(hook_of pod)"
	traffic_begin pod
	serve pod 80
	load "" -c 4 -u 100000 -d 100000 "$(pod_address pod)" 80
	assert_traffic_exact pod
	pod_del pod
	ip link del ext0
}

test_cni_versions()
{
	local version
	export CNI_TRACE=$T/trace
	for version in 0.3.0 0.3.1 0.4.0 1.0.0; do
		pod_add pod "$(conflist net "$version" "$(bridge 1)" "$(other tuning)" "$(podtag)")"
		assert_equal "version of the result" "$(jq -r .cniVersion "$T/pod.result")" "$version"
		assert_equal "addresses" "$(pod_json pod | jq -r '.value | .ipv4, .ipv6' | tr '\n' ' ')" \
			"$(pod_address pod 4) $(pod_address pod 6) "
		pod_del pod
	done
	assert_results_unchanged 4
}

# No plugin of Debian's speaks 1.1.0 yet: a result as its bridge would print it.
test_cni_version_1_1_0()
{
	local prev out
	pod_add pod "$(conflist net 1.0.0 "$(bridge 1)")"
	prev=$(jq -c '.cniVersion = "1.1.0"
		| .interfaces |= map(. + {mtu: 1500, socketPath: "", pciID: ""})
		| .routes |= map(. + {mtu: 1400, advmss: 1360, priority: 18446744073709551615, table: 254, scope: 0})
		| .unknown = {"": [1.50, 1e300, null, "\u0000"]}' "$T/pod.result")
	out=$(PT_ARGS=$(cni_args shop pod) plugin ADD /run/netns/pod "$(container_of pod)" eth0 \
		"{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"podtag\",\"prevResult\":$prev}")
	assert_json_equal result "$out" "$prev"
	assert_equal hook "$(hook_of pod)" "PT_HOOK_CLSACT "
	"$B/podtag" status >/dev/null
	plugin DEL "" "$(container_of pod)" eth0 '{"cniVersion":"1.1.0","name":"net","type":"podtag"}'
}

# A pod with two interfaces is one pod, and its traffic that of both.
test_second_interface()
{
	local list two
	list=$(conflist net 1.0.0 "$(bridge 1)" "$(podtag)")
	two=$(conflist two 1.0.0 "$(ptp 2 | sed 's/,"routes":\[[^]]*\]//')" "$(podtag)")
	pod_add pod "$list"
	echo "$two" >"$T/two.conflist"
	"$LIB/cni" add "$T/two.conflist" /run/netns/pod "$(container_of pod)" net1 --args "$(cni_args shop pod)" >"$T/two.result"
	assert_equal "pods" "$(map_entries pods)" 1
	assert_equal "attachments" "$(map_entries attachments)" 2
	same_moment 10 both "pod_traffic pod"
	local link=$A_VALUE pod=$B_VALUE
	serve pod 80
	load "" -c 4 -u 100000 -d 100000 "$(pod_address pod)" 80
	load "" -c 4 -u 100000 -d 100000 "$(jq -r '.ips[0].address | sub("/.*"; "")' "$T/two.result")" 80
	same_moment 10 both "pod_traffic pod"
	assert_equal "traffic of both" "$(minus "$B_VALUE" "$pod")" "$(minus "$A_VALUE" "$link")"
	"$LIB/cni" del "$T/two.conflist" /run/netns/pod "$(container_of pod)" net1 --args "$(cni_args shop pod)"
	assert_equal "still there" "$(pod_json pod | jq .value.deleted_ns)" 0
	traffic_begin pod
	load "" -c 4 -u 100000 -d 100000 "$(pod_address pod)" 80
	assert_traffic_exact pod
}

both()
{
	local a b
	read -ra a < <(link_traffic pod eth0)
	read -ra b < <(link_traffic pod net1)
	echo "$((a[0] + b[0])) $((a[1] + b[1])) $((a[2] + b[2])) $((a[3] + b[3]))"
}

run_tests "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Each verb of CNI on a real datapath: repeated, out of order, without its input, and in odd places.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

CONF='{"cniVersion":"1.1.0","name":"net","type":"podtag"}'

# A pod with a network but without podtag; its result is in $T/POD.result.
bare_pod() # POD
{
	pod_add "$1" "$(conflist base 1.0.0 "$(bridge 1)")"
}

conf_of() # POD [MORE as a JSON object]
{
	jq -c --argjson more "${2-"{}"}" \
		'{cniVersion: "1.0.0", name: "net", type: "podtag", prevResult: .} + $more' "$T/$1.result"
}

add() # POD [MORE]
{
	PT_ARGS=$(cni_args shop "$1") plugin ADD "/run/netns/$1" "$(container_of "$1")" eth0 "$(conf_of "$@")" \
		>"$T/add.out"
	assert_json_equal "result of ADD" "$(cat "$T/add.out")" "$(cat "$T/$1.result")"
}

# Silent success.
quiet() # COMMAND NETNS CONTAINER IFNAME [CONF]
{
	local out
	out=$(plugin "$1" "$2" "$3" "$4" "${5-$CONF}") || fail "$1 failed: $out"
	assert_equal "stdout of $1" "$out" ""
}

deleted_ns() { pod_json "$1" | jq .value.deleted_ns; }

test_del_twice()
{
	local first
	bare_pod pod
	add pod
	quiet DEL /run/netns/pod c0ffee-pod eth0
	first=$(deleted_ns pod)
	((first)) || fail "not marked as deleted"
	quiet DEL /run/netns/pod c0ffee-pod eth0
	quiet DEL "" c0ffee-pod eth0
	assert_equal "when it was deleted" "$(deleted_ns pod)" "$first"
	assert_equal "pods" "$(map_entries pods)" 1
}

test_del_without_add()
{
	quiet DEL /run/netns/never nobody eth0
	[[ ! -e $PINS ]] || fail "DEL loaded the datapath"
	bare_pod pod
	add pod
	quiet DEL /run/netns/never nobody eth0
	quiet DEL /run/netns/pod c0ffee-pod eth7
	assert_equal "pod's deletion" "$(deleted_ns pod)" 0
	quiet DEL "" c0ffee-pod eth0
}

test_del_without_netns()
{
	bare_pod pod
	add pod '{"markMask":"0xff000000"}'
	assert_equal pins "$(pins | wc -l)" "$(tcx_pins)"
	ip netns exec pod ip link del eth0
	ip netns del pod
	rm "$T/pod.pod"
	quiet DEL "" c0ffee-pod eth0
	assert_equal pins "$(pins)" ""
	[[ $(deleted_ns pod) != 0 ]] || fail "not marked as deleted"
}

repeated_add() # MORE
{
	local id before
	bare_pod pod
	add pod "$1"
	id=$(pod_id pod)
	serve pod 80
	traffic_begin pod
	load "" -c 3 -u 50000 -d 50000 "$(pod_address pod)" 80
	before=$(pod_traffic pod)
	add pod "$1"
	add pod "$1"
	assert_equal "pod id" "$(pod_id pod)" "$id"
	assert_equal "pods" "$(map_entries pods)" 1
	load "" -c 3 -u 50000 -d 50000 "$(pod_address pod)" 80
	assert_traffic_exact pod
	[[ $(pod_traffic pod) != "$before" ]] || fail "not counted any more"
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

test_add_twice_clsact() { repeated_add '{}'; }

test_add_twice_tcx() { repeated_add '{"markMask":"0xff000000"}'; }

# A new pod in the place of one that was deleted is another pod.
test_add_after_del()
{
	local id
	bare_pod pod
	add pod
	id=$(pod_id pod)
	quiet DEL /run/netns/pod c0ffee-pod eth0
	add pod
	[[ $(pod_id pod) != "$id" ]] || fail "id $id used again"
	traffic_begin pod
	serve pod 80
	load "" "$(pod_address pod)" 80
	assert_traffic_exact pod
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

test_check()
{
	local closed='{"failurePolicy":"closed"}'
	bare_pod pod
	add pod
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)"
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	in_pod pod tc filter del dev eth0 ingress
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)"
	assert_fails plugin CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	assert_at_least "code of CHECK" "$(jq .code "$T/out")" 100
	add pod
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	quiet DEL /run/netns/pod c0ffee-pod eth0
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)"
	assert_fails plugin CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	assert_at_least "code of CHECK" "$(jq .code "$T/out")" 100
}

test_check_tcx()
{
	local closed='{"failurePolicy":"closed","markMask":"0xff000000"}'
	bare_pod pod
	if ! has_tcx; then
		assert_fails plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
		assert_contains "what is said" "$(jq -r .msg "$T/out")" "markMask needs tcx"
		skip "no tcx in this kernel"
	fi
	add pod "$closed"
	quiet CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	rm "$PINS"/links/if*_in
	assert_fails plugin CHECK /run/netns/pod c0ffee-pod eth0 "$(conf_of pod "$closed")"
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

# Network B's garbage collection has no business with network A.
test_gc_by_network()
{
	local list
	list=$(conflist aaa 1.0.0 "$(bridge 1)" "$(podtag tcx)")
	pod_add one "$list"
	pod_add two "$list"
	pod_add three "$(conflist bbb 1.0.0 "$(ptp 2)" "$(podtag)")"

	gc bbb '[]'
	assert_equal "deleted" "$(deleted_ns one) $(deleted_ns two)" "0 0"
	[[ $(deleted_ns three) != 0 ]] || fail "GC of bbb left its pod"
	gc aaa '[{"containerID":"c0ffee-one","ifname":"eth0"}]'
	assert_equal "deleted" "$(deleted_ns one)" 0
	[[ $(deleted_ns two) != 0 ]] || fail "GC of aaa left a pod that is not valid"
	assert_equal pins "$(pins | wc -l)" "$(tcx_pins)"
	# a list that is not there says nothing
	quiet GC "" "" "" '{"cniVersion":"1.1.0","name":"aaa","type":"podtag"}'
	assert_equal "deleted" "$(deleted_ns one)" 0
	gc aaa '[{"containerID":"c0ffee-one","ifname":"net1"}]'
	[[ $(deleted_ns one) != 0 ]] || fail "GC took another interface for it"
	assert_equal pins "$(pins)" ""
}

gc() # NETWORK VALID
{
	quiet GC "" "" "" "$(jq -cn --arg name "$1" --argjson valid "$2" '{cniVersion: "1.1.0", name: $name,
		type: "podtag", "cni.dev/valid-attachments": $valid, "cni.dev/attachments": $valid}')"
}

test_gc_through_the_runtime()
{
	# host-local's plugins know no 1.1.0, so podtag is alone in the list, behind a made-up result
	pod_add pod "$(conflist base 1.0.0 "$(bridge 1)")"
	conflist gcnet 1.1.0 "$(podtag)" >"$T/gc.conflist"
	"$LIB/cni" add "$T/gc.conflist" /run/netns/pod c0ffee-pod eth0 --args "$(cni_args shop pod)" \
		--prev "$(jq -c '.cniVersion = "1.1.0"' "$T/pod.result")" >/dev/null
	"$LIB/cni" status "$T/gc.conflist"
	"$LIB/cni" gc "$T/gc.conflist" c0ffee-pod/eth0
	assert_equal "deleted" "$(deleted_ns pod)" 0
	"$LIB/cni" gc "$T/gc.conflist"
	[[ $(deleted_ns pod) != 0 ]] || fail "GC left it"
}

test_status_and_version()
{
	local out
	quiet STATUS "" "" ""
	out=$(env -i CNI_COMMAND=VERSION CNI_NETNS=dummy CNI_IFNAME=dummy CNI_PATH=dummy CNI_CONTAINERID= \
		"$B/podtag" <<<'{"cniVersion":"1.0.0"}')
	assert_json_equal versions "$(jq .supportedVersions <<<"$out")" '["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]'
	out=$(env -i CNI_COMMAND=VERSION "$B/podtag" </dev/null)
	assert_equal "cniVersion" "$(jq -r .cniVersion <<<"$out")" 1.1.0
	[[ ! -e $PINS ]] || fail "STATUS or VERSION loaded the datapath"
}

# The pod's start depends on no reader.
test_closed_stdout()
{
	local rc=0
	bare_pod pod
	plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)" >&- 2>"$T/err" || rc=$?
	say "ADD with closed stdout exits with $rc: $(cat "$T/err")"
	((rc < 128)) || fail "killed by a signal: $rc"
	rc=0
	{ PT_ARGS=$(cni_args shop pod) plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)" || echo $? >"$T/rc"; } |
		true || rc=$?
	[[ ! -e $T/rc || $(cat "$T/rc") -lt 128 ]] || fail "killed by a signal: $(cat "$T/rc")"
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

# One static binary and nothing else: no /proc, no /sys, no library.
test_empty_root()
{
	local out
	bare_pod pod
	mkdir -p "$T/root/run/netns"
	cp "$B/podtag" "$T/root/podtag"
	: >"$T/root/run/netns/pod"
	out=$(env -i CNI_COMMAND=ADD CNI_NETNS=/run/netns/pod CNI_CONTAINERID=c0ffee-pod CNI_IFNAME=eth0 CNI_PATH=/ \
		/usr/sbin/chroot "$T/root" /podtag 2>"$T/err" <<<"$(conf_of pod)") || fail "exit $?: $(cat "$T/err")"
	assert_json_equal result "$out" "$(cat "$T/pod.result")"
	# the same with the namespace really there
	mount --bind /run/netns/pod "$T/root/run/netns/pod"
	out=$(env -i CNI_COMMAND=ADD CNI_NETNS=/run/netns/pod CNI_CONTAINERID=c0ffee-pod CNI_IFNAME=eth0 CNI_PATH=/ \
		/usr/sbin/chroot "$T/root" /podtag 2>"$T/err" <<<"$(conf_of pod)") || fail "exit $?: $(cat "$T/err")"
	umount "$T/root/run/netns/pod"
	assert_json_equal result "$out" "$(cat "$T/pod.result")"
	env -i CNI_COMMAND=DEL CNI_CONTAINERID=c0ffee-pod CNI_IFNAME=eth0 CNI_PATH=/ \
		/usr/sbin/chroot "$T/root" /podtag <<<"$CONF" || fail "DEL: exit $?"
	find "$T/root" -mindepth 1 ! -path "$T/root/podtag" ! -path "$T/root/run*" >"$T/found"
	say "left in the root: $(tr '\n' ' ' <"$T/found")"
}

test_missing_bpffs()
{
	bare_pod pod
	umount /sys/fs/bpf
	while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
	add pod
	mountpoint -q /sys/fs/bpf || fail "bpffs was not mounted"
	traffic_begin pod
	serve pod 80
	load "" "$(pod_address pod)" 80
	assert_traffic_exact pod
	quiet DEL /run/netns/pod c0ffee-pod eth0
	umount /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
}

# Without CAP_PERFMON the kernel refuses what it refuses where it is locked down for confidentiality.
test_check_without_reading()
{
	assert_contains "check" "$("$B/podtag" check)" "reading kernel memory          ok"
	assert_fails setpriv --bounding-set -perfmon,-sys_admin --inh-caps -perfmon,-sys_admin "$B/podtag" check
	assert_contains "check" "$(cat "$T/out")" "bpf()                          ok"
	assert_contains "check" "$(cat "$T/out")" "reading kernel memory          missing: tracing programs cannot be loaded"
	assert_contains "check" "$(cat "$T/out")" "podtag does not work here"
}

# Below the floor pods start as if podtag were not there, and who asks is told why.
test_without_btf()
{
	mount -t tmpfs tmpfs /sys/kernel/btf
	assert_fails "$B/podtag" check
	assert_contains "check" "$(cat "$T/out")" "BTF                            missing"
	assert_contains "check" "$(cat "$T/out")" "podtag does not work here"
	assert_fails "$B/podtag" load
	assert_contains "load" "$(cat "$T/err")" "no BTF"
	bare_pod pod
	assert_json_equal "result" "$(plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)" 2>"$T/err")" \
		"$(conf_of pod | jq .prevResult)"
	assert_contains "the log of ADD" "$(cat "$T/err")" "no BTF"
	assert_equal "qdiscs in the pod" "$(in_pod pod tc qdisc show dev eth0 | cut -d ' ' -f 2)" noqueue
	serve pod 80
	load "" -c 4 -u 100000 -d 100000 "$(pod_address pod)" 80
	assert_fails plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod '{"failurePolicy":"closed"}')"
	assert_equal "code with policy closed" "$(jq .code "$T/out")" 100
	"$B/podtag-agent" >"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	wait_for 10 curl -fsS -o /dev/null "$AGENT/healthz"
	wait_for 10 grep -q "no BTF" "$T/agent.log"
	assert_contains "readyz" "$(curl -sS -w ' %{http_code}' "$AGENT/readyz")" "no BTF"
	assert_equal "datapath loaded" "$(metric podtag_datapath_loaded)" 0
}

# HTTP needs the root of cgroup2, all else does not.
test_without_cgroup2()
{
	mount -t tmpfs tmpfs /sys/fs/cgroup
	"$B/podtag" load >"$T/out" 2>"$T/err" || fail "load: $(cat "$T/err")"
	assert_contains "load" "$(cat "$T/err")" "no HTTP metrics on this node: no cgroup2 on /sys/fs/cgroup"
	assert_contains "status" "$("$B/podtag" status)" "http         no"
	bare_pod pod
	plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)" >"$T/out" || fail "ADD: $(cat "$T/out")"
	assert_equal "attachments" "$(map_entries attachments)" 1
	assert_contains "status" "$("$B/podtag" status)" "
  http                            1
"
	umount /sys/fs/cgroup
	"$B/podtag" load 2>"$T/err" || fail "load: $(cat "$T/err")"
	assert_contains "status" "$("$B/podtag" status)" "http         yes"
	assert_equal "links" "$(http_links)" "podtag_http_in podtag_http_out"
	plugin DEL /run/netns/pod c0ffee-pod eth0 "$(conf_of pod)"
}

http_links() { (cd "$PINS/links" && echo *http*); }

# Both directions are counted or none.
test_one_direction_of_http()
{
	mount -t tmpfs tmpfs /sys/fs/cgroup
	"$B/podtag" load 2>"$T/err" || fail "load: $(cat "$T/err")"
	umount /sys/fs/cgroup
	mkdir "$PINS/links/podtag_http_out" # its place is taken
	"$B/podtag" load 2>"$T/err" || fail "load: $(cat "$T/err")"
	assert_contains "load" "$(cat "$T/err")" "no HTTP metrics on this node"
	assert_equal "links" "$(http_links)" podtag_http_out
	rmdir "$PINS/links/podtag_http_out"
	"$B/podtag" load 2>"$T/err" || fail "load: $(cat "$T/err")"
	assert_equal "links" "$(http_links)" "podtag_http_in podtag_http_out"
}

# What somebody else has put where another layout's pins were.
test_unload_says_what_stays()
{
	"$B/podtag" load
	mkdir -p /sys/fs/bpf/podtag/v1/maps/mine
	assert_fails "$B/podtag" unload
	assert_contains "error" "$(cat "$T/err")" "cannot be unloaded: Directory not empty"
	assert_equal "left" "$(ls /sys/fs/bpf/podtag)" v1
	rmdir /sys/fs/bpf/podtag/v1/maps/mine
	"$B/podtag" unload
	assert_equal "left" "$(ls /sys/fs/bpf/podtag)" ""
}

# A container that was given the node's folder, on which nothing is mounted.
test_lent_bpffs()
{
	while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
	mount --bind /sys/fs/bpf /sys/fs/bpf
	assert_fails "$B/podtag" load
	assert_contains "what is said" "$(cat "$T/err")" "No such device"
	"$B/podtag-agent" 2>"$T/agent.err" &
	PIDS+=($!)
	wait_for 10 grep -q "the node has no bpffs mounted on /sys/fs/bpf" "$T/agent.err"
	assert_equal "filesystem" "$(stat -f -c %T /sys/fs/bpf)" sysfs
	umount /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
}

test_unwritable_bpffs()
{
	bare_pod pod
	mount -o remount,ro /sys/fs/bpf
	add pod
	assert_fails plugin ADD /run/netns/pod c0ffee-pod eth0 "$(conf_of pod '{"failurePolicy":"closed"}')"
	# 11 is "try again later"
	[[ $(jq .code "$T/out") =~ ^(11|1[0-9][0-9])$ ]] || fail "code of ADD: $(cat "$T/out")"
	assert_contains "what is said" "$(jq -r .msg "$T/out")" " "
	quiet DEL /run/netns/pod c0ffee-pod eth0
	mount -o remount,rw /sys/fs/bpf
	add pod '{"failurePolicy":"closed"}'
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

# Closed: an error with a code, and nothing remains of the attempt.
test_failure_policy_closed()
{
	bare_pod pod
	"$B/podtag" load >/dev/null # or there is no place to count in
	assert_fails plugin ADD /run/netns/nowhere c0ffee-pod eth0 "$(conf_of pod '{"failurePolicy":"closed"}')"
	assert_at_least "code of ADD" "$(jq .code "$T/out")" 100
	assert_fails plugin ADD /run/netns/pod c0ffee-pod eth9 "$(conf_of pod '{"failurePolicy":"closed"}')"
	assert_at_least "code of ADD" "$(jq .code "$T/out")" 100
	assert_equal "attachments" "$(map_entries attachments)" 0
	# open: the same two, and the pod starts
	plugin ADD /run/netns/nowhere c0ffee-pod eth0 "$(conf_of pod)" >"$T/out"
	assert_json_equal result "$(cat "$T/out")" "$(cat "$T/pod.result")"
	plugin ADD /run/netns/pod c0ffee-pod eth9 "$(conf_of pod)" >"$T/out"
	assert_json_equal result "$(cat "$T/out")" "$(cat "$T/pod.result")"
	assert_equal "gave up" "$("$B/podtag" -j status | jq -c '[.. | objects | select(has("netns")) | .netns][0]')" 2
	quiet DEL /run/netns/pod c0ffee-pod eth9
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

# How many programs of podtag's a pod's interface runs.
filters() # POD
{
	local direction
	for direction in ingress egress; do
		in_pod "$1" tc -j filter show dev eth0 "$direction" | jq -c '.[] | select(.options.prog)'
	done | grep -c podtag_cls || true
}

# A run of podtag by a person.
test_by_hand()
{
	assert_fails "$B/podtag" status
	"$B/podtag" load >"$T/out"
	assert_contains "load again" "$("$B/podtag" load)" nothing
	"$B/podtag" status >/dev/null
	"$B/podtag" -j check >"$T/out" || fail "check: exit $?"
	assert_equal "tcx" "$(jq -r '.features[] | select(.name == "tcx").result' "$T/out")" \
		"$(if has_tcx; then echo ok; else echo missing; fi)"
	bare_pod pod
	add pod
	assert_equal "dumped pods" "$("$B/podtag" -j dump pods | jq -r '.[0].pod // .[0].name // .pods[0].name // .pods[0].pod')" pod
	"$B/podtag" unload
	[[ ! -e $PINS ]] || fail "unload left $(find $PINS)"
	assert_fails "$B/podtag" status
	"$B/podtag" unload
	assert_equal "filters" "$(filters pod)" 0
	add pod
	assert_equal "filters of a new ADD" "$(filters pod)" 2
	traffic_begin pod
	serve pod 80
	load "" -c 3 -u 50000 "$(pod_address pod)" 80
	assert_traffic_exact pod
	quiet DEL /run/netns/pod c0ffee-pod eth0
}

run_tests "$@"

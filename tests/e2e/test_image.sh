#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The image and the manifest as they are handed out: the DaemonSet's pod in a real containerd, as kubelet
# would start it there.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

MANIFEST=$TOP/install/daemonset.yaml
HOST_IP=192.0.2.1
AGENT=http://$HOST_IP:9435
LOGS=$T/logs
[[ -e $B/podtag-image.tar ]] || { echo "no image: make image" && exit 1; }

# A node with a CNI, and the folders that the manifest names, where they can be written to.
before_each()
{
	/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
	mount --make-rshared /
	mkdir -p "$LOGS" "$T/bin" "$T/net.d" "$T"/etc/{upper,work}
	mount -t overlay -o "lowerdir=/etc,upperdir=$T/etc/upper,workdir=$T/etc/work" overlay /etc
	mount -t tmpfs tmpfs /opt
	mkdir -p /opt/cni/bin /etc/cni/net.d
	mount --bind "$T/bin" /opt/cni/bin
	mount --bind "$T/net.d" /etc/cni/net.d
	cp "$DEBIAN_CNI"/{bridge,host-local,loopback} /opt/cni/bin/
	conflist net 1.0.0 "$(bridge 1)" >/etc/cni/net.d/10-net.conflist
	ip address add "$HOST_IP/32" dev lo
	containerd_start
	ctr -a "$SOCKET" -n k8s.io images import --snapshotter native "$B/podtag-image.tar" >/dev/null
	POD=$(cri pod "$MANIFEST" daemon "$LOGS") || fail "$(tail -n 5 "$T/containerd.log")"
	ATTEMPT=0
}

container() # NAME [-CAPABILITY...]: prints its id
{
	cri container "$POD" "${OF-$MANIFEST}" daemon "$LOGS" "$1" "$ATTEMPT" "$HOST_IP" "${@:2}" || log "$1"
}

log() { cat "$LOGS/$1.log" >&2 && return 1; } # CONTAINER

ended() { [[ $(cri state "$1") != running ]]; } # ID

in_chain() { [[ $(jq -r '.plugins[-1].type' /etc/cni/net.d/10-net.conflist) == podtag ]]; }

is_known() { [[ $(metric podtag_pod_info "pod=\"$1\"") == 1 ]]; } # POD

# Starts the pod's containers as kubelet does, and sets INSTALL, DAEMON and WATCH.
daemon_start()
{
	INSTALL=$(container install)
	wait_for 20 ended "$INSTALL"
	assert_equal "install" "$(cri state "$INSTALL")" 0
	DAEMON=$(container agent)
	WATCH=$(container watch)
	wait_for 20 curl -fsS "$AGENT/readyz"
}

# It ends when it is told to.
daemon_stop()
{
	assert_equal "end of watch" "$(cri end "$WATCH")" 0
	assert_equal "end of the agent" "$(cri end "$DAEMON")" 0
	cri end "$INSTALL" >/dev/null
	cri stop "$POD"
	cri remove "$POD"
}

pod_end() # SANDBOX
{
	cri stop "$1"
	cri remove "$1"
}

# The manifest's, as the kernel writes them: all sets but the inheritable and ambient, which are empty.
capabilities() # CONTAINER-NAME
{
	/usr/bin/python3 - "$LIB" "$MANIFEST" "$1" <<-'PY'
		import re, sys
		sys.path.insert(0, sys.argv[1])
		import manifest
		numbers = {name: int(number) for name, number in re.findall(
		    r"#define CAP_(\w+)\s+(\d+)", open("/usr/include/linux/capability.h").read())}
		security = manifest.item_of(manifest.load(sys.argv[2]), sys.argv[3])["securityContext"]
		print("%016x" % sum(1 << numbers[name] for name in security["capabilities"].get("add", [])))
	PY
}

status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; } # PID KEY

assert_confined() # CONTAINER-NAME ID WRITABLE-MOUNTS
{
	local pid key
	pid=$(cri pid "$2")
	for key in CapPrm CapEff CapBnd; do
		assert_equal "$key of $1" "$(status_of "$pid" "$key")" "$(capabilities "$1")"
	done
	for key in CapInh CapAmb; do
		assert_equal "$key of $1" "$(status_of "$pid" "$key")" 0000000000000000
	done
	assert_equal "NoNewPrivs of $1" "$(status_of "$pid" NoNewPrivs)" 1
	assert_equal "Seccomp of $1 (a filter)" "$(status_of "$pid" Seccomp)" 2
	assert_contains "root of $1" "$(awk '$5 == "/" { print $6 }' "/proc/$pid/mountinfo")," "ro,"
	# what is mounted below one that is not writable may be, and where there is cgroup v1, that is
	assert_equal "writable mounts of $1" "$(awk '$6 ~ /^rw/ && $5 !~ "^/(proc|dev|run/netns/|sys/fs/cgroup)" { print $5 }' \
		"/proc/$pid/mountinfo" | sort | tr '\n' ' ')" "$3"
	[[ $(readlink "/proc/$pid/ns/pid") != "$(readlink /proc/self/ns/pid)" ]] || fail "$1 sees the host's processes"
	assert_equal "network of $1" "$(readlink "/proc/$pid/ns/net")" "$(readlink /proc/self/ns/net)"
}

# Where containers have a memory cgroup that tells: what it took at most, programs and maps included, is no
# more than the manifest asks the scheduler for.
assert_memory() # CONTAINER-NAME ID
{
	local cgroup peak requested
	cgroup=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$(cri pid "$2")/cgroup")
	[[ -e $cgroup/memory.peak ]] || return 0
	peak=$(<"$cgroup/memory.peak")
	requested=$(/usr/bin/python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import manifest
print(manifest.item_of(manifest.load(sys.argv[2]), sys.argv[3])["resources"]["requests"]["memory"])' \
		"$LIB" "$MANIFEST" "$1")
	say "memory of $1: at most $((peak / 1024)) KiB of $requested"
	assert_at_least "memory that $1 requests" $((${requested%Mi} * 1048576)) "$peak"
}

talk() # FROM-POD'S-NETNS TO-ADDRESS
{
	load "$1" -c 4 -j 2 -u 50000 -d 50000 "$2" 80
}

test_daemonset()
{
	local old new from to before
	old=$(cri run shop old 11111111-aaaa)
	to=$(ls /run/netns)
	cp /etc/cni/net.d/10-net.conflist "$T/original"
	cri start "$old" shop old 11111111-aaaa "$IMAGE" /bin/load serve 0.0.0.0 80
	wait_for 10 listening "$to"
	daemon_start
	in_chain || log install
	cmp /opt/cni/bin/podtag "$B/podtag"
	assert_confined agent "$DAEMON" "/sys/fs/bpf "
	assert_confined watch "$WATCH" "/etc/cni/net.d /opt/cni/bin "
	assert_fails curl -fsS http://127.0.0.1:9435/healthz

	# older than podtag, and adopted; younger, and attached by its ADD
	wait_for 20 is_known old
	new=$(cri run shop new 22222222-aaaa)
	assert_equal "attached" "$(metric podtag_pod_attached 'pod="new"' 'reason=""')" 1
	from=$(netns_of new)
	[[ $from && $from != "$to" ]] || fail "namespaces: $from $to"
	same_moment 10 "link_traffic $from eth0" "pod_traffic new"
	before=$(minus "$A_VALUE" "$B_VALUE") # what the interface had counted before podtag's ADD
	talk "$from" "$(pod_json old | jq -r .value.ipv4)"

	# nothing is lost while there is no agent
	kill -KILL "$(cri pid "$DAEMON")"
	wait_for 10 ended "$DAEMON"
	talk "$from" "$(pod_json old | jq -r .value.ipv4)"
	cri end "$DAEMON" >/dev/null
	((++ATTEMPT))
	DAEMON=$(container agent)
	wait_for 20 curl -fsS "$AGENT/readyz"
	talk "$from" "$(pod_json old | jq -r .value.ipv4)"
	same_moment 10 "link_traffic $from eth0" "pod_traffic new"
	assert_equal "interface less podtag" "$(minus "$A_VALUE" "$B_VALUE")" "$before"
	assert_at_least "packets of old" "$(metric pod_network_packets_total 'pod="old"' 'direction="receive"')" 100
	assert_traffic_scraped new
	metrics >"$T/metrics"
	assert_equal "what promtool says" "$(promtool check metrics <"$T/metrics" 2>&1)" ""

	assert_memory agent "$DAEMON"
	assert_memory watch "$WATCH"

	# the base CNI writes its configuration anew
	cp "$T/original" /etc/cni/net.d/10-net.conflist
	wait_for 20 in_chain
	assert_equal "plugins" "$(find "$T/bin" -type f -printf '%f\n' | sort | tr '\n' ' ')" \
		"bridge host-local loopback podtag "

	daemon_stop
	uninstall
	cmp "$T/original" /etc/cni/net.d/10-net.conflist
	cmp /opt/cni/bin/podtag "$B/podtag-pass"
	[[ ! -e $PINS ]] || fail "pins: $(find "$PINS")"
	for before in "$from" "$to"; do
		assert_lacks "filters" "$(in_pod "$before" tc filter show dev eth0 ingress)" podtag
	done

	pod_end "$new"
	pod_end "$old"
	containerd_stop
}

# By the manifest for that.
uninstall()
{
	local OF=$TOP/install/uninstall.yaml id
	POD=$(cri pod "$OF" daemon "$LOGS")
	id=$(container uninstall)
	wait_for 20 ended "$id"
	[[ $(cri state "$id") == 0 ]] || log uninstall
	cri end "$id" >/dev/null
	pod_end "$POD"
}

# A node without bpffs: nothing is pinned where nobody else would see it, and once the node has one it is used.
test_bpffs_comes_later()
{
	while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
	agent_without
	wait_for 10 grep -q "the node has no bpffs" "$LOGS/agent.log"
	assert_contains "readyz" "$(curl -sS "$AGENT/readyz")" "the node has no bpffs"
	mount -t bpf bpf /sys/fs/bpf
	wait_for 30 curl -fsS "$AGENT/readyz"
	[[ -e $PINS ]] || fail "pins are elsewhere"
	agent_end
	pod_end "$POD"
	containerd_stop
}

hook_of() { map_dump attachments | jq -r '.[].formatted.value.hook'; }

# The agent alone, without some of its capabilities; nothing is loaded before.
agent_without() # [CAPABILITY...]
{
	((++ATTEMPT))
	rm -f "$LOGS/agent.log"
	DAEMON=$(container agent "${@/#/-}")
}

agent_end()
{
	cri end "$DAEMON" >/dev/null
	"$B/podtag" unload >/dev/null
}

# All of the page is read: curl complains of a reader that ends early.
adoption_tried() { metrics | grep -cE '^podtag_pods_(adopted_total|not_adopted\{.*\}) [1-9]'; }

# What the manifest says beside each is what happens without it.
test_capabilities()
{
	local old set
	old=$(cri run shop old 11111111-aaaa)
	agent_without
	wait_for 20 adoption_tried
	assert_equal "adopted" "$(metric podtag_pods_adopted_total)" 1
	assert_equal "hook" "$(hook_of)" PT_HOOK_CLSACT
	agent_end

	agent_without NET_ADMIN
	wait_for 20 adoption_tried
	if has_tcx; then
		assert_equal "hook without NET_ADMIN" "$(hook_of)" PT_HOOK_TCX
	else
		assert_equal "attached without NET_ADMIN" "$(metric podtag_pod_attached 'pod="old"')" 0
	fi
	agent_end

	agent_without SYS_ADMIN
	wait_for 20 adoption_tried
	wait_for 5 curl -fsS "$AGENT/readyz"
	assert_equal "adopted without SYS_ADMIN" "$(metric podtag_pods_adopted_total)" 0
	assert_equal "not adopted without SYS_ADMIN" "$(metric podtag_pods_not_adopted 'reason="netlink"')" 1
	assert_equal "HTTP without SYS_ADMIN" "$("$B/podtag" status | awk '$1 == "http" { print $2; exit }')" yes
	agent_end

	for set in "SYS_ADMIN BPF" "SYS_ADMIN PERFMON" "SYS_ADMIN NET_ADMIN"; do
		# shellcheck disable=SC2086
		agent_without $set
		wait_for 20 grep -q "programs can't be loaded: Operation not permitted" "$LOGS/agent.log"
		assert_fails curl -fsS "$AGENT/readyz"
		[[ ! -e $PINS ]] || fail "loaded without $set"
		agent_end
	done
	pod_end "$old"
	pod_end "$POD"
	containerd_stop
}

run_tests "$@"

# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# SPDX-License-Identifier: BSD-2-Clause
# What every end-to-end test shares. A test file sources this, defines functions test_*, and ends with
# run_tests "$@".
#
# Each test function runs alone in namespaces of its own (mount, net, pid) with its own bpffs, /run
# and /var/lib/cni, so nothing it does can meet another test or outlive it. What the product should
# have removed itself is asserted before they go: see assert_nothing_left. A file that defines before_all
# has one bpffs, and what before_all loads there, for all of its tests.
set -euo pipefail
shopt -s nullglob

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOP=$(dirname "$TESTS")
B=${PT_BUILD-$TOP/build}
LIB=$TESTS/lib
TOOLS=$B/tests/lib
PINS=/sys/fs/bpf/podtag/v2
AGENT=http://127.0.0.1:9435
DEBIAN_CNI=${DEBIAN_CNI-/usr/lib/cni}
SLOW=${PT_SLOW-1} # how many times as long as usual things may take here
T=/run/test # scratch, gone with the namespaces
export CNI_PATH=$B:$DEBIAN_CNI
export PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

# Debian 12's jq compiles its own library at each start, which took half of the tests' CPU time. gojq
# does not, and prints an object's keys in order.
jq() { gojq "$@"; }

say() { printf '%s\n' "$*" >&2; }

# Says where it was called, and why the test cannot go on.
fail()
{
	local i at=
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		case ${FUNCNAME[i]} in assert_* | wait_for | fail) continue ;; esac
		at="${FUNCNAME[i]}:${BASH_LINENO[i - 1]}"
		break
	done
	say "FAILED at $at: $*"
	exit 1
}

skip() { say "SKIP: $*" && exit 77; }

assert_equal() # WHAT ACTUAL EXPECTED
{
	[[ $2 == "$3" ]] || fail "$1: got '$2', expected '$3'"
}

assert_at_least() # WHAT ACTUAL MINIMUM
{
	(($2 >= $3)) || fail "$1: got $2, expected at least $3"
}

assert_contains() # WHAT TEXT PART
{
	[[ $2 == *"$3"* ]] || fail "$1: '$3' is not in: $2"
}

assert_lacks() # WHAT TEXT PART
{
	[[ $2 != *"$3"* ]] || fail "$1: '$3' is in: $2"
}

assert_json_equal() # WHAT ACTUAL EXPECTED: the order of keys aside
{
	local a b
	a=$(jq -c . <<<"$2") || fail "$1: not JSON: '$2'"
	b=$(jq -c . <<<"$3") || fail "$1: expected is not JSON: '$3'"
	assert_equal "$1" "$a" "$b"
}

assert_fails() # COMMAND...: it must exit non-zero; its output goes to $T/out and $T/err
{
	local rc=0
	"$@" >"$T/out" 2>"$T/err" || rc=$?
	((rc)) || fail "succeeded: $*"
}

# Polls a command until it succeeds.
wait_for() # SECONDS COMMAND...
{
	local end=$((${EPOCHREALTIME/./} + $1 * SLOW * 1000000))
	shift
	until "$@" >"$T/wait_out" 2>&1; do
		if ((${EPOCHREALTIME/./} > end)); then
			fail "waited in vain for: $* $(tail -n 3 "$T/wait_out")"
		fi
		sleep 0.02
	done
}

in_pod() { ip netns exec "$@"; } # POD COMMAND...

host_netns() # called once, in the fresh namespaces
{
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns /run/lock "$T"
	mkdir -p /var/lib/cni
	mount -t tmpfs tmpfs /var/lib/cni
	[[ ${PT_SHARED-} ]] || mount -t bpf bpf /sys/fs/bpf
	quiet_ipv6
	ip link set lo up
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# bandwidth's devices: none of its own until it makes them
}

# Addresses are usable at once, and interfaces send nothing on their own but MLD.
quiet_ipv6()
{
	sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.dad_transmits=0
}

# --- pods ---------------------------------------------------------------------------------------

# An empty network namespace, without IPv6 where ONLY_IPV4 is set.
netns_new() # POD
{
	ip netns add "$1"
	if [[ ${ONLY_IPV4-} ]]; then
		in_pod "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	fi
	in_pod "$1" bash -c "$(declare -f quiet_ipv6); quiet_ipv6" 2>/dev/null || true
	# what the kernel remembers of one connection must not bend the next
	in_pod "$1" sysctl -qw net.ipv4.tcp_no_metrics_save=1
}

container_of() { echo "c0ffee-$1"; } # POD

cni_args() # NAMESPACE POD
{
	echo "IgnoreUnknown=1;K8S_POD_NAMESPACE=$1;K8S_POD_NAME=$2;K8S_POD_INFRA_CONTAINER_ID=$(
		container_of "$2");K8S_POD_UID=uid-$2"
}

# Namespace, ADD through the whole chain; the result is in $T/POD.result.
pod_add() # POD CONFLIST [cni's options...]
{
	local pod=$1 list=$2
	shift 2
	[[ -e /run/netns/$pod ]] || netns_new "$pod"
	echo "$list" >"$T/$pod.conflist"
	"$LIB/cni" add "$T/$pod.conflist" "/run/netns/$pod" "$(container_of "$pod")" eth0 \
		--args "$(cni_args shop "$pod")" "$@" >"$T/$pod.result"
	touch "$T/$pod.pod"
}

pod_address() # POD [4|6]
{
	grep -o '"address": *"[^"]*"' "$T/$1.result" | cut -d '"' -f 4 | cut -d / -f 1 |
		awk -v family="${2-4}" '/:/ == (family == 6) { print; exit }'
}

# DEL through the whole chain, then the namespace goes.
pod_del() # POD [cni's options...]
{
	local pod=$1
	shift
	"$LIB/cni" del "$T/$pod.conflist" "/run/netns/$pod" "$(container_of "$pod")" eth0 \
		--args "$(cni_args shop "$pod")" "$@"
	rm -f "$T/$pod.pod"
	ip netns del "$pod"
}

pods_del_all()
{
	local file
	for file in "$T"/*.pod; do
		file=${file##*/}
		pod_del "${file%.pod}"
	done
}

host_link() # POD: the host end of its eth0
{
	local index
	index=$(in_pod "$1" cat /sys/class/net/eth0/iflink 2>/dev/null) ||
		index=$(in_pod "$1" ip -j link show eth0 | jq '.[0].link_index')
	ip -o link | awk -F '[:@] *' -v index_of_it="$index" '$1 == index_of_it { print $2 }'
}

# --- conflists ----------------------------------------------------------------------------------

# A conflist from plugins' JSON objects.
conflist() # NAME CNI-VERSION PLUGIN...
{
	local IFS=,
	printf '{"name":"%s","cniVersion":"%s","plugins":[%s]}\n' "$1" "$2" "${*:3}"
}

# host-local's ranges: 10.N.0.0/24 and fd00:N::/64, or the first alone where ONLY_IPV4 is set.
ipam() # N
{
	local ranges
	printf -v ranges '[{"subnet":"10.%d.0.0/24"}],[{"subnet":"fd00:%d::/64"}]' "$1" "$1"
	if [[ ${ONLY_IPV4-} ]]; then
		printf '{"type":"host-local","ranges":[%s],"routes":[{"dst":"0.0.0.0/0"}]}' "${ranges%%,\[*}"
		return
	fi
	printf '{"type":"host-local","ranges":[%s],' "$ranges"
	printf '"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]}'
}

bridge() # N [MORE-KEYS]
{
	printf '{"type":"bridge","bridge":"br%d","isGateway":true,%s"ipam":%s}' "$1" "${2-}" "$(ipam "$1")"
}

ptp() # N [MORE-KEYS]
{
	printf '{"type":"ptp",%s"ipam":%s}' "${2-}" "$(ipam "$1")"
}

# podtag's entry. In mode tcx the packets are to be marked, which only the host end can do.
podtag() # [clsact|tcx] [MORE-KEYS]
{
	case ${1-clsact} in
	tcx) printf '{"type":"podtag","markMask":"0xff000000"%s}' "${2+,$2}" ;;
	*) printf '{"type":"podtag"%s}' "${2+,$2}" ;;
	esac
}

# The kernel's own word, not podtag's. Without tcx a pod is counted by clsact, and is not marked.
has_tcx() { grep -q ' tcx_prog_attach$' /proc/kallsyms; }

needs_tcx() { has_tcx || skip "no tcx in this kernel"; }

# What an attachment is with podtag's entry of mode tcx: hook and reason, and how many pins.
tcx_hook() { if has_tcx; then echo "PT_HOOK_TCX "; else echo "PT_HOOK_CLSACT mark_needs_tcx"; fi; }
tcx_pins() { if has_tcx; then echo 2; else echo 0; fi; }

# The plugin itself, without a chain around it.
plugin() # COMMAND NETNS CONTAINER IFNAME [STDIN]
{
	env -i PATH=/nowhere CNI_COMMAND="$1" CNI_NETNS="$2" CNI_CONTAINERID="$3" CNI_IFNAME="$4" \
		CNI_PATH="$CNI_PATH" CNI_ARGS="${PT_ARGS-}" "${PT_PLUGIN-$B/podtag}" <<<"${5-}"
}

# --- counters -----------------------------------------------------------------------------------

map_dump() # MAP
{
	bpftool -j map dump pinned "$PINS/maps/$1"
}

map_entries() # MAP: how many
{
	map_dump "$1" | { grep -o '"formatted":' || true; } | wc -l
}

# Everything podtag knows of a pod, the newest of that name: one line of JSON.
pod_json() # POD
{
	map_dump pods | jq -c --arg pod "$1" \
		'[.[].formatted | select(.value.name == $pod)] | sort_by(.key) | last // empty'
}

pod_id() { "$TOOLS/counts" "$1" | cut -d" " -f1; } # POD

# "rxp rxb txp txb" of a pod from the map.
pod_traffic() { "$TOOLS/counts" "$1" | cut -d" " -f5-8; } # POD

# "rxp rxb txp txb" of an interface as its own namespace counts it.
link_traffic() # POD|"" INTERFACE
{
	local cmd=(cat /proc/net/dev)
	[[ $1 ]] && cmd=(ip netns exec "$1" "${cmd[@]}")
	"${cmd[@]}" | awk -v name="$2:" '$1 == name { print $3, $2, $11, $10 }'
}

# Calls A and B until A is the same before and after B, and sets A_VALUE and B_VALUE: two
# views of one quiet moment.
same_moment() # SECONDS A B (each a command line)
{
	local end=$((${EPOCHREALTIME/./} + $1 * SLOW * 1000000)) again
	A_VALUE=$($2)
	while :; do
		B_VALUE=$($3)
		again=$($2)
		[[ $again != "$A_VALUE" ]] || return 0
		A_VALUE=$again
		((${EPOCHREALTIME/./} < end)) || fail "no quiet moment: $2"
		sleep 0.05
	done
}

minus() # "A..." "B...": element by element
{
	local -a a b
	local i
	read -ra a <<<"$1"
	read -ra b <<<"$2"
	for i in "${!a[@]}"; do
		a[i]=$((a[i] - b[i]))
	done
	echo "${a[*]}"
}

# The interface's own counters and podtag's, from now on.
traffic_begin() # POD [INTERFACE in the pod]
{
	same_moment 10 "link_traffic $1 ${2-eth0}" "pod_traffic $1"
	printf -v "BEGIN_LINK_${1//[^a-z0-9]/_}" %s "$A_VALUE"
	printf -v "BEGIN_POD_${1//[^a-z0-9]/_}" %s "$B_VALUE"
}

# Both have grown by the same, exactly, and by something.
assert_traffic_exact() # POD [INTERFACE in the pod]
{
	local link=BEGIN_LINK_${1//[^a-z0-9]/_} pod=BEGIN_POD_${1//[^a-z0-9]/_} grown
	same_moment 10 "link_traffic $1 ${2-eth0}" "pod_traffic $1"
	grown=$(minus "$A_VALUE" "${!link}")
	assert_equal "traffic of $1 (rx packets, bytes, tx packets, bytes)" \
		"$(minus "$B_VALUE" "${!pod}")" "$grown"
	[[ ! " $grown " =~ " 0 " ]] || fail "no traffic in some direction: $grown"
}

# One counter of a pod's namespace.
snmp() # POD Proto Field (of /proc/net/snmp and /proc/net/netstat)
{
	in_pod "$1" cat /proc/net/snmp /proc/net/netstat | awk -v proto="$2:" -v field="$3" '
		$1 != proto { next }
		!head[$1]++ { for (i = 2; i <= NF; i++) if ($i == field) at = i; next }
		{ if (at) print $at; exit }'
}

# "RetransSegs TCPSynRetrans TCPFastRetrans" of a pod's namespace.
kernel_retransmits() # POD
{
	in_pod "$1" cat /proc/net/snmp /proc/net/netstat | awk '
		$1 != "Tcp:" && $1 != "TcpExt:" { next }
		$2 ~ /[A-Za-z]/ { n = split($0, name); next }
		{ for (i = 2; i <= n; i++) value[name[i]] = $i }
		END { print value["RetransSegs"], value["TCPSynRetrans"], value["TCPFastRetrans"] }'
}

# "sum syn+synack fast tlp rto other" of a pod from the map.
pod_retransmits() # POD
{
	"$TOOLS/counts" "$1" | awk '{ print $9 + $10 + $11 + $12 + $13 + $14, $9 + $10, $12, $13, $11, $14 }'
}

# A kernel may be built to run no tracing program while its init is current (docs/architecture.md).
# ftrace runs then too, and counts what such a kernel does not tell podtag of. Not in the demo, which has
# no runner to take the instance away.
untold_begin()
{
	[[ ! ${UNTOLD-} && ${UNTOLD_NAME-} ]] && grep -q init_owned /sys/kernel/btf/vmlinux || return 0
	mkdir "$T/tracefs"
	mount -t tracefs tracefs "$T/tracefs"
	UNTOLD=$T/tracefs/instances/$UNTOLD_NAME
	mkdir "$UNTOLD"
	echo 4096 >"$UNTOLD/buffer_size_kb"
	echo 1 >"$UNTOLD/options/record-tgid"
	echo 1 | tee "$UNTOLD"/events/tcp/tcp_retransmit_{skb,synack}/enable >/dev/null
}

# The instance outlives a test that was killed, so the runner takes it away.
untold_end()
{
	unshare --mount bash -c 'mount -t tracefs tracefs /mnt && rmdir "/mnt/instances/$0"' "$UNTOLD_NAME" 2>/dev/null || true
}

untold() # prints how many retransmissions of the whole node podtag could not hear of
{
	[[ ${UNTOLD-} ]] || { echo 0 && return; }
	grep -cE '^[^(]*\( *1\)' "$UNTOLD/trace" || true
}

# As many as the kernel counts; but for those that it did not tell of.
assert_told() # WHAT PODTAG KERNEL
{
	local untold
	untold=$(untold)
	(($2 <= $3 && $2 + untold >= $3)) || fail "$1: podtag $2, kernel $3, not told of at most $untold"
}

# How often the kernel left podtag's retransmission probe out, because one was running on that CPU.
probe_misses()
{
	bpftool -j prog show pinned "$PINS/progs/podtag_on_rexmt" | jq '.recursion_misses // 0'
}

# One kind of a pod's retransmits.
pod_retransmits_of() # POD KIND
{
	map_dump tcp_retransmits | jq -r --argjson id "$(pod_id "$1")" --arg kind "$2" \
		'[.[].formatted | select(.key == $id) | .value[$kind]] | add // 0'
}

# No TCP connection is left that could send anything.
sockets_are_quiet() # POD
{
	[[ -z $(in_pod "$1" ss -Htan state connected exclude time-wait exclude close) ]]
}

# --- metrics ------------------------------------------------------------------------------------

agent_start() # [agent's options...]
{
	"$B/podtag-agent" "$@" >"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	wait_for 10 curl -fsS -o /dev/null "$AGENT/readyz"
}

agent_stop() # [SIGNAL]: sets AGENT_STATUS to what it exited with
{
	kill -s "${1-TERM}" "$AGENT_PID"
	AGENT_STATUS=0
	wait "$AGENT_PID" || AGENT_STATUS=$?
	AGENT_PID=
}

metrics() # [curl's options...]
{
	curl -fsS --max-time 10 "$@" "$AGENT/metrics"
}

# The value of one sample; every LABEL="value" given must be in it. Empty when there is none.
metric() # NAME [LABEL="value"...]
{
	metrics | sample "$@"
}

# The agent's page and the maps say the same.
assert_traffic_scraped() # POD
{
	same_moment 10 "pod_traffic $1" "scraped $1"
	assert_equal "traffic of $1 in /metrics" "$B_VALUE" "$A_VALUE"
}

scraped() # POD: as pod_traffic prints it
{
	metrics >"$T/scrape"
	echo "$(sample pod_network_packets_total "pod=\"$1\"" 'direction="receive"' <"$T/scrape")" \
		"$(sample pod_network_bytes_total "pod=\"$1\"" 'direction="receive"' <"$T/scrape")" \
		"$(sample pod_network_packets_total "pod=\"$1\"" 'direction="transmit"' <"$T/scrape")" \
		"$(sample pod_network_bytes_total "pod=\"$1\"" 'direction="transmit"' <"$T/scrape")"
}

# The same from text on stdin.
sample() # NAME [LABEL="value"...]
{
	awk -v name="$1" -v want="$(printf '%s\n' "${@:2}")" '
		BEGIN { n = split(want, part, "\n") }
		{
			metric = $0
			sub(/[{ ].*/, "", metric)
			if (metric != name)
				next
			for (i = 1; i <= n; i++)
				if (part[i] != "" && index($0, part[i]) == 0)
					next
			print $NF
		}'
}

# --- load and loss ------------------------------------------------------------------------------

# A TCP server in a pod, on all its addresses of one family.
serve() # POD|"" PORT [4|6] [load's options...]
{
	local cmd=() any=0.0.0.0 log=$T/serve.$RANDOM
	[[ $1 ]] && cmd=(ip netns exec "$1")
	[[ ${3-4} == 6 ]] && any=::
	"${cmd[@]}" "$TOOLS/load" serve "${@:4}" "$any" "$2" >"$log" 2>&1 &
	PIDS+=($!)
	wait_for 10 grep -q ready "$log"
}

load() # POD|"" ARGUMENTS of load run...
{
	local cmd=() out
	[[ $1 ]] && cmd=(ip netns exec "$1")
	out=$("${cmd[@]}" "$TOOLS/load" run "${@:2}") || fail "load ${*:2}: $out"
}

# Drops that share of a pod's packets at random where the host receives them. MATCH picks which.
lose() # POD PERCENT [MATCH...]
{
	lose_from "$(host_link "$1")" "${@:2}"
}

lose_from() # INTERFACE PERCENT [MATCH...]
{
	untold_begin
	local dev=$1 share=(numgen random mod 100 '<' "$2")
	(($2 < 100)) || share=()
	shift 2
	nft add table netdev loss
	nft add chain netdev loss "$dev" "{ type filter hook ingress device \"$dev\" priority 0; }"
	nft add rule netdev loss "$dev" meta l4proto tcp "$@" "${share[@]}" counter drop
}

lose_nothing()
{
	nft delete table netdev loss
}

# --- running ------------------------------------------------------------------------------------

PIDS=()
AGENT_PID=

pins() { find "$PINS/links" -name 'if*' 2>/dev/null || true; } # of pods' interfaces

# Processes of this test that are not the test, nor SUBSHELL, in which it may run a check.
strays()
{
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[[ $pid == 1 || $pid == "$BASHPID" || $pid == "$$" || $pid == "${SUBSHELL-}" ]] && continue
		[[ $(readlink "$dir/exe" 2>/dev/null) ]] || continue # gone, or a zombie
		tr '\0' ' ' <"$dir/cmdline" 2>/dev/null && echo "($pid)"
	done
}

no_strays() { [[ -z $(strays) ]]; }

# What a pod that is gone must not leave: pins, netns, qdiscs, links, attachments, processes.
assert_nothing_left()
{
	local left
	assert_equal "pins of dead pods" "$(pins)" ""
	assert_equal "network namespaces" "$(ls /run/netns)" ""
	assert_equal "qdiscs" "$(tc qdisc | awk '$2 ~ /^(clsact|ingress|tbf)$/')" ""
	left=$(ip -br link | awk '{ sub(/@.*/, "", $1) } $1 !~ /^(lo|br[0-9]+|tun.*|ext.*)$/ { print $1 }')
	assert_equal "links" "$left" ""
	if [[ -e $PINS/maps/attachments ]]; then
		assert_equal "attachments" "$(map_entries attachments)" 0
		for left in pod_by_netns pod_by_ifindex pod_by_ip; do
			assert_equal "$left" "$(map_entries "$left")" 0
		done
	fi
	wait_for 5 no_strays
	wait_for 5 no_socket_tags
}

# Where tags are no socket storage, which the kernel frees itself. Sockets that wait for an answer to
# their FIN outlive the pod's interface by minutes, and so do their tags.
no_socket_tags()
{
	local orphans
	[[ -e $PINS/maps/sock_pod_hash ]] || return 0
	orphans=$(awk '$1 == "TCP:" { print $5 }' /proc/net/sockstat)
	(($(map_entries sock_pod_hash) <= orphans)) || { cat /proc/net/sockstat && return 1; }
}

teardown()
{
	[[ ! $AGENT_PID ]] || agent_stop
	if ((${#PIDS[@]})); then
		kill "${PIDS[@]}" 2>/dev/null || true
		wait "${PIDS[@]}" 2>/dev/null || true
	fi
	pods_del_all
	assert_nothing_left
}

# A test has failed, or is skipped: its pods are not to be the next one's in the maps that they share.
give_up() # EXIT-CODE
{
	[[ ! ${AGENT_PID-} || ! -e $T/agent.log ]] || tail -n 20 "$T/agent.log" >&2
	pods_del_all >/dev/null 2>&1 || true
	exit "$1"
}

# Runs this file's tests, or those given, each in fresh namespaces. A file may define
# before_each and before_all.
run_tests() # [TEST...]
{
	local test out rc passed=0 failed=0 skipped=0 start all=("$@")
	export UNTOLD_NAME=${UNTOLD_NAME-podtag-$$}
	if [[ ${PT_INSIDE-} ]]; then
		host_netns
		trap 'give_up $?' EXIT
		if declare -F before_each >/dev/null; then
			before_each
		fi
		"$1"
		teardown
		trap - EXIT
		exit 0
	fi
	((EUID == 0)) || { echo "SKIP: needs root" && echo "0 passed, 0 failed, 1 skipped" && exit 77; }
	if declare -F before_all >/dev/null; then
		[[ ${PT_SHARED-} ]] || PT_SHARED=1 exec unshare --mount bash "$0" "$@"
		mount -t bpf bpf /sys/fs/bpf
		before_all
	fi
	(($#)) || mapfile -t all < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
	for test in "${all[@]}"; do
		start=${EPOCHREALTIME/./}
		rc=0
		out=$(PT_INSIDE=1 unshare --mount --net --pid --fork --kill-child --mount-proc \
			bash ${PT_TRACE:+-x} "$0" "$test" 2>&1 </dev/null) || rc=$?
		untold_end
		case $rc in
		0) ((++passed)) && printf 'ok' ;;
		77) ((++skipped)) && printf 'skip' ;;
		*) ((++failed)) && printf 'FAIL' ;;
		esac
		printf ' %s (%d ms)\n' "$test" $(((${EPOCHREALTIME/./} - start) / 1000))
		[[ $rc == 0 && ! ${PT_VERBOSE-} ]] || printf '    %s\n' "${out//$'\n'/$'\n'    }"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}

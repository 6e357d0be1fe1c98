# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# What the sections share: samples and their statistics, tables, CPU time, pods.
#
# A sample is one number, in a file for each section, variant and metric, one line for each round.
# What is compared is compared within a round, where both saw the same machine: a ratio of medians
# over all rounds would compare two different minutes.
# shellcheck source=tests/lib/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/lib.sh"

BENCH=$TESTS/bench
OUT=${OUT-$B/bench}
ROUNDS=${ROUNDS-12} SLOT=${SLOT-1}
CNI_HEAD='"cniVersion":"1.0.0","name":"bench"'
# the interface that the plugins before podtag have made
PREV_RESULT='{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/p"}],
	"ips":[{"address":"10.1.0.2/16","interface":0}],"dns":{}}'

progress() { say "bench: $*"; }

# Runs a section's function in fresh namespaces; what it prints goes into the report.
section() # FUNCTION
{
	if [[ ! ${PT_INSIDE-} ]]; then
		PT_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc bash "$0" "$@"
	fi
	trap 'kill "${PIDS[@]}" 2>/dev/null || true' EXIT
	host_netns
	# or each new connection would look for a port that none of the last minute's has
	sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
	ONLY_IPV4=1
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	"$1"
}

# --- samples ------------------------------------------------------------------------------------

samples() { echo "$OUT/samples/$1.$2.$3"; } # SECTION VARIANT METRIC: the file

note() { echo "$4" >>"$(samples "$1" "$2" "$3")"; } # SECTION VARIANT METRIC VALUE

measured() { [[ -s $(samples "$@") ]]; } # SECTION VARIANT METRIC

# Reads numbers, one a line; prints "median first-quartile third-quartile p99 count".
spread()
{
	sort -g | awk '
		function at(share) { return v[int((NR - 1) * share + 1.5)] }
		function middle() { return (v[int((NR + 1) / 2)] + v[int(NR / 2 + 1)]) / 2 }
		{ v[NR] = $1 }
		END { if (NR) print middle(), at(0.25), at(0.75), v[int(NR * 0.99 + 0.999)], NR }'
}

# Reads numbers; prints "median low high": the interval in which the true median lies with 95 % by
# the sign test, which asks nothing of the distribution. With less than 6 it is all there is.
interval()
{
	sort -g | awk '
		{ v[NR] = $1 }
		END {
			term = 0.5 ^ NR
			for (k = 0; (sum += term) <= 0.025; k++)
				term *= (NR - k) / (k + 1)
			k = k ? k : 1
			print (v[int((NR + 1) / 2)] + v[int(NR / 2 + 1)]) / 2, v[k], v[NR + 1 - k]
		}'
}

sum() { awk '{ s += $1 } END { printf "%.0f", s }' "$(samples "$@")"; } # SECTION VARIANT METRIC

median() { spread <"$(samples "$@")" | cut -d ' ' -f 1; } # SECTION VARIANT METRIC

# A variant in each round beside the mean of the others in the same round.
ratios() # SECTION METRIC VARIANT BASE...
{
	local section=$1 metric=$2 files=() variant
	for variant in "${@:3}"; do
		files+=("$(samples "$section" "$variant" "$metric")")
	done
	paste -d ' ' "${files[@]}" | awk '
		{ base = 0; for (i = 2; i <= NF; i++) base += $i / (NF - 1) }
		{ print $1 / base }'
}

# What a variant has more than the mean of both (a), in each round.
more() # SECTION VARIANT METRIC
{
	paste -d ' ' "$(samples "$1" "$2" "$3")" "$(samples "$1" nothing "$3")" "$(samples "$1" again "$3")" |
		awk '{ print $1 - ($2 + $3) / 2 }'
}

# --- tables -------------------------------------------------------------------------------------

cells() { printf '| %s ' "$@" && echo '|'; } # CELL...

head_cells() # CELL...: a table's first two lines
{
	cells "$@"
	printf '|---%.0s' "$@" && echo '|'
}

# "median (quartiles)" of a metric, times FACTOR.
spread_cell() # SECTION VARIANT METRIC FORMAT [FACTOR]
{
	spread <"$(samples "$1" "$2" "$3")" | awk -v f="$4" -v by="${5-1}" \
		'{ printf f " (" f "-" f ")", $1 * by, $2 * by, $3 * by }'
}

# "+0.5 % (-0.2 to +1.1)" of ratios on stdin.
percent_cell()
{
	interval | awk '{ printf "%+.1f %% (%+.1f to %+.1f)", ($1 - 1) * 100, ($2 - 1) * 100, ($3 - 1) * 100 }'
}

# "1.4 (1.3 to 1.5)": how many times as long as the empty program's runs podtag's took.
times_cell() # SECTION PROGRAM
{
	times "$@" | interval | awk '{ printf "%.2f (%.2f to %.2f)", $1, $2, $3 }'
}

times() { paste -d ' ' "$(samples "$1" "$2" ns)" "$(samples "$1" "$2" empty)" | awk '{ print $1 / $2 }'; }

# --- CPU ----------------------------------------------------------------------------------------

# Clock ticks that all CPUs have worked: user, nice, system, irq, softirq; not idle, not stolen.
cpu_ticks() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

cpu_ns_of() { cut -d ' ' -f 1 "/proc/$1/schedstat"; } # PID: nanoseconds it ran, without children

# --- pods ---------------------------------------------------------------------------------------

# Namespaces p1.. with an interface each, and nothing behind it.
make_pods() # FIRST LAST
{
	local i
	for ((i = $1; i <= $2; i++)); do
		echo "netns add p$i"
		echo "link add host$i type veth peer name eth0 netns p$i"
		echo "link set host$i up"
	done | ip -batch -
}

podtag_stdin() { printf '{%s,"type":"podtag","prevResult":%s}' "$CNI_HEAD" "$1"; } # PREV-RESULT

# A plugin's environment for COMMAND: the pod NAME has the namespace NAME.
cni_env() # COMMAND NAME PLUGIN-DIR
{
	CNI=(env -i "CNI_COMMAND=$1" "CNI_CONTAINERID=$(container_of "$2")" "CNI_NETNS=/run/netns/$2"
		CNI_IFNAME=eth0 "CNI_PATH=$3" PATH=/usr/sbin:/usr/bin:/sbin:/bin
		"CNI_ARGS=$(cni_args bench "$2")")
}

# Prints the microseconds from fork to end.
timed_add() # PLUGIN-DIR TYPE STDIN-FILE NAME
{
	cni_env ADD "$4" "$1"
	"${CNI[@]}" "$TOOLS/timed" "$3" "$1/$2"
}

add_pods() # FIRST LAST: podtag ADD of those that make_pods made
{
	local i
	podtag_stdin "$PREV_RESULT" >"$T/podtag.json"
	for ((i = $1; i <= $2; i++)); do
		timed_add "$B" podtag "$T/podtag.json" "p$i" >/dev/null
	done
}

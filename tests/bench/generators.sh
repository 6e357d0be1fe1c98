# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# wrk and iperf3 against the pod at POD_IP for SLOT seconds. Each notes, of a section's variant: rate (a
# second), count, cpu (seconds of the whole machine for 100,000 requests or 10 GB), and wrk's latencies
# p50 and p99 in microseconds.

CONNECTIONS=${CONNECTIONS-2}

measure_wrk() # SECTION VARIANT [HEADER]
{
	local before after requests duration p50 p99
	before=$(cpu_ticks)
	wrk -t 1 -c "$CONNECTIONS" -d "${SLOT}s" --timeout 10 --latency ${3+-H "$3"} \
		"${SCHEME-http}://$POD_IP/file" >"$T/wrk.out"
	after=$(cpu_ticks)
	! grep -E 'Socket errors|Non-2xx|^ *0 requests' "$T/wrk.out" || fail "$1, $2: wrk met errors"
	read -r requests duration p50 p99 < <(awk '
		function us(text) { return text * (text ~ /us/ ? 1 : text ~ /ms/ ? 1e3 : text ~ /m/ ? 6e7 : 1e6) }
		/ requests in / { requests = $1; duration = us($4) / 1e6 }
		$1 == "50%" { p50 = us($2) }
		$1 == "99%" { p99 = us($2) }
		END { print requests, duration, p50, p99 }' "$T/wrk.out")
	note "$1" "$2" rate "$(awk "BEGIN { print $requests / $duration }")"
	note "$1" "$2" p50 "$p50"
	note "$1" "$2" p99 "$p99"
	note "$1" "$2" count "$requests"
	note "$1" "$2" cpu "$(cpu_per "$((after - before))" "$requests" 100000)"
}

cpu_per() # TICKS COUNT UNITS: CPU seconds for so many units
{
	awk -v ticks="$1" -v count="$2" -v units="$3" -v hz="$(getconf CLK_TCK)" \
		'BEGIN { print ticks / hz / count * units }'
}

measure_connect() { measure_wrk "$1" "$2" 'Connection: close'; }

measure_iperf3() # SECTION VARIANT
{
	local before after bits bytes
	before=$(cpu_ticks)
	iperf3 -J -c "$POD_IP" -t "$SLOT" >"$T/iperf3.json" || fail "$1, $2: $(jq -r .error "$T/iperf3.json")"
	after=$(cpu_ticks)
	read -r bits bytes < <(jq -r '.end.sum_received | "\(.bits_per_second) \(.bytes)"' "$T/iperf3.json")
	note "$1" "$2" rate "$bits"
	note "$1" "$2" count "$bytes"
	note "$1" "$2" cpu "$(cpu_per "$((after - before))" "$bytes" 10000000000)"
}

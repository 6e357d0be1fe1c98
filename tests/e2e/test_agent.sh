#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The agent over HTTP: valid metrics, from ADD to five minutes after DEL, and nothing lost without it.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

list() { conflist net 1.0.0 "$(bridge 1)" "$(podtag "$@")"; }

# One sample's line is there, with that value.
assert_metric() # VALUE NAME LABELS...
{
	assert_equal "${*:2}" "$(metric "${@:2}")" "$1"
}

test_series_from_add_to_retention()
{
	local kind direction before
	agent_start
	assert_equal "pods before ADD" "$(metrics | grep -c '^podtag_pod_info' || true)" 0
	pod_add pod "$(list)"
	for kind in syn synack rto fast tlp other; do
		assert_metric 0 tcp_retransmits_total 'namespace="shop"' 'pod="pod"' "kind=\"$kind\""
	done
	for direction in receive transmit; do
		[[ $(metric pod_network_packets_total 'namespace="shop"' 'pod="pod"' "direction=\"$direction\"") ]] ||
			fail "no series for packets, $direction"
		[[ $(metric pod_network_bytes_total 'namespace="shop"' 'pod="pod"' "direction=\"$direction\"") ]] ||
			fail "no series for bytes, $direction"
	done
	assert_metric 1 podtag_pod_info 'namespace="shop"' 'pod="pod"' 'uid="uid-pod"' 'container_id="c0ffee-pod"' \
		"ip=\"$(pod_address pod)\"" "node_interface=\"$(host_link pod)\""
	assert_metric 1 podtag_cni_operations_total 'command="ADD"' 'result="success"'

	serve pod 80
	lose pod 5
	load "" -c 8 -j 4 -u 100000 -d 1000000 "$(pod_address pod)" 80
	lose_nothing
	wait_for 30 sockets_are_quiet pod
	kill "${PIDS[@]}"
	same_moment 10 "pod_numbers" "kernel_retransmits pod"
	assert_told "sum of tcp_retransmits_total" "$(awk '/^tcp_retransmits_total/ { s += $NF } END { print s }' <<<"$A_VALUE")" \
		"${B_VALUE%% *}"
	assert_at_least "retransmits" "${B_VALUE%% *}" 10

	pod_del pod
	before=$(pod_numbers)
	sleep 0.1
	assert_equal "final values" "$(pod_numbers)" "$before"
	assert_equal "retransmits at the end" "$(awk '/^tcp_retransmits_total/ { s += $NF } END { print s }' <<<"$before")" \
		"${B_VALUE%% *}"
	assert_equal "podtag_pod_info after DEL" "$(metric podtag_pod_info 'pod="pod"')" ""
	"$TOOLS/backdate" pod 290
	assert_equal "values 4:50 after DEL" "$(pod_numbers)" "$before"
	"$TOOLS/backdate" pod 11
	assert_equal "values 5:01 after DEL" "$(pod_numbers)" ""
}

pod_numbers() { metrics | grep -E '^(tcp_|pod_)[a-z_]*{[^}]*pod="pod"' || true; }

test_exposition_is_valid()
{
	local out
	pod_add pod "$(list)"
	agent_start
	metrics >/dev/null # the first cannot know how long a scrape takes
	metrics >"$T/plain"
	out=$(promtool check metrics <"$T/plain" 2>&1) || fail "promtool: $out"
	assert_equal "what promtool says" "$out" ""
	metrics --compressed -D "$T/head" >"$T/gzip"
	assert_contains "headers" "$(tr '[:upper:]' '[:lower:]' <"$T/head")" "content-encoding: gzip"
	promtool check metrics <"$T/gzip" >&2 || fail "promtool on gzip"
	assert_equal "series" "$(grep -v '^#' "$T/gzip" | sed 's/ [^ ]*$//' | sort)" \
		"$(grep -v '^#' "$T/plain" | sed 's/ [^ ]*$//' | sort)"
	metrics -D "$T/head" >/dev/null
	assert_contains "headers" "$(tr '[:upper:]' '[:lower:]' <"$T/head")" "content-type: text/plain; version=0.0.4"
	metrics -D "$T/head" -H 'Accept: application/openmetrics-text; version=1.0.0' >"$T/om"
	assert_contains "headers" "$(tr '[:upper:]' '[:lower:]' <"$T/head")" "content-type: application/openmetrics-text; version=1.0.0"
	assert_equal "last line" "$(tail -n 1 "$T/om")" "# EOF"
	/usr/bin/python3 "$LIB/openmetrics" <"$T/om" || fail "not OpenMetrics"
}

LES=(0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 +Inf)

# Each number as so many little-endian bytes in hex, as bpftool takes them.
bytes() # SIZE NUMBER...
{
	local i number
	for number in "${@:2}"; do
		for ((i = 0; i < $1; i++)); do
			printf '%02x ' $((number >> 8 * i & 255))
		done
	done
}

# A histogram of the map with FIRST, FIRST + 1 ... in its buckets.
histogram_bytes() { bytes 8 $(seq "$1" $(($1 + 17))) "$2"; } # FIRST SUM-NS

# Its lines on the page, with which the labels given come before le.
histogram_lines() # NAME LABELS FIRST SUM
{
	local i sum=0
	for i in "${!LES[@]}"; do
		((sum += $3 + i)) || true
		echo "$1_bucket{$2,le=\"${LES[i]}\"} $sum"
	done
	echo "$1_sum{$2} $4"
	echo "$1_count{$2} $sum"
}

# shellcheck disable=SC2046 # bytes are words
series_write() # POD-ID STATUS METHOD ROLE FIRST
{
	bpftool map update pinned "$PINS/maps/http_latency" \
		key hex $(bytes 8 "$1") $(bytes 2 "$2") $(bytes 1 "$3" "$4" 0 0 0 0) \
		value hex $(histogram_bytes "$5" 12000000345) $(histogram_bytes $(($5 + 1)) 7000000)
}

series_lines() # NAME FIRST SUM: of the series below
{
	histogram_lines "$1" 'namespace="shop",pod="pod",role="server",method="unknown",status="5xx",tls="false"' $((300 + $2)) "$3"
	histogram_lines "$1" 'namespace="shop",pod="pod",role="server",method="GET",status="200",tls="false"' $((100 + $2)) "$3"
	histogram_lines "$1" 'namespace="shop",pod="pod",role="client",method="PATCH",status="unknown",tls="false"' $((200 + $2)) "$3"
}

# HELP is words, and only of interest in that it is there.
http_lines() { grep -E '^(# [A-Z]+ )?(http_|podtag_http_)' | sed 's/^\(# HELP [^ ]*\) .*/\1/'; }

family() # FORMAT NAME TYPE [UNIT]: its first lines
{
	local name=$2
	[[ $1 == plain && $3 == counter ]] && name+=_total
	printf '# HELP %s\n# TYPE %s %s\n' "$name" "$name" "$3"
	[[ $1 == plain || ! ${4-} ]] || printf '# UNIT %s %s\n' "$name" "$4"
}

http_page() # FORMAT: what there must be of the values that test_http_series writes
{
	local pod='namespace="shop",pod="pod"' reason lost=50
	family "$1" http_request_duration_seconds histogram seconds
	series_lines http_request_duration_seconds 0 12.000000345
	family "$1" http_response_start_seconds histogram seconds
	series_lines http_response_start_seconds 1 0.007
	family "$1" http_request_queue_seconds histogram seconds
	histogram_lines http_request_queue_seconds "$pod" 400 1000000000
	family "$1" http_requests_aborted counter
	echo "http_requests_aborted_total{$pod,role=\"server\",by=\"client\"} 11"
	echo "http_requests_aborted_total{$pod,role=\"server\",by=\"server\"} 12"
	echo "http_requests_aborted_total{$pod,role=\"client\",by=\"client\"} 13"
	echo "http_requests_aborted_total{$pod,role=\"client\",by=\"server\"} 14"
	family "$1" http_responses_overflow counter
	echo "http_responses_overflow_total{$pod} 15"
	family "$1" podtag_http_lost counter
	for reason in desync depth request budget memory series no_pod; do
		echo "podtag_http_lost_total{reason=\"$reason\"} $((lost++))"
	done
}

# What is in the maps is on the page, line for line, in both formats and for as long as other counters.
# shellcheck disable=SC2046
test_http_series()
{
	local id i
	pod_add pod "$(list)"
	id=$(pod_id pod)
	series_write "$id" 200 1 0 100
	series_write "$id" 0 9 1 200
	series_write "$id" 5 0 0 300
	series_write $((id + 1)) 200 1 0 1 # nobody's
	bpftool map update pinned "$PINS/maps/http_pods" key hex $(bytes 8 "$id") \
		value hex $(histogram_bytes 400 1000000000000000000) $(bytes 8 11 12 13 14 15 3)
	for i in {0..6}; do
		bpftool map update pinned "$PINS/maps/http_lost" key hex $(bytes 4 "$i") \
			value hex $(bytes 8 0 0 0) $(bytes 8 $((50 + i)))
	done
	agent_start
	metrics >"$T/plain"
	promtool check metrics <"$T/plain" >&2 || fail "promtool"
	diff <(http_page plain) <(http_lines <"$T/plain") >&2 || fail "the older text"
	metrics -H 'Accept: application/openmetrics-text; version=1.0.0' >"$T/om"
	/usr/bin/python3 "$LIB/openmetrics" <"$T/om" || fail "not OpenMetrics"
	diff <(http_page om) <(http_lines <"$T/om") >&2 || fail "OpenMetrics"
	assert_json_equal "podtag dump pods" "$("$B/podtag" dump pods --json | jq '.[0].http | {aborted, overflow, queued} +
		{series: [.series[] | [.role, .method, .status, .count, .duration_ns, .start_ns]]}')" \
		'{"aborted": {"client": {"client": 13, "server": 14}, "server": {"client": 11, "server": 12}}, "overflow": 15,
		"queued": 7353, "series": [["server", "unknown", "5xx", 5553, 12000000345, 7000000],
		["server", "GET", "200", 1953, 12000000345, 7000000], ["client", "PATCH", "unknown", 3753, 12000000345, 7000000]]}'
	assert_equal "requests in the table" "$("$B/podtag" dump pods | awk '{ print $(NF - 1) }' | xargs)" "requests 7506"
	assert_json_equal "podtag status" "$("$B/podtag" status --json | jq .http_lost)" \
		'{"desync": 50, "depth": 51, "request": 52, "budget": 53, "memory": 54, "series": 55, "no_pod": 56}'

	pod_del pod
	"$TOOLS/backdate" pod 290
	diff <(http_page plain) <(metrics | http_lines) >&2 || fail "4:50 after DEL"
	"$TOOLS/backdate" pod 11
	assert_equal "series 5:01 after DEL" "$(metrics | grep -c '^http_' || true)" 0
}

# Names that no Kubernetes would let pass reach the page escaped.
test_strange_names()
{
	pod_add bare "$(conflist base 1.0.0 "$(bridge 1)")"
	PT_ARGS='K8S_POD_NAMESPACE=a"b\c;K8S_POD_NAME=x{y}' plugin ADD /run/netns/bare strange eth0 \
		"$(jq -c '{cniVersion, name: "net", type: "podtag", prevResult: .}' "$T/bare.result")" >/dev/null
	agent_start
	metrics >"$T/plain"
	promtool check metrics <"$T/plain" >&2 || fail "promtool"
	grep -qF 'namespace="a\"b\\c",pod="x{y}"' "$T/plain" || fail "escaping: $(grep pod_info "$T/plain")"
	plugin DEL "" strange eth0 '{"cniVersion":"1.0.0","name":"net","type":"podtag"}'
}

status_of() # CURL-OPTIONS... PATH
{
	curl -s -o "$T/body" -w '%{http_code}' --max-time 5 "${@:1:$#-1}" "$AGENT${!#}"
}

test_http()
{
	agent_start
	assert_equal /metrics "$(status_of /metrics)" 200
	assert_equal "HEAD /metrics" "$(status_of -I /metrics)" 200
	assert_equal /healthz "$(status_of /healthz)" 200
	assert_equal /readyz "$(status_of /readyz)" 200
	assert_equal /nothing "$(status_of /nothing)" 404
	assert_equal "POST /metrics" "$(status_of -X POST -d x /metrics)" 405
	assert_equal "DELETE /healthz" "$(status_of -X DELETE /healthz)" 405
	# someone who connects and says nothing stops nobody
	exec 7<>/dev/tcp/127.0.0.1/9435
	assert_equal "/metrics beside a silent client" "$(status_of /metrics)" 200
	exec 7>&-
}

test_sigterm_leaves_the_datapath()
{
	agent_start
	pod_add pod "$(list)"
	traffic_begin pod
	agent_stop
	assert_equal "exit status" "$AGENT_STATUS" 0
	serve pod 80
	load "" -c 4 -u 100000 -d 100000 "$(pod_address pod)" 80
	agent_start
	assert_traffic_exact pod
}

test_unloaded_and_back()
{
	agent_start
	pod_add pod "$(list tcx)"
	"$B/podtag" unload >&2
	metrics >/dev/null || fail "/metrics without a datapath"
	wait_for 20 is_ready # the agent loads it again
	pod_add two "$(list)"
	traffic_begin two
	serve two 80
	load "" "$(pod_address two)" 80
	assert_traffic_exact two
	assert_metric 1 podtag_pod_info 'pod="two"'
}

is_ready() { [[ -e $PINS/maps/pods && $(status_of /readyz) == 200 ]]; }

# What is scraped by the real one can be asked for.
test_prometheus()
{
	local pid
	pod_add pod "$(list)"
	serve pod 80
	agent_start
	mkdir "$T/prometheus"
	printf '%s\n' "global: {scrape_interval: $((200 * SLOW))ms}" 'scrape_configs:' '- job_name: podtag' \
		'  static_configs: [{targets: ["127.0.0.1:9435"]}]' >"$T/prometheus.yml"
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/prometheus" \
		--web.listen-address=127.0.0.1:9099 --log.level=warn >"$T/prometheus.log" 2>&1 &
	pid=$!
	PIDS+=("$pid")
	wait_for 15 query_is 'count(tcp_retransmits_total{namespace="shop",pod="pod"})' 6
	wait_for 15 query_is 'count(http_request_queue_seconds_bucket{pod="pod",le=~"0.0005|1.0|10.0"})' 3
	lose pod 5
	load "" -c 8 -j 4 -u 100000 -d 1000000 "$(pod_address pod)" 80
	lose_nothing
	wait_for 30 sockets_are_quiet pod
	wait_for 10 query_is 'sum(tcp_retransmits_total{namespace="shop",pod="pod"})' "$(snmp pod Tcp RetransSegs)"
	wait_for 10 query_is 'up{job="podtag"}' 1
	# the first one is seen too, because the series began with 0
	assert_at_least "increase()" "$(query 'sum(increase(tcp_retransmits_total{pod="pod"}[1m])) > bool 0')" 1
}

query() # PROMQL
{
	curl -fsS --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:9099/api/v1/query |
		jq -r '.data.result[0].value[1] // "nothing"'
}

query_is() # PROMQL VALUE
{
	local got
	got=$(query "$1")
	[[ $got == "$2" ]] || { echo "$got instead of $2" && return 1; }
}

test_options()
{
	assert_fails "$B/podtag-agent" --listen-address nowhere
	assert_fails "$B/podtag-agent" --nonsense
	assert_contains "--help" "$("$B/podtag-agent" --help)" --listen-address
	echo '{"listenAddress":"127.0.0.1:9777"}' >"$T/agent.json"
	AGENT=http://127.0.0.1:9777 agent_start --config "$T/agent.json"
	# the port is taken
	assert_fails timeout 10 "$B/podtag-agent" --config "$T/agent.json"
}

run_tests "$@"

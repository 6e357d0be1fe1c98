#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A real Prometheus scrapes a node under load, with what goes wrong there: each panel has data, each rule
# is evaluated, each alert is raised by its own cause, and what is deleted goes.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

PROMETHEUS=http://127.0.0.1:9099

before_each()
{
	local list pod
	needs_speed "a load that Prometheus has scraped ten times"
	load_podtag
	list=$(conflist net 1.0.0 "$(bridge 7)" "$(podtag)")
	for pod in web slow odd cli; do
		pod_add "$pod" "$list"
		in_pod "$pod" ip link set lo up
	done
	agent_start
}

# The agent as the PodMonitor has it scraped, a page in the place of kube-state-metrics', and the rules.
prometheus_start()
{
	mkdir -p "$T/prometheus" "$T/kube"
	python3 -m http.server -b 127.0.0.1 -d "$T/kube" 9098 >"$T/kube.log" 2>&1 &
	PIDS+=($!)
	"$LIB/podmonitor" "$TOP/install/podmonitor.yaml" 127.0.0.1:9435 namespace=kube-system pod_name=podtag-x7k2p \
		pod_container_name=agent pod_node_name=node-1 pod_label_app_kubernetes_io_name=podtag |
		jq --arg rules "$TOP/install/prometheus/podtag.rules.yaml" '.rule_files = [$rules] |
			.global.evaluation_interval = "1s" | .scrape_configs += [{job_name: "kube-state-metrics",
				honor_labels: true, static_configs: [{targets: ["127.0.0.1:9098"]}]}]' >"$T/prometheus.yml"
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/prometheus" \
		--web.listen-address="${PROMETHEUS#http://}" --log.level=warn >"$T/prometheus.log" 2>&1 &
	PIDS+=($!)
	wait_for 30 has 'up{job="podtag",node="node-1"} == 1'
}

query() # PROMQL
{
	curl -fsS --max-time 5 --data-urlencode "query=$1" "$PROMETHEUS/api/v1/query" | jq -c '.data.result'
}

has() { [[ $(query "$1") == "[{"* ]]; } # PROMQL

has_not() { [[ $(query "$1") == "[]" ]]; } # PROMQL

# The names of the alerts that wait or fire.
alerts()
{
	curl -fsS --max-time 5 "$PROMETHEUS/api/v1/alerts" | jq -r '.data.alerts[].labels.alertname' | sort -u
}

are_raised() # ALERT...: these and no others
{
	local got
	got=$(alerts | xargs)
	[[ $got == "$*" ]] || { echo "$got" && return 1; }
}

is_raised() { alerts | grep -qx "$1"; } # ALERT

evaluate() # VARIABLE=VALUE... DASHBOARD...
{
	"$LIB/dashboards" evaluate "$PROMETHEUS" __rate_interval=10s __range=30s "$@"
}

# --- what goes wrong ------------------------------------------------------------------------------

# Up to 100 requests a second, of which a seventh fails, while a fifth of what the server sends is lost.
load_web()
{
	cat >"$T/wrk.lua" <<-'LUA'
		local path, n = { "/small", "/status/500", "/status/204", "/small", "/status/404", "/small", "/small" }, 0
		function request() n = n + 1 return wrk.format(nil, path[n % 7 + 1]) end
		function delay() return 20 end
	LUA
	start_nginx
	lose web 20
	ip netns exec cli wrk -t 1 -c 2 -d 5m -s "$T/wrk.lua" "http://$(pod_address web)" >"$T/wrk" 2>&1 &
	PIDS+=($!)
}

# Eight at once who ask a single worker that takes 0.3 s for each, again and again.
load_slow()
{
	listen_in slow 81 "$HTTP/serve.py" 81 "$T/www" one
	ip netns exec cli bash -c 'while "$@" >/dev/null; do :; done' - "$HTTP/measure.py" -a "$(pod_address slow)" 81 \
		/sleep/300/200 8 2>"$T/measure" &
	PIDS+=($!)
}

# More statuses than a pod may have series.
exceed_budget()
{
	local server=() client=() status
	for status in {200..299}; do
		server+=(head "send:HTTP/1.1 $status x\r\nContent-Length: 0\r\n\r\n")
		client+=("send:GET / HTTP/1.1\r\n\r\n" head)
	done
	listen_in odd 82 "$HTTP/peer" serve 82 "${server[@]}" eof
	in_pod cli "$HTTP/peer" call "$(pod_address odd)" 82 "${client[@]}" >&2
}

# An ADD that the runtime takes for a success.
degrade_add()
{
	plugin ADD /run/netns/gone c0ffee-gone eth0 '{"cniVersion":"1.0.0","name":"net","type":"podtag","prevResult":
		{"cniVersion":"1.0.0","interfaces":[],"ips":[]}}' >&2
}

kube_pod_owner()
{
	cat >"$T/kube/new" <<-'TEXT'
		# HELP kube_pod_owner Information about the Pod's owner.
		# TYPE kube_pod_owner gauge
		kube_pod_owner{namespace="shop",pod="web",uid="1",owner_kind="ReplicaSet",owner_name="front-5d4f8c9b7d",owner_is_controller="true"} 1
		kube_pod_owner{namespace="shop",pod="slow",uid="2",owner_kind="StatefulSet",owner_name="db",owner_is_controller="true"} 1
		kube_pod_owner{namespace="shop",pod="cli",uid="3",owner_kind="<none>",owner_name="<none>",owner_is_controller="<none>"} 1
	TEXT
	mv "$T/kube/new" "$T/kube/metrics"
}

# --- what must be so ------------------------------------------------------------------------------

# Each rule could be evaluated, and what is recorded is there.
assert_rules()
{
	local name
	curl -fsS --max-time 5 "$PROMETHEUS/api/v1/rules" | jq '[.data.groups[].rules[]]' >"$T/rules"
	assert_equal "rules" "$(jq length "$T/rules")" "$(grep -cE '^  - (alert|record):' "$TOP/install/prometheus/podtag.rules.yaml")"
	assert_equal "rules that fail" "$(jq -c '[.[] | select(.health != "ok") | [.name, .lastError]]' "$T/rules")" "[]"
	for name in $(jq -r '.[] | select(.type == "recording").name' "$T/rules"); do
		has "$name" || fail "nothing is recorded as $name"
	done
}

assert_workloads() # NAME...
{
	assert_equal "workloads" \
		"$(query 'count by (workload) (namespace_pod_workload:podtag_pod:info)' | jq -r '[.[].metric.workload] | sort | join(" ")')" "$*"
}

assert_dashboards()
{
	local grafana=$TOP/install/grafana
	evaluate by=workload,pod "$grafana/pods.json" || fail "Pods: $1"
	evaluate namespace=shop pod=web role=server "$grafana/pod.json" || fail "One pod, a server: $1"
	evaluate namespace=shop pod=cli role=client "$grafana/pod.json" || fail "One pod, a client: $1"
	evaluate "$grafana/podtag.json" || fail "podtag itself: $1"
}

# The request rate as the dashboard has it, of workloads or pods.
request_rate() # WORKLOAD BY
{
	jq -r '.panels[] | select(.title == "Request rate").targets[0].expr' "$TOP/install/grafana/pods.json" |
		sed "s/\$workload/$1/g; s/\$by/$2/g; s/\$__rate_interval/10s/g; s/\$[a-z][a-z]*/.+/g"
}

# Nothing is left out by the join with the workloads, and nothing is in it twice; a chosen one is alone.
assert_joined()
{
	has "abs(sum($(request_rate .+ workload)) / sum(rate(http_request_duration_seconds_count{role=\"server\"}[10s])) - 1) < 1e-9" ||
		fail "by workload: $(query "$(request_rate .+ workload)")"
	assert_equal "one workload's pods" "$(query "$(request_rate front pod)" | jq -c '[.[].metric]')" '[{"namespace":"shop","pod":"web"}]'
	assert_equal "no workload's pods" "$(query "$(request_rate fron pod)")" "[]"
}

# What a pod tells of itself while it lives goes at the next scrape, its counters after five minutes;
# what is recorded fades with its window.
assert_staleness() # POD: without servers
{
	local counters="{__name__=~\"(http|tcp|pod)_.*\",pod=\"$1\"}" count
	count=$(query "count($counters)")
	pod_del "$1"
	wait_for 5 has_not "{__name__=~\"podtag_pod_(info|attached)\",pod=\"$1\"}"
	sleep 1.5 # a scrape
	assert_equal "counters after DEL" "$(query "count($counters)" | jq '.[0].value[1]')" "$(jq '.[0].value[1]' <<<"$count")"
	"$TOOLS/backdate" "$1" 301
	wait_for 5 has_not "$counters"
	has "last_over_time(tcp_retransmits_total{pod=\"$1\"}[1m])" || fail "the past is gone as well"
}

test_panels_rules_and_alerts()
{
	local out
	prometheus_start
	load_web
	load_slow
	exceed_budget
	degrade_add
	wait_for 60 has 'sum(increase(http_request_duration_seconds_count{pod="slow",role="server"}[5m])) > 36'
	assert_workloads cli odd slow web
	assert_dashboards "without kube-state-metrics"
	assert_rules
	wait_for 10 are_raised PodtagCniFailures PodtagHttpErrors PodtagHttpLatency PodtagHttpQueueing PodtagRetransmits \
		PodtagSeriesBudget

	kube_pod_owner
	wait_for 10 has 'namespace_workload:http_requests:rate5m{workload="front"}'
	assert_workloads cli db front odd
	assert_dashboards "with kube-state-metrics"
	assert_joined
	assert_staleness odd
	out=$(metrics | promtool check metrics 2>&1) || fail "promtool: $out"
	assert_equal "what promtool says" "$out" ""

	"$B/podtag" unload >&2
	wait_for 10 is_raised PodtagDatapathMissing
	agent_stop
	wait_for 10 is_raised PodtagAgentDown
}

run_tests "$@"

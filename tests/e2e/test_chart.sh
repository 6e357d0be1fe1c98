#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The manifests and the chart: that they are the same, and what Kubernetes and Prometheus take.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

CHART=$TOP/install/helm/podtag
PATH=$B/deps/bin:$PATH

needs() { command -v "$1" >/dev/null || skip "no $1: npm has it, see install/deps.sh"; } # PROGRAM

render() # [helm's options...]
{
	helm template podtag "$CHART" --namespace kube-system "$@"
}

# One JSON text of each object, in order of kind; what helm alone puts into metadata is taken out.
objects() # FILE...
{
	/usr/bin/python3 - "$@" <<-'PY'
		import json, sys, yaml
		helm = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "app.kubernetes.io/version")
		objects = [d for name in sys.argv[1:] for d in yaml.safe_load_all(open(name)) if d]
		for object in sorted(objects, key=lambda object: object["kind"]):
		    for label in helm:
		        object["metadata"]["labels"].pop(label, None)
		    print(json.dumps(object, sort_keys=True, indent=1))
	PY
}

test_the_chart_is_the_manifest()
{
	needs helm
	helm lint --strict "$CHART" >&2
	render --set podMonitor.enabled=true >"$T/chart.yaml"
	diff <(objects "$TOP"/install/{daemonset,podmonitor}.yaml) <(objects "$T/chart.yaml")
	assert_equal "objects by default" "$(render | grep '^kind:')" "kind: DaemonSet"
}

test_one_version()
{
	local version
	version=$(sed -n 's/^VERSION := //p' "$TOP/Makefile")
	assert_equal "images" "$(sed -n 's/.*image: localhost.podtag://p' "$TOP"/install/{daemonset,uninstall}.yaml | sort -u)" \
		"$version"
	assert_equal "chart" "$(sed -n 's/^\(appV\|v\)ersion: //p' "$CHART/Chart.yaml" | sort -u)" "$version"
}

test_values()
{
	local try
	needs helm
	render --set listenAddress=127.0.0.1,port=99,logLevel=debug,adoption=false,cniBinDir=/b,cniConfDir=/c \
		--set 'extraCapabilities={SYS_RESOURCE},podLabels.a=b,podAnnotations.c=d,imagePullSecrets[0].name=s' \
		--set image.repository=r.example/p,image.tag=t,podMonitor.enabled=true,podMonitor.interval=15s \
		--set podMonitor.labels.release=x >"$T/all.yaml"
	"$LIB/kube_schema" "$T/all.yaml" >&2
	for try in 'image: r.example/p:t' '- --listen-address=127.0.0.1:99' '- --log-level=debug' 'host: 127.0.0.1}' \
		'- SYS_RESOURCE' 'a: b' 'c: d' 'name: s' '- --cni-bin-dir=/b' '- --cni-conf-dir=/c' 'mountPath: /c}' \
		'path: /b,' 'interval: 15s' 'release: x' 'hostPort: 99'; do
		grep -qF -- "$try" "$T/all.yaml" || fail "'$try' is not in: $(cat "$T/all.yaml")"
	done
	assert_lacks "capabilities" "$(cat "$T/all.yaml")" SYS_ADMIN

	# without adoption TLS wants SYS_ADMIN all the same; on without quotes is true
	printf 'tls: on\nadoption: false\n' >"$T/values.yaml"
	render -f "$T/values.yaml" >"$T/on.yaml"
	render --set tls=auto,tlsBudget=5 >"$T/auto.yaml"
	"$LIB/kube_schema" "$T/on.yaml" "$T/auto.yaml" >&2
	assert_contains "args" "$(cat "$T/on.yaml")" '- --tls=on'
	assert_contains "args" "$(cat "$T/auto.yaml")" '- --tls=auto'
	assert_contains "args" "$(cat "$T/auto.yaml")" '- --tls-budget=5'
	for try in 'hostPID: true' '- SYS_ADMIN' '- SYS_PTRACE' '- DAC_READ_SEARCH'; do
		assert_equal "'$try' in both" "$(grep -lF -- "$try" "$T/on.yaml" "$T/auto.yaml" | wc -l)" 2
		[[ $try == *ADMIN ]] || assert_lacks "off" "$(render --set tls=false)" "$try"
	done

	# a word that means nothing is refused, not left out
	for try in port=0 port=x listenAddress=node listenAddress=::1 nope=1 image.tga=1 adoption=maybe cniBinDir=opt \
		logLevel=loud tls=maybe tlsBudget=0 image.pullPolicy=Often podMonitor.interval=often 'extraCapabilities={x}' \
		prometheusRule.runbooks=x dashboards.enabled=maybe; do
		assert_fails render --set "$try"
		assert_contains "what is said of $try" "$(cat "$T/err")" "${try%%[.=]*}"
	done
}

# The rules and dashboards in the chart, packed as well, are those of install/.
test_rules_and_dashboards()
{
	local chart file
	needs helm
	helm package "$CHART" -d "$T" >&2
	for chart in "$CHART" "$T"/podtag-*.tgz; do
		CHART=$chart render --set prometheusRule.enabled=true,prometheusRule.labels.release=x,dashboards.enabled=true \
			--set prometheusRule.runbooks=https://wiki.example/ >"$T/objects.yaml"
		"$LIB/kube_schema" "$T/objects.yaml" >&2
		objects "$T/objects.yaml" | jq -s '.[] | select(.kind == "PrometheusRule")' >"$T/rule.json"
		objects "$T/objects.yaml" | jq -s '.[] | select(.kind == "ConfigMap")' >"$T/dashboards.json"
		assert_lacks "runbooks" "$(cat "$T/rule.json")" docs/runbooks/
		jq .spec "$T/rule.json" | sed 's,https://wiki.example/,docs/runbooks/,' >"$T/spec.json"
		promtool check rules "$T/spec.json" >&2
		diff <(/usr/bin/python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))' \
			<"$TOP/install/prometheus/podtag.rules.yaml" | jq .) <(jq . "$T/spec.json")
		assert_equal "labels" "$(jq -r .metadata.labels.release "$T/rule.json") $(
			jq -r .metadata.labels.grafana_dashboard "$T/dashboards.json")" "x 1"
		assert_equal "dashboards" "$(jq -r '.data | keys | join(" ")' "$T/dashboards.json")" "pod.json pods.json podtag.json"
		for file in "$TOP"/install/grafana/*.json; do
			jq -j --arg name "${file##*/}" '.data[$name]' "$T/dashboards.json" | diff - "$file"
		done
	done
}

test_kubernetes_takes_them()
{
	/usr/bin/python3 -c 'import kubernetes' 2>/dev/null || skip "no python3-kubernetes"
	"$LIB/kube_schema" "$TOP"/install/{daemonset,uninstall}.yaml >&2
	# the check can fail
	for edit in s/hostNetwork/hostNetwrk/ 's/periodSeconds: 10/periodSeconds: ten/' 's/ args:/ arg:/' \
		's/drop: \[ALL\]/drop: ALL/' 's/SYS_ADMIN/{}/' /matchLabels/,+1d; do
		sed "$edit" "$TOP/install/daemonset.yaml" >"$T/wrong.yaml"
		assert_fails "$LIB/kube_schema" "$T/wrong.yaml"
	done
}

test_kustomize()
{
	needs kubectl
	mkdir "$T/overlay"
	cp -r "$TOP/install" "$T/base"
	cat >"$T/overlay/kustomization.yaml" <<-YAML
		resources: [../base]
		images: [{name: localhost/podtag, newName: r.example/podtag, newTag: "2"}]
	YAML
	kubectl kustomize "$TOP/install" >"$T/same.yaml"
	diff <(objects "$TOP/install/daemonset.yaml") <(objects "$T/same.yaml")
	kubectl kustomize "$T/overlay" >"$T/other.yaml"
	assert_equal "images" "$(grep -c 'image: r.example/podtag:2' "$T/other.yaml")" 3
	assert_lacks "images" "$(cat "$T/other.yaml")" localhost
}

query() # PROMQL
{
	curl -fsS --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:9099/api/v1/query | jq -c '.data.result'
}

has_series() { [[ $(query "$1" | jq length) == "$2" ]]; } # PROMQL HOW-MANY

# Whose namespace and pod it is, as Prometheus has it in the end.
test_labels_in_prometheus()
{
	pod_add api "$(conflist net 1.0.0 "$(bridge 1)" "$(podtag)")"
	netns_new nameless
	pod_add nameless "$(conflist net 1.0.0 "$(bridge 1)" "$(podtag)")" --args "IgnoreUnknown=1"
	agent_start
	mkdir "$T/prometheus"
	"$LIB/podmonitor" "$TOP/install/podmonitor.yaml" 127.0.0.1:9435 namespace=kube-system pod_name=podtag-x7k2p \
		pod_container_name=agent pod_node_name=node-1 pod_label_app_kubernetes_io_name=podtag >"$T/prometheus.yml"
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/prometheus" \
		--web.listen-address=127.0.0.1:9099 --log.level=warn >"$T/prometheus.log" 2>&1 &
	PIDS+=("$!")
	wait_for 20 has_series 'up{job="podtag",namespace="kube-system",pod="podtag-x7k2p",node="node-1"}' 1
	wait_for 10 has_series 'pod_network_bytes_total{namespace="shop",pod="api",node="node-1"}' 2
	wait_for 10 has_series 'podtag_build_info{namespace="kube-system",pod="podtag-x7k2p"}' 1
	assert_equal "renamed labels" "$(query '{exported_pod!=""}')" "[]"
	assert_equal "the agent's container" "$(query '{container!=""}')" "[]"
	assert_equal "pod of kube-system" "$(query 'pod_network_bytes_total{namespace="kube-system"}')" "[]"
	say "$(query 'podtag_pod_info{pod!="api"}')"
}

run_tests "$@"

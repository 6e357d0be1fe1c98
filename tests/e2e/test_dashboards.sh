#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Dashboards, rules and runbooks as they are handed out; test_prometheus.sh has them at work.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

GRAFANA=$TOP/install/grafana
RULES=$TOP/install/prometheus/podtag.rules.yaml

# The JSON is what the source makes, and nothing else.
test_dashboards_are_their_source()
{
	local file
	jsonnetfmt --test "$GRAFANA"/*sonnet || fail "jsonnetfmt -i $GRAFANA/*sonnet"
	mkdir "$T/made"
	jsonnet -m "$T/made" "$GRAFANA/dashboards.jsonnet" >/dev/null
	assert_equal "files" "$(cd "$GRAFANA" && echo *.json)" "$(cd "$T/made" && echo *.json)"
	for file in "$T"/made/*; do
		cmp "$file" "$GRAFANA/${file##*/}" || fail "jsonnet -m install/grafana install/grafana/dashboards.jsonnet"
	done
}

# Units, descriptions, ids, places and variables; and that the check sees when one is wrong.
test_panels_are_explained()
{
	local edit
	"$LIB/dashboards" check "$GRAFANA"/*.json || fail "dashboards"
	for edit in 'del(.panels[1].fieldConfig.defaults.unit)' '.panels[1].description = "Request rate."' \
		'.panels[2].fieldConfig.defaults.unit = "seconds"' '.panels[2].id = .panels[1].id' '.id = 1' \
		'.panels[1].gridPos.h += 1' '.panels[1].targets[0].expr |= sub("pod"; "$podd")' 'del(.templating.list[0])' \
		'.panels[1].targets = []' '.panels[1].datasource.uid = "prometheus"' '.panels[2].title = .panels[1].title' \
		'.templating.list[1].query.query |= sub(","; ",\n")'; do
		jq "$edit" "$GRAFANA/pod.json" >"$T/wrong.json"
		assert_fails "$LIB/dashboards" check "$T/wrong.json"
		assert_contains "what is said of $edit" "$(cat "$T/out")" "$T/wrong.json: "
	done
	assert_fails "$LIB/dashboards" check "$GRAFANA/pod.json" "$GRAFANA/pod.json"
}

alerts() { sed -n 's/^  - alert: //p' "$RULES" | sort -u; }

test_rules()
{
	promtool check rules --lint-fatal "$RULES" >&2
	promtool test rules "$TESTS"/rules/*.yaml >&2
	# each alert is seen to fire and seen not to
	assert_equal "alerts that fire in tests/rules" \
		"$(grep -hA 3 'alertname: ' "$TESTS"/rules/*.yaml | grep -B 3 'exp_labels' | sed -n 's/.*alertname: //p' | sort -u)" "$(alerts)"
	assert_equal "alerts that do not" \
		"$(sed -n 's/.*alertname: \(.*\), eval_time.*exp_alerts: \[\].*/\1/p' "$TESTS"/rules/*.yaml | sort -u)" "$(alerts)"
}

# Each alert has its page, which says what it means, how to check and what to do; and each page its alert.
test_runbooks()
{
	local alert heading
	assert_equal "pages" "$(cd "$TOP/docs/runbooks" && printf '%s\n' Podtag*.md)" "$(alerts | sed 's/$/.md/')"
	assert_equal "alerts and links" "$(grep -c '^  - alert' "$RULES")" "$(grep -c '^      runbook_url: ' "$RULES")"
	for alert in $(alerts); do
		assert_contains "rules" "$(cat "$RULES")" "runbook_url: docs/runbooks/$alert.md"
		assert_equal "title" "$(head -n 1 "$TOP/docs/runbooks/$alert.md")" "# $alert"
		for heading in "## What it means" "## How to check" "## What to do"; do
			grep -qx "$heading" "$TOP/docs/runbooks/$alert.md" || fail "$alert.md: no '$heading'"
		done
	done
}

run_tests "$@"

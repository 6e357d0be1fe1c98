#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The podtag before this one, whose maps had another layout, and this one on the same node: upgrades in
# one step, and half done in either order.
# shellcheck disable=SC2119,SC2153
# shellcheck source=../lib/adopt.sh disable=SC1091
. "$(dirname "$0")/../lib/adopt.sh"

OLD=$B/previous

before_each()
{
	[[ -x $OLD/podtag ]] || skip "no podtag of before: no history here to build it from, or another processor"
}

# Runs a command as on a node that has the plugin of before.
with_old_plugin() { CNI_PATH=$OLD:$DEBIAN_CNI "$@"; }

old_agent_start() { B=$OLD agent_start; }

schemas() { ls /sys/fs/bpf/podtag; }

this_one_alone() { [[ $(schemas) == "${PINS##*/}" ]]; }

# Interface and podtag go apart by nothing but what there was before.
gap_of() # POD
{
	same_moment 10 "link_traffic $1 eth0" "pod_traffic $1"
	minus "$A_VALUE" "$B_VALUE"
}

test_upgrade_takes_the_pods_over()
{
	local gap
	old_agent_start
	with_old_plugin pod_add web "$(after)"
	with_old_plugin pod_add cli "$(after)"
	serve web 80
	in_pod cli "$TOOLS/load" run -j 4 -c 4 -r 12 -i 500 -u 200000 -d 200000 "$(pod_address web)" 80 >"$T/load" &
	PIDS+=($!)
	wait_for 10 has_received web 500000
	agent_stop
	assert_equal "exit status" "$AGENT_STATUS" 0

	agent_start
	wait_for 10 is_adopted 2
	assert_equal "loaded" "$(schemas)" "${PINS##*/}"
	assert_equal "web" "$(metric podtag_pod_info 'pod="web"' 'uid="uid-web"')" 1
	gap=$(gap_of web)
	kill -0 "${PIDS[-1]}" || fail "the connections did not last"
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	wait_for 30 sockets_are_quiet web
	assert_equal "interface less podtag" "$(gap_of web)" "$gap"
	pods_del_all
	assert_equal "info" "$(metric podtag_pod_info)" ""
}

# The installer has not been there yet: pods come and go by the plugin of before.
test_old_plugin_with_this_agent()
{
	agent_start
	with_old_plugin pod_add web "$(after)"
	wait_for 30 is_adopted 1
	wait_for 30 this_one_alone
	assert_equal "web" "$(metric podtag_pod_info 'pod="web"' 'uid="uid-web"')" 1
	with_old_plugin pod_del web
	wait_for 40 no_pods
	assert_equal "info" "$(metric podtag_pod_info)" ""
}

# The agent's container has not been replaced yet.
test_this_plugin_with_old_agent()
{
	old_agent_start
	with_old_plugin pod_add old "$(after)"
	pod_add new "$(after)"
	assert_equal "new" "$(pod_json new | jq -r .value.uid)" uid-new
	in_pod new ping -c 1 -W 1 10.1.0.1 >/dev/null || in_pod new ping -c 1 "$(pod_address old)" >/dev/null
	assert_contains "the old agent's page" "$(metrics)" 'podtag_pod_info{namespace="shop",pod="old"'
	pod_del old
	pod_del new
	agent_stop

	agent_start
	wait_for 30 this_one_alone
	assert_equal "pods" "$(map_entries attachments)" 0
}

# What `podtag load` and `podtag unload` do without an agent.
test_load_and_unload()
{
	with_old_plugin pod_add web "$(after)"
	assert_contains "status" "$("$OLD/podtag" status)" "loaded"
	assert_contains "load" "$("$B/podtag" load)" "removed"
	this_one_alone || fail "there are $(schemas)"
	assert_adopted "web" "1 0 0 0"
	"$OLD/podtag" load >/dev/null
	assert_contains "status" "$("$B/podtag" status)" "other map layouts"
	assert_equal "result" "$("$B/podtag" -j load)" '{"result":"nothing to do","retired":1}'
	"$OLD/podtag" load >/dev/null
	"$B/podtag" unload
	assert_equal "left" "$(schemas)" ""
	pod_del web
}

run_tests "$@"

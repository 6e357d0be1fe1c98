#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs are replaced in place: under traffic not one packet and not one retransmit goes uncounted.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

# The same sources as another BPF object and with another version: an upgrade in both directions.
OTHER=$B/variant/podtag
[[ -x $OTHER ]] || { echo "no other build: make tests-built" && exit 1; }

loaded_version() { "$B/podtag" -j status | jq -r .version; }

test_what_load_says()
{
	local version
	assert_contains "first" "$("$B/podtag" load)" created
	version=$(loaded_version)
	assert_contains "again" "$("$B/podtag" load)" nothing
	assert_contains "the other" "$("$OTHER" load)" upgraded
	assert_equal "version" "$(loaded_version)" 99.0.0
	assert_contains "the other again" "$("$OTHER" load)" nothing
	assert_contains "and back" "$("$B/podtag" load)" upgraded
	assert_equal "version" "$(loaded_version)" "$version"
	assert_equal "directories" "$(cd /sys/fs/bpf/podtag && ls -d -- *)" "${PINS##*/}"
}

pods_map_id() { bpftool -j map show pinned "$PINS/maps/pods" | jq .id; }

load_until() # FILE is there
{
	until [[ -e $1 ]]; do
		in_pod client "$TOOLS/load" run -j 6 -c 1000000 -t 8 -u 300000 -d 300000 "$(pod_address server)" 80 \
			>"$T/load" || return
	done
}

test_upgrades_under_traffic()
{
	local i id maps
	pod_add server "$(conflist net 1.0.0 "$(ptp 1)" "$(podtag)")"
	pod_add client "$(conflist net 1.0.0 "$(ptp 1)" "$(podtag tcx)")"
	id=$(pod_id server)
	maps=$(pods_map_id)
	serve server 80
	traffic_begin server
	traffic_begin client
	lose client 3
	lose server 3
	load_until "$T/upgraded" &
	PIDS+=($!)
	for ((i = 0; i < 20; i++)); do
		if ((i % 2)); then
			assert_contains "upgrade $i" "$("$B/podtag" load)" upgraded
		else
			assert_contains "upgrade $i" "$("$OTHER" load)" upgraded
		fi
	done
	touch "$T/upgraded"
	wait "${PIDS[-1]}" || fail "$(cat "$T/load")"
	unset 'PIDS[-1]'
	lose_nothing
	assert_equal "pod id" "$(pod_id server)" "$id"
	assert_equal "id of map pods" "$(pods_map_id)" "$maps"
	assert_traffic_exact server
	assert_traffic_exact client
	for i in server client; do
		wait_for 30 sockets_are_quiet "$i"
		same_moment 10 "kernel_retransmits $i" "pod_retransmits $i"
		say "$i: kernel $A_VALUE, podtag $B_VALUE"
		assert_told "$i: retransmits" "${B_VALUE%% *}" "${A_VALUE%% *}"
		assert_at_least "$i: retransmits" "${A_VALUE%% *}" 1000
	done
}

# While nodes are upgraded, pods are begun by one version and ended by the other.
test_pods_across_versions()
{
	local list=
	list=$(conflist net 1.0.0 "$(bridge 1)" "$(podtag)")
	pod_add old "$list"
	mkdir "$T/bin"
	cp "$OTHER" "$T/bin/podtag"
	"$OTHER" load >/dev/null
	CNI_PATH=$T/bin:$DEBIAN_CNI
	pod_add new "$list"
	serve new 80
	traffic_begin old
	traffic_begin new
	load old -c 4 -u 100000 -d 100000 "$(pod_address new)" 80
	assert_traffic_exact old
	assert_traffic_exact new
	pod_del old
	CNI_PATH=$B:$DEBIAN_CNI
	kill "${PIDS[@]}"
	pod_del new
	assert_equal "ids" "$(map_dump pods | jq '[.[].formatted.key] | unique | length')" 2
}

run_tests "$@"

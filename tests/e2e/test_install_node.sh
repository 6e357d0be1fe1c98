#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag-install on a node that lives: pods come and go all along, and others write the chain too.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/install.sh disable=SC1091
. "$LIB/install.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

watch_start() # [COMMAND to run it under...]
{
	"$@" "$B/podtag-install" watch "${DIRS[@]}" >"$T/watch.log" 2>&1 &
	PIDS+=($!)
}

watch_stop()
{
	local rc=0
	kill "${PIDS[-1]}"
	wait "${PIDS[-1]}" || rc=$?
	assert_equal "exit status of watch" "$rc" 0
	unset 'PIDS[-1]'
}

watch_says() { grep -qF -- "$1" "$T/watch.log"; } # TEXT

installed_in() { cmp -s "$BIN/podtag" "$B/podtag" && entry_is_last "$1"; } # FILE

test_watch()
{
	local list=$CONF/10-net.conflist
	base_list 10-net.conflist
	cp "$list" "$T/original"
	rm -r "$CONF"

	# before the base CNI, and before its folder
	watch_start
	wait_for 5 watch_says "waiting for the base CNI"
	sleep 0.3
	[[ ! -e $CONF && ! -e $BIN/podtag ]] || fail "it did something"
	mkdir "$CONF"
	head -c 200 "$T/original" >"$list" # by somebody who does not rename
	sleep 0.3
	cat "$T/original" >"$list"
	wait_for 5 installed_in "$list"
	install_ status
	assert_fails install_ uninstall
	assert_contains "uninstall" "$(cat "$T/err")" "stop it first"
	entry_is_last "$list"

	cp "$T/original" "$list"
	wait_for 10 installed_in "$list"
	rm "$BIN/podtag"
	wait_for 10 installed_in "$list"
	cp "$B/podtag-pass" "$T/new" && mv "$T/new" "$BIN/podtag"
	wait_for 10 installed_in "$list"
	# a network that comes before
	base_list 05-first.conflist first
	wait_for 10 installed_in "$CONF/05-first.conflist"
	rm -r "$CONF"
	sleep 0.5
	mkdir "$CONF"
	cp "$T/original" "$list"
	wait_for 10 installed_in "$list"
	use_chain "$list"
	look "$list" "$BIN/podtag" >"$T/before"
	watch_stop
	look "$list" "$BIN/podtag" | cmp "$T/before"
}

# Somebody takes podtag out each time that it is put in.
revert() # FILE
{
	while :; do
		if grep -q '"podtag"' "$1"; then
			cp "$T/original" "$T/reverted"
			mv "$T/reverted" "$1"
			echo >>"$T/reverts"
		fi
		sleep 0.1
	done
}

test_war()
{
	local list=$CONF/05-cilium.conflist start seconds
	cp "$BIN/bridge" "$BIN/cilium-cni"
	conflist cilium 0.3.1 '{"type":"cilium-cni"}' >"$list"
	cp "$list" "$T/original"
	revert "$list" &
	PIDS+=($!)
	start=$SECONDS
	watch_start
	wait_for 60 watch_says "cni.exclusive=false"
	seconds=$((SECONDS - start))
	grep cilium-cni "$T/watch.log"
	assert_contains "cause" "$(cat "$T/watch.log")" "first plugin, cilium-cni"
	# a write in 5 s at most, and then one in a minute
	assert_at_least "seconds" "$((seconds + 1))" 25
	sleep 7
	assert_equal "reverts later" "$(wc -l <"$T/reverts")" 6
	watch_stop
}

test_without_inotify()
{
	local list=$CONF/10-net.conflist
	needs_strace
	base_list 10-net.conflist
	cp "$list" "$T/original"
	watch_start strace -D -o /dev/null -e inject=inotify_init1:error=EMFILE
	wait_for 10 installed_in "$list"
	assert_contains "what it says" "$(cat "$T/watch.log")" "no inotify"
	cp "$T/original" "$list"
	wait_for 12 installed_in "$list"
	watch_stop
}

# Pods come and go until $T/stop; the first failure is in $T/churn.NAME.
churn() # NAME
{
	local id i
	for ((i = 0; ; i++)); do
		[[ ! -e $T/stop ]] || return 0
		id=$(cri run shop "$1-$i" "$1-$i") && cri stop "$id" && cri remove "$id" || return 1
		echo "$i" >"$T/churned.$1"
	done
}

# Pods that were begun from now on have come to their end.
turn() # HOW-MANY
{
	local name i
	for name in a b; do
		i=$(cat "$T/churned.$name" 2>/dev/null || echo 0)
		wait_for 30 churned "$name" $((i + $1 + 1))
	done
}

churned() { (($(cat "$T/churned.$1" 2>/dev/null || echo 0) >= $2)); } # NAME NUMBER

test_node_keeps_working()
{
	local list=$CONF/10-net.conflist name pod
	declare -A id ns
	base_list 10-net.conflist
	cp "$list" "$T/original"
	containerd_start
	id[before]=$(cri run shop before uid-before) || fail "$(tail -n 5 "$T/containerd.log")"
	for name in a b; do
		churn "$name" >"$T/churn.$name" 2>&1 &
		PIDS+=($!)
	done
	turn 1
	install_ install
	turn 2
	id[first]=$(cri run shop first uid-first)
	"$OTHER" install "${DIRS[@]}"
	only_added_to "$T/original" "$list"
	turn 2
	id[second]=$(cri run shop second uid-second)
	cmp "$BIN/podtag" "$B/variant/podtag"
	watch_start
	wait_for 10 installed_in "$list"
	cp "$T/original" "$T/rewritten" && mv "$T/rewritten" "$list" # the base CNI starts anew
	wait_for 10 installed_in "$list"
	turn 1
	id[third]=$(cri run shop third uid-third)
	watch_stop
	for pod in first second third; do
		assert_equal "$pod" "$(pod_json "$pod" | jq -r .value.name)" "$pod"
		ns[$pod]=$(netns_of "$pod")
	done
	turn 1
	install_ uninstall
	cmp "$T/original" "$list"
	assert_kernel_clean
	assert_no_filters "${ns[@]}"
	turn 2
	assert_kernel_clean # it stays out
	assert_no_filters "${ns[@]}"
	for pod in before first second third; do
		cri stop "${id[$pod]}"
		cri remove "${id[$pod]}"
	done
	: >"$T/stop"
	for name in "${PIDS[@]}"; do
		wait "$name" || fail "a pod failed: $(cat "$T"/churn.*)"
	done
	PIDS=()
	say "pods: $(cat "$T"/churned.* | awk '{ n += $1 + 1 } END { print n }')"
	containerd_stop
}

run_tests "$@"

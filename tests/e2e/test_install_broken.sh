#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag-install cut at each step, on folders that are full or read-only, and several at once: the chain works.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/install.sh disable=SC1091
. "$LIB/install.sh"

test_read_only_folders()
{
	base_list 10-net.conflist
	cp "$CONF/10-net.conflist" "$T/original"
	mount --bind "$BIN" "$BIN"
	mount --bind "$CONF" "$CONF"
	mount -o remount,bind,ro "$BIN"
	assert_fails install_ install
	assert_contains "message" "$(cat "$T/err")" "$BIN/podtag cannot be written: Read-only file system"
	cmp "$T/original" "$CONF/10-net.conflist"

	# the very binary is there already, as in an image of the node's
	mount -o remount,bind,rw "$BIN"
	cp "$B/podtag" "$BIN/"
	mount -o remount,bind,ro "$BIN"
	mount -o remount,bind,ro "$CONF"
	assert_fails install_ install
	assert_contains "message" "$(cat "$T/err")" "$CONF/10-net.conflist cannot be written: Read-only file system"
	mount -o remount,bind,rw "$CONF"
	install_ install
	use_chain "$CONF/10-net.conflist"

	# the binary stays, but nobody calls it
	assert_fails install_ uninstall
	cmp "$T/original" "$CONF/10-net.conflist"
	assert_contains "message" "$(cat "$T/err")" "Read-only file system"
	assert_kernel_clean
	umount "$BIN" "$CONF"
}

test_full_disk()
{
	local free
	mount -t tmpfs -o size=64k tmpfs "$CONF"
	base_list 10-net.conflist
	cp "$CONF/10-net.conflist" "$T/original"
	install_ install --dry-run >/dev/null
	dd if=/dev/zero of="$CONF/filler" bs=4k 2>/dev/null || true
	assert_fails install_ install
	assert_contains "conf" "$(cat "$T/err")" "$CONF/10-net.conflist cannot be written: No space left on device"
	cmp "$T/original" "$CONF/10-net.conflist"
	assert_equal "files" "$(ls -A "$CONF")" "$(printf '10-net.conflist\nfiller')"
	# room for the backup only
	truncate -s 56k "$CONF/filler"
	assert_fails install_ install
	cmp "$T/original" "$CONF/10-net.conflist"
	rm "$CONF/filler"
	install_ install
	use_chain "$CONF/10-net.conflist"
	# and no way out on a full disk either; it says so and the chain still works
	dd if=/dev/zero of="$CONF/filler" bs=4k 2>/dev/null || true
	assert_fails install_ uninstall
	assert_contains "conf" "$(cat "$T/err")" "No space left on device"
	use_chain "$CONF/10-net.conflist"
	rm "$CONF/filler"
	install_ uninstall

	free=$(($(stat -c %s "$B/podtag") / 2048))
	mount -t tmpfs -o size="${free}k" tmpfs "$T/bin"
	assert_fails install_ install
	assert_contains "bin" "$(cat "$T/err")" "$BIN/podtag cannot be written: No space left on device"
	assert_equal "files" "$(ls -A "$BIN")" ""
	cmp "$T/original" "$CONF/10-net.conflist"
	umount "$BIN" "$CONF"
}

test_many_at_once()
{
	local i round
	for ((round = 0; round < 5; round++)); do
		base_list 10-net.conflist
		cp "$CONF/10-net.conflist" "$T/original"
		for ((i = 0; i < 8; i++)); do
			if ((i % 2)); then
				"$OTHER" install "${DIRS[@]}" >"$T/out.$i" 2>&1 &
			else
				install_ install >"$T/out.$i" 2>&1 &
			fi
			PIDS+=($!)
		done
		for i in "${PIDS[@]}"; do
			wait "$i" || fail "$(cat "$T"/out.*)"
		done
		PIDS=()
		assert_equal "entries" "$(podtags "$CONF/10-net.conflist")" 1
		assert_equal "who put it in" "$(cat "$T"/out.* | grep -c 'podtag is in the chain')" 1
		no_temp_files || fail "$(ls -a "$BIN" "$CONF")"
		use_chain "$CONF/10-net.conflist"
		install_ uninstall >/dev/null
		cmp "$T/original" "$CONF/10-net.conflist"
	done
}

# The base CNI writes between the look at its file and the rename.
test_nobody_else_is_overwritten()
{
	local list=$CONF/10-net.conflist
	needs_strace
	base_list 10-net.conflist
	cp "$B/podtag" "$BIN/"
	strace -o /dev/null -e inject=fsync:delay_enter=500000 "$B/podtag-install" install "${DIRS[@]}" >"$T/out" 2>&1 &
	PIDS+=($!)
	wait_for 5 has_temp_file
	base_list 10-net.conflist newer
	cp "$list" "$T/original"
	wait "${PIDS[-1]}" || fail "$(cat "$T/out")"
	PIDS=()
	only_added_to "$T/original" "$list"
	cmp "$T/original" "$list.pre-podtag"
	assert_equal "status" "$(install_ status --json | jq -c '[.ok, .chain.podtag, .chain.last, .plugin.state]')" \
		'[true,1,true,"current"]'
}

has_temp_file() { ! no_temp_files; }

# What a cut at this moment leaves: a chain that is as it was or as it is to be, each plugin there.
assert_node_works() # WHEN FILE
{
	local type state
	for type in $(jq -r '.plugins[].type' "$2"); do
		[[ -x $BIN/$type ]] || fail "$1: the chain names $type, which is not there"
	done
	if [[ -e $BIN/podtag ]] && ! cmp -s "$BIN/podtag" "$B/podtag"; then
		cmp "$BIN/podtag" "$B/podtag-pass" || fail "$1: half a binary"
	fi
	cmp -s "$2" "$T/original" || cmp -s "$2" "$T/edited" || fail "$1: neither as before nor as meant"
	state=$({ sha256sum "$2" "$BIN/podtag" 2>/dev/null || true; } | sha256sum)
	[[ " ${STATES-} " != *" $state "* ]] || return 0
	STATES+=" $state "
	use_chain "$2" # once for each state that there is
}

# Calls that change something: between two of them any moment is as good as any other.
CHANGING='openat|write|rename|unlink|unlinkat|fsync|fchmod|fchown|clone|memfd_create|execve|exit_group'

# Without the second that uninstall gives to calls under way: there are none here.
traced() # TRACE COMMAND [strace's options...]
{
	# bash says "Killed" of its own children only
	(
		strace -o "$1" -e inject=clock_nanosleep:retval=0 "${@:3}" "$B/podtag-install" "$2" "${DIRS[@]}" >"$T/out" 2>&1
		exit $?
	) 2>/dev/null
}

# Killed before each of them in turn.
cut_everywhere() # COMMAND FILE PREPARE
{
	local call nth rc cuts=0
	$3
	traced "$T/trace" "$1"
	sed -nE "s/^($CHANGING)\(.*/\1/p" "$T/trace" | awk '{ print $1, ++n[$1] }' >"$T/calls"
	while read -r call nth; do
		[[ $call$nth != execve1 ]] || continue # strace's own
		$3
		rc=0
		traced /dev/null "$1" -e inject="$call:signal=KILL:when=$nth" || rc=$?
		assert_equal "exit status after a cut before $call number $nth of $1" "$rc" 137
		((++cuts))
		assert_node_works "cut before $call number $nth of $1" "$2"
		traced /dev/null "$1" || fail "$1 after a cut before $call number $nth: $(cat "$T/out")"
		no_temp_files || fail "left after a cut before $call number $nth: $(ls -a "$BIN" "$CONF")"
		assert_node_works "$1 after a cut before $call number $nth" "$2"
	done <"$T/calls"
	say "$1: $cuts cuts: $(awk '{ n[$1] = $2 } END { for (call in n) printf "%s %d, ", call, n[call] }' "$T/calls")"
	assert_at_least "cuts" "$cuts" 20
}

not_installed()
{
	rm -f "$BIN/podtag" "$CONF"/*
	cp -p "$T/original" "$CONF/10-net.conflist"
}

installed()
{
	cp "$B/podtag" "$BIN/podtag"
	cp -p "$T/edited" "$CONF/10-net.conflist"
	cp -p "$T/original" "$CONF/10-net.conflist.pre-podtag"
}

# The list as it is without podtag and with it.
both_lists() # LIST
{
	needs_strace
	base_list "${1##*/}"
	cp -p "$1" "$T/original"
	install_ install
	cp -p "$1" "$T/edited"
}

test_cut_anywhere()
{
	local list=$CONF/10-net.conflist
	both_lists "$list"
	cut_everywhere install "$list" not_installed
	cmp "$T/edited" "$list"
}

test_uninstall_cut_anywhere()
{
	local list=$CONF/10-net.conflist
	both_lists "$list"
	cut_everywhere uninstall "$list" installed
	cmp "$T/original" "$list"
	assert_equal files "$(ls -A "$CONF")" 10-net.conflist
}

# A file is on the disk before it gets its name, and its name before anything follows from it.
test_order_on_the_disk()
{
	local order
	needs_strace
	base_list 10-net.conflist
	strace -y -o "$T/trace" -e trace=fsync,rename,clone,unlink "$B/podtag-install" install "${DIRS[@]}"
	order=$(sed -nE "s|^fsync\([0-9]+<$BIN/.podtag-.*|binary|p; s|^fsync\([0-9]+<$BIN>.*|bin|p
		s|^clone\(.*|run|p; s|^fsync\([0-9]+<$CONF/.podtag-.*|list|p; s|^fsync\([0-9]+<$CONF>.*|conf|p
		s|^unlink.*podtag-poke.*|poke|p; s|^rename.*\"$BIN/podtag\".*|name-binary|p; s|^rename.*pre-podtag\".*|name-backup|p
		s|^rename.*10-net.conflist\".*|name-list|p" "$T/trace" | tr '\n' ' ')
	assert_equal "order" "$order" \
		"binary run name-binary bin run list name-backup conf list name-list conf run conf poke "
}

# The binary cannot run on this node.
test_no_answer()
{
	local list=$CONF/10-net.conflist n
	needs_strace
	base_list 10-net.conflist
	cp -p "$list" "$T/original"
	for n in 1 2 3; do
		not_installed
		assert_fails strace -o /dev/null -e inject=clone:error=EAGAIN:when="$n" \
			"$B/podtag-install" install "${DIRS[@]}"
		assert_contains "run $n" "$(cat "$T/err")" "does not answer VERSION: Resource temporarily unavailable"
		cmp "$T/original" "$list"
		no_temp_files || fail "$(ls -a "$BIN" "$CONF")"
	done
	[[ -x $BIN/podtag ]] # the last time it was only afterwards
	assert_contains "rolled back" "$(cat "$T/out")" "$list: again as it was before"
	use_chain "$list"
	rm "$BIN/podtag"
	mount -t tmpfs -o noexec tmpfs "$T/bin"
	cp "$DEBIAN_CNI/bridge" "$BIN/"
	assert_fails install_ install
	assert_contains "noexec" "$(cat "$T/err")" "does not answer VERSION: Permission denied"
	[[ ! -e $BIN/podtag ]] || fail "it was put there all the same"
	cmp "$T/original" "$list"
	umount "$BIN"
}

# An ADD that began before uninstall loads the programs when the chain and the binary are changed already.
test_call_under_way()
{
	needs_strace
	base_list 10-net.conflist
	install_ install
	netns_new pod
	CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 \
		strace -o /dev/null -e inject=bpf:delay_enter=400000:when=1 "$BIN/podtag" \
		<<<'{"cniVersion":"1.0.0","name":"n","type":"podtag","prevResult":{}}' >"$T/result" 2>"$T/err" &
	PIDS+=($!)
	wait_for 5 is_running "$BIN/podtag"
	[[ ! -e $PINS ]]
	# in a container, whose /proc does not show it
	unshare --mount --pid --fork --mount-proc "$B/podtag-install" uninstall "${DIRS[@]}"
	assert_kernel_clean
	wait "${PIDS[-1]}" || fail "$(cat "$T/result" "$T/err")"
	PIDS=()
	assert_kernel_clean
	ip netns del pod
}

is_running() # PROGRAM
{
	local exe
	for exe in /proc/[0-9]*/exe; do
		[[ $(readlink "$exe") != "$1" ]] || return 0
	done
	return 1
}

run_tests "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag-install: a node goes on making and deleting pods whatever is done to it, and what is not podtag's
# entry stays as it was, byte for byte.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

BIN=$T/bin
CONF=$T/net.d
DIRS=(--cni-bin-dir "$BIN" --cni-conf-dir "$CONF")
OTHER=$B/variant/podtag-install
[[ -x $OTHER ]] || { echo "no other build: make tests-built" && exit 1; }

# A node with plugins, and with nothing in the folder for configurations.
before_each()
{
	mkdir "$BIN" "$CONF"
	cp "$DEBIAN_CNI"/{bridge,ptp,host-local,loopback,portmap} "$BIN/"
	CNI_PATH=$BIN
}

install_() { "$B/podtag-install" "$@" "${DIRS[@]}"; } # COMMAND [OPTION...]

# As an administrator writes it, with what no program would write the same way again.
base_list() # FILE [NAME]
{
	cat >"$CONF/$1" <<-LIST
		{ "cniVersion" : "1.0.0",
		  "name": "${2-net}",  "comment": "\\u0070odtag? caf\\u00e9 1e3", "big": 123456789012345678901234567890,
		  "plugins": [
		    $(bridge 1 '"x":1.50e+10,'),
		      {
		        "type": "portmap",
		        "capabilities": {"portMappings": true}
		      }
		    ] }
	LIST
}

# What others see of files: content, number, mode, owner and time of change.
look() { stat -c '%n %i %a %u:%g %z' "$@" && sha256sum "$@"; } # FILE...

podtags() { jq '[.plugins[] | select(.type == "podtag")] | length' "$1"; } # FILE

entry_is_last() { [[ $(jq -r '.plugins[-1].type' "$1") == podtag ]]; } # FILE

# The second has all bytes of the first, with something between two of them.
only_added_to() # FILE FILE
{
	/usr/bin/python3 -c 'import os.path, sys
a, b = (open(path, "rb").read() for path in sys.argv[1:])
head, tail = (len(os.path.commonprefix(pair)) for pair in ((a, b), (a[::-1], b[::-1])))
sys.exit(len(a) >= len(b) or head + tail < len(a))' "$@" || fail "$(diff "$@")"
}

# A pod is made and deleted by the chain in that file.
use_chain() # FILE
{
	pod_add probe "$(cat "$1")"
	pod_del probe
}

no_temp_files() { [[ -z $(find "$BIN" "$CONF" -name '.podtag-*') ]]; }

# A real plugin is there, so that what is asked is the node: nothing of podtag's in it.
assert_kernel_clean() # [POD...]
{
	local pod direction
	[[ ! -e $PINS ]] || fail "pins: $(find "$PINS")"
	for pod in "$@"; do
		for direction in ingress egress; do
			assert_lacks "filters of $pod" "$(in_pod "$pod" tc filter show dev eth0 "$direction")" podtag
		done
	done
	assert_lacks "programs on the host's ends" "$(bpftool net show)" podtag
	if bpftool cgroup tree 2>/dev/null | grep podtag >"$T/left"; then
		# another podtag of this machine's, in another namespace, has its programs there too
		assert_equal "links" "$(find /sys/fs/bpf -type f ! -name '*.debug')" ""
	fi
}

test_install_and_uninstall()
{
	local list=$CONF/10-net.conflist
	base_list 10-net.conflist
	chmod 640 "$list"
	chown 12:34 "$list"
	cp -p "$list" "$T/original"

	assert_fails install_ status
	install_ install
	entry_is_last "$list" || fail "$(cat "$list")"
	assert_json_equal entry "$(jq -c '.plugins[-1]' "$list")" \
		"$(jq -c '.plugins[-1]' "$TOP/cni-conf.json")"
	only_added_to "$T/original" "$list"
	assert_equal "mode and owner" "$(stat -c '%a %u:%g' "$list")" "640 12:34"
	cmp "$BIN/podtag" "$B/podtag"
	assert_equal "mode of the binary" "$(stat -c %a "$BIN/podtag")" 755
	cmp "$T/original" "$list.pre-podtag"
	install_ status
	no_temp_files || fail "$(ls -a "$BIN" "$CONF")"

	# no write, no event
	look "$BIN/podtag" "$CONF" "$BIN" "$CONF"/* >"$T/before" 2>/dev/null || true
	assert_contains "again" "$(install_ install)" "nothing to do"
	look "$BIN/podtag" "$CONF" "$BIN" "$CONF"/* >"$T/after" 2>/dev/null || true
	cmp "$T/before" "$T/after"

	pod_add old "$(cat "$list")"
	assert_equal attached "$(pod_json old | jq -r .value.name)" old
	install_ uninstall
	cmp "$T/original" "$list"
	assert_equal "mode and owner" "$(stat -c '%a %u:%g' "$list")" "640 12:34"
	assert_equal "files" "$(ls -A "$CONF")" 10-net.conflist
	assert_kernel_clean old

	# what is left answers, passes on, and loads nothing
	assert_fails install_ status
	assert_contains status "$(cat "$T/out")" pass-through
	pod_add new "$(cat "$T/old.conflist")"
	assert_json_equal "result" "$(jq -c .ips "$T/new.result" | sed 's/\.[0-9]*\//.N\//; s/::[0-9a-f]*\//::N\//')" \
		"$(jq -c .ips "$T/old.result" | sed 's/\.[0-9]*\//.N\//; s/::[0-9a-f]*\//::N\//')"
	assert_kernel_clean old new
	pod_del new
	pod_del old # by the chain that was cached
	assert_contains "uninstall again" "$(install_ uninstall)" "nothing of podtag"

	# and in again
	install_ install
	use_chain "$list"
	install_ uninstall
	cmp "$T/original" "$list"
}

# The pass-through by hand, as a runtime would call it.
test_what_is_left_behind()
{
	local conf='{"cniVersion":"0.4.0","name":"n","type":"podtag","failurePolicy":"closed"' out
	export CNI_CONTAINERID=c CNI_NETNS=/none CNI_IFNAME=eth0 CNI_PATH=/none
	out=$(CNI_COMMAND=ADD "$B/podtag-pass" <<<"$conf,\"prevResult\": { \"x\" : 1e3 } }")
	assert_equal ADD "$out" '{ "x" : 1e3 }'
	for command in DEL CHECK; do
		out=$(CNI_COMMAND=$command "$B/podtag-pass" <<<"$conf,\"prevResult\":{}}")
		assert_equal "$command" "$out" ""
	done
	for command in GC STATUS; do
		out=$(CNI_COMMAND=$command "$B/podtag-pass" <<<'{"cniVersion":"1.1.0","name":"n","type":"podtag"}')
		assert_equal "$command" "$out" ""
	done
	assert_equal VERSION "$(CNI_COMMAND=VERSION "$B/podtag-pass" </dev/null)" \
		"$(CNI_COMMAND=VERSION "$B/podtag" </dev/null)"
	CNI_COMMAND=ADD assert_fails "$B/podtag-pass" <<<"$conf}"
	assert_equal "no prevResult" "$(jq .code "$T/out")" 7
	CNI_COMMAND=ADD assert_fails "$B/podtag-pass" <<<"{"
	assert_equal "no JSON" "$(jq .code "$T/out")" 6
}

test_dry_run()
{
	local list=$CONF/10-net.conflist
	base_list 10-net.conflist
	look "$CONF" "$BIN" "$CONF"/* >"$T/before" 2>/dev/null || true
	install_ install --dry-run >"$T/diff"
	look "$CONF" "$BIN" "$CONF"/* >"$T/after" 2>/dev/null || true
	cmp "$T/before" "$T/after"
	assert_contains "binary" "$(head -n 1 "$T/diff")" "$BIN/podtag: would be written"
	cp "$list" "$T/original"
	install_ install >/dev/null
	diff -u "$T/original" "$list" | tail -n +3 | sed 's/^\(@@.*@@\).*/\1/' >"$T/expected" || true
	tail -n +4 "$T/diff" | diff - "$T/expected"

	install_ uninstall --dry-run >"$T/diff"
	diff -u "$list" "$T/original" | tail -n +3 >"$T/expected" || true
	tail -n +3 "$T/diff" | grep -v ' would be replaced ' | diff - "$T/expected"
	entry_is_last "$list"
}

test_bad_usage()
{
	local try
	for try in "" "nonsense" "install x" "watch --dry-run" "install --json" "install --cni-bin-dir bin" \
		"status --cni-conf-dir" "install --force" "install --cni-conf-dir="; do
		# shellcheck disable=SC2086
		assert_fails "$B/podtag-install" $try
		rc=0
		# shellcheck disable=SC2086
		"$B/podtag-install" $try >/dev/null 2>&1 || rc=$?
		assert_equal "exit status of '$try'" "$rc" 2
	done
	"$B/podtag-install" help | grep -q -- --dry-run
	assert_equal version "$("$OTHER" version)" "podtag-install 99.0.0"
}

# Which file it is, and which it is not.
test_first_in_order()
{
	base_list 20-net.conflist
	base_list 30-later.conflist later
	echo '{"cniVersion":"1.0.0","name":"lo","type":"loopback"}' >"$CONF/05-loopback.conf"
	echo '{"cniVersion":"1.0.0","name":"lo","plugins":[{"type":"loopback"}]}' >"$CONF/06-loopback.conflist"
	echo '{"cniVersion":"1.0.0","name":"x","type":"y"}' >"$CONF/01-other.txt"
	base_list 02-net.conflist.bak
	mkdir "$CONF/03-folder.conflist"
	: >"$CONF/10-empty.conflist"
	mkfifo "$CONF/11-fifo.conf"
	touch -d '1 minute ago' "$CONF/10-empty.conflist"
	install_ install 2>"$T/err"
	assert_contains "what is left out" "$(cat "$T/err")" "$CONF/10-empty.conflist is left out"
	assert_contains "what is left out" "$(cat "$T/err")" "$CONF/11-fifo.conf is left out"
	assert_equal first "$(podtags "$CONF/20-net.conflist")" 1
	assert_equal later "$(podtags "$CONF/30-later.conflist")" 0
	assert_equal files "$(find "$CONF" -name '*podtag*')" "$CONF/20-net.conflist.pre-podtag"
	assert_fails install_ status
	assert_contains status "$(cat "$T/out")" "10-empty.conflist is not valid"
	rm "$CONF"/1[01]-*
	install_ status >/dev/null

	# another one comes before: podtag goes where the runtime looks now, and out of both
	base_list 15-new.conflist new
	assert_fails install_ status
	install_ install
	assert_equal new "$(podtags "$CONF/15-new.conflist")" 1
	install_ uninstall
	assert_equal both "$(podtags "$CONF/15-new.conflist")$(podtags "$CONF/20-net.conflist")" 00
}

test_lone_conf()
{
	local made=$CONF/10-net-podtag.conflist conf=$CONF/10-net.conf
	{ echo && ptp 1 '"cniVersion":"0.3.1","name":"lone", "mtu": 1400,' && echo; } >"$conf"
	chmod 600 "$conf"
	cp -p "$conf" "$T/original"
	install_ install
	cmp "$T/original" "$conf"
	assert_equal "first in order" "$(cd "$CONF" && printf '%s\n' * | head -n 1)" "${made##*/}"
	assert_equal "mode" "$(stat -c %a "$made")" 600
	assert_equal "list" "$(jq -c '[.name, .cniVersion, .plugins[].type]' "$made")" '["lone","0.3.1","ptp","podtag"]'
	assert_contains "bytes of the plugin" "$(cat "$made")" "$(sed '/^$/d' "$conf")"
	use_chain "$made"
	assert_contains again "$(install_ install)" "nothing to do"
	install_ status

	# its owner changes it
	sed -i 's/1400/1300/' "$conf"
	assert_fails install_ status
	install_ install
	assert_equal "mtu" "$(jq '.plugins[0].mtu' "$made")" 1300
	use_chain "$made"

	# its owner makes a list of it
	base_list 10-net.conflist
	rm "$conf"
	install_ install
	[[ ! -e $made ]] || fail "it hides $(ls "$CONF")"
	entry_is_last "$CONF/10-net.conflist"
	install_ uninstall

	# uninstall takes it away, but not one that somebody has changed
	cp "$T/original" "$conf"
	rm "$CONF/10-net.conflist"
	install_ install
	install_ uninstall
	assert_equal files "$(ls "$CONF")" 10-net.conf
	install_ install
	sed -i '0,/"lone"/s//"mine"/' "$made"
	install_ uninstall
	assert_equal "edited list" "$(jq -c '[.name, .plugins[].type]' "$made")" '["mine","ptp"]'
}

# Each leaves the file as it is and says its name.
test_refuses()
{
	local text list=$CONF/10-net.conflist
	refused() # PART-OF-THE-MESSAGE
	{
		touch -d '1 minute ago' "$list"
		cp -p "$list" "$T/original"
		assert_fails install_ install
		assert_contains "message" "$(cat "$T/err")" "$1"
		assert_contains "message" "$(cat "$T/err")" "$list"
		cmp "$T/original" "$list"
		assert_equal files "$(ls -A "$CONF")" "${list##*/}"
	}
	assert_fails install_ install
	assert_contains "no file" "$(cat "$T/err")" "no network configuration yet in $CONF"
	[[ ! -e $BIN/podtag ]] || fail "the binary was written before there is a chain"
	: >"$list" && refused "not a JSON object"
	echo '{"name":"n","plugins":[{"type":"bridge"}' >"$list" && refused "not a JSON object"
	conflist n 1.0.0 >"$list" && refused '"plugins" is empty'
	echo '{"cniVersion":"1.0.0","name":"n","plugins":{}}' >"$list" && refused '"plugins" is not an array'
	echo '{"cniVersion":"1.0.0","name":"n","type":"bridge"}' >"$list" && refused '"plugins" is missing'
	{ conflist n 1.0.0 "$(bridge 1)" && head -c 1100000 /dev/zero | tr '\0' ' '; } >"$list" && refused "larger than 1 MiB"
	conflist n 0.2.0 "$(bridge 1)" >"$list" && refused 'podtag does not support "cniVersion": "0.2.0"'
	echo '{"name":"n","plugins":[{"type":"bridge"}]}' >"$list" && refused '"cniVersion": "0.1.0"'
	conflist n 1.0.0 '{"type":"multus-shim"}' >"$list" && refused "belongs to Multus"
	conflist n 1.0.0 '{"type":"bridge"}' >"$list"
	rm "$BIN/bridge" "$BIN/podtag"
	install_ install 2>"$T/err"
	assert_contains "no such plugin" "$(cat "$T/err")" "$BIN/bridge"
	cp "$DEBIAN_CNI/bridge" "$BIN/"

	# podtag in it twice, or with options, is somebody's will
	conflist n 1.0.0 "$(bridge 1)" "$(podtag clsact '"logLevel":"info"')" "$(podtag)" >"$list"
	cp -p "$list" "$T/original"
	install_ install 2>"$T/err"
	cmp "$T/original" "$list"
	assert_contains "twice" "$(cat "$T/err")" "podtag is in the chain 2 times"
	assert_fails install_ status
	install_ uninstall
	assert_equal "none" "$(podtags "$list")" 0
}

test_symbolic_link()
{
	mkdir "$T/elsewhere"
	base_list 10-net.conflist
	mv "$CONF/10-net.conflist" "$T/elsewhere/real.conflist"
	cp "$T/elsewhere/real.conflist" "$T/original"
	ln -s ../elsewhere/real.conflist "$CONF/10-net.conflist"
	install_ install
	assert_equal "link" "$(readlink "$CONF/10-net.conflist")" ../elsewhere/real.conflist
	entry_is_last "$T/elsewhere/real.conflist"
	install_ uninstall
	cmp "$T/original" "$T/elsewhere/real.conflist"
	assert_equal "elsewhere" "$(ls -A "$T/elsewhere")" real.conflist

	rm "$T/elsewhere/real.conflist"
	assert_fails install_ install
	assert_contains "dangling" "$(cat "$T/err")" "10-net.conflist is left out"
}

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

needs_strace()
{
	command -v strace >/dev/null || skip "no strace"
	strace -o /dev/null true 2>/dev/null || skip "no ptrace here"
}

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

test_cut_anywhere()
{
	local list=$CONF/10-net.conflist
	needs_strace
	base_list 10-net.conflist
	cp -p "$list" "$T/original"
	install_ install
	cp -p "$list" "$T/edited"
	cut_everywhere install "$list" not_installed
	cmp "$T/edited" "$list"
}

test_uninstall_cut_anywhere()
{
	local list=$CONF/10-net.conflist
	needs_strace
	base_list 10-net.conflist
	cp -p "$list" "$T/original"
	install_ install
	cp -p "$list" "$T/edited"
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
	strace -y -o "$T/trace" -e trace=fsync,rename,execve,fork,clone "$B/podtag-install" install "${DIRS[@]}"
	order=$(sed -nE "s|^fsync\([0-9]+<$BIN/.podtag-.*|binary|p; s|^fsync\([0-9]+<$BIN>.*|bin|p
		s|^clone\(.*|run|p; s|^fsync\([0-9]+<$CONF/.podtag-.*|list|p; s|^fsync\([0-9]+<$CONF>.*|conf|p
		s|^rename.*\"$BIN/podtag\".*|name-binary|p; s|^rename.*pre-podtag\".*|name-backup|p
		s|^rename.*10-net.conflist\".*|name-list|p" "$T/trace" | tr '\n' ' ')
	assert_equal "order" "$order" \
		"binary run name-binary bin run list name-backup conf list name-list conf run conf "
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
	assert_equal "reverts" "$(wc -l <"$T/reverts")" 6
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

# A file system with one runtime's folders, in which it is found.
place() # CONF-DIR BIN-DIR [containerd's configuration]
{
	local root=$T/root
	rm -rf "$root"
	mkdir -p "$root$1" "$root$2" "$root/etc/containerd"
	cp "$B/podtag-install" "$root/"
	cp "$DEBIAN_CNI/bridge" "$root$2/"
	conflist net 1.0.0 '{"type":"bridge"}' >"$root$1/10-net.conflist"
	[[ ! ${3-} ]] || printf '%s\n' "$3" >"$root/etc/containerd/config.toml"
	# which is not this one's
	mkdir -p "$root/opt/cni/bin" "$root/usr/lib/cni"
	if [[ $1 != /etc/cni/net.d ]]; then
		mkdir -p "$root/etc/cni/net.d"
		conflist stale 1.0.0 '{"type":"bridge"}' >"$root/etc/cni/net.d/00-stale.conflist"
	fi
	chroot "$root" /podtag-install install >"$T/out" 2>"$T/err" || fail "$*: $(cat "$T/err")"
	cmp "$root$2/podtag" "$B/podtag"
	entry_is_last "$root$1/10-net.conflist" || fail "$*: $(find "$root" -name '*podtag*')"
	assert_equal "podtags of $1" "$(find "$root" -name podtag | wc -l)" 1
}

test_finds_the_folders()
{
	local root=$T/root k3s=/var/lib/rancher/k3s
	place /etc/cni/net.d /opt/cni/bin
	place /etc/cni/net.d /usr/lib/cni
	place /etc/cni/net.d /home/kubernetes/bin
	place /etc/cni/net.d /usr/libexec/cni
	place $k3s/agent/etc/cni/net.d $k3s/data/cni
	place $k3s/agent/etc/cni/net.d $k3s/data/current/bin
	place /var/snap/microk8s/current/args/cni-network /var/snap/microk8s/current/opt/cni/bin
	place /srv/net.d /srv/bin '
		imports = []
		[plugins."io.containerd.grpc.v1.cri"]
		  bin_dir = "/other"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/srv/bin" # the plugins
		    conf_dir = "/srv/net.d"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    conf_dir = "/other"'
	assert_equal "said" "$(cat "$T/err")" ""
	place /srv/net.d /srv/two "
		[plugins.'io.containerd.cri.v1.runtime'.cni]
		  bin_dirs = ['/srv/one', '/srv/two']
		  conf_dir = '/srv/net.d'"
	place /etc/cni/net.d /usr/lib/cni '
		imports = ["/etc/containerd/conf.d/*.toml"]
		[plugins."io.containerd.grpc.v1.cri".cni]
		  bin_dir = """/srv/bin"""'
	assert_contains "imports" "$(cat "$T/err")" "config.toml:2: imports are not followed"
	assert_contains "strange value" "$(cat "$T/err")" "config.toml:4: bin_dir has a value that is not understood"

	rm "$root/usr/lib/cni/bridge" "$root/usr/lib/cni/podtag"
	conflist net 1.0.0 '{"type":"bridge"}' >"$root/etc/cni/net.d/10-net.conflist"
	assert_fails chroot "$root" /podtag-install install
	assert_contains "no plugins" "$(cat "$T/err")" "has the plugin bridge of /etc/cni/net.d/10-net.conflist"

	rm -rf "$root/etc"
	mkdir -p "$root/etc/kubernetes/cni/net.d" "$root/var/lib/cni/bin"
	echo '{"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus-shim"}' >"$root/etc/kubernetes/cni/net.d/00-multus.conf"
	assert_fails chroot "$root" /podtag-install install
	assert_contains "OpenShift" "$(cat "$T/err")" "belongs to Multus"
	rm -rf "$root/etc"
	assert_fails chroot "$root" /podtag-install install
	assert_contains "nothing" "$(cat "$T/err")" "no network configuration yet"
	rm -rf "$root"
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
	assert_equal "version" "$("$BIN/podtag" -j status | jq -r .version)" 99.0.0
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
	assert_kernel_clean "${ns[@]}"
	turn 2
	assert_kernel_clean "${ns[@]}" # it stays out
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

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag-install: which file it edits, and that what is not podtag's entry stays as it was, byte for byte.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/install.sh disable=SC1091
. "$LIB/install.sh"

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
	agent_start
	assert_fails install_ uninstall
	assert_contains "with an agent" "$(cat "$T/err")" "podtag-agent runs here, as process $AGENT_PID"
	entry_is_last "$list"
	agent_stop
	assert_contains "filters" "$(in_pod old tc filter show dev eth0 ingress)" podtag
	install_ uninstall
	cmp "$T/original" "$list"
	assert_equal "mode and owner" "$(stat -c '%a %u:%g' "$list")" "640 12:34"
	assert_equal "files" "$(ls -A "$CONF")" 10-net.conflist
	assert_kernel_clean
	assert_no_filters old

	# what is left answers, passes on, and loads nothing
	assert_fails install_ status
	assert_contains status "$(cat "$T/out")" pass-through
	pod_add new "$(cat "$T/old.conflist")"
	assert_json_equal "result" "$(jq -c .ips "$T/new.result" | sed 's/\.[0-9]*\//.N\//; s/::[0-9a-f]*\//::N\//')" \
		"$(jq -c .ips "$T/old.result" | sed 's/\.[0-9]*\//.N\//; s/::[0-9a-f]*\//::N\//')"
	assert_kernel_clean
	assert_no_filters old new
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
	local try rc
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

	# one that is still being written is waited for
	base_list 05-slow.conflist slow
	cp "$CONF/05-slow.conflist" "$T/slow"
	head -c 100 "$T/slow" >"$CONF/05-slow.conflist"
	{ sleep 0.7 && cat "$T/slow" >"$CONF/05-slow.conflist"; } &
	install_ install 2>"$T/err"
	wait
	only_added_to "$T/slow" "$CONF/05-slow.conflist"
	rm "$CONF"/05-slow*

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
	local list=$CONF/10-net.conflist
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

	rm -rf "${root:?}/etc"
	mkdir -p "$root/etc/kubernetes/cni/net.d" "$root/var/lib/cni/bin"
	echo '{"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus-shim"}' >"$root/etc/kubernetes/cni/net.d/00-multus.conf"
	assert_fails chroot "$root" /podtag-install install
	assert_contains "OpenShift" "$(cat "$T/err")" "belongs to Multus"
	rm -rf "${root:?}/etc"
	assert_fails chroot "$root" /podtag-install install
	assert_contains "nothing" "$(cat "$T/err")" "no network configuration yet"
	rm -rf "$root"
}

run_tests "$@"

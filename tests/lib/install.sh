# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# A node's two folders for CNI, for podtag-install. Sourced behind lib.sh.

BIN=$T/bin
CONF=$T/net.d
DIRS=(--cni-bin-dir "$BIN" --cni-conf-dir "$CONF")
# the same sources as another build of another version
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

needs_strace()
{
	command -v strace >/dev/null || skip "no strace"
	strace -o /dev/null true 2>/dev/null || skip "no ptrace here"
}

# What is asked is the kernel itself, not podtag.
assert_kernel_clean()
{
	[[ ! -e $PINS ]] || fail "pins: $(find "$PINS")"
	# of podtag there may be another one on this machine, but not with pins in this namespace
	assert_equal "pins" "$(find /sys/fs/bpf -type f ! -name '*.debug')" ""
	assert_lacks "programs on the host's ends" "$(bpftool net show)" podtag
}

assert_no_filters() # POD...
{
	local pod direction
	for pod in "$@"; do
		for direction in ingress egress; do
			assert_lacks "filters of $pod" "$(in_pod "$pod" tc filter show dev eth0 "$direction")" podtag
		done
	done
}

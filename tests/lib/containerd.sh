# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# A containerd of the test's own, driven over CRI as kubelet does. A file that sources this behind lib.sh
# fills $T/bin and $T/net.d, the folders of its plugins and of their configurations, and starts it.

IMAGE=podtag.test/busybox:1
SOCKET=$T/containerd.sock

# The pods' cgroups are outside all namespaces: removed when the file ends, however it ends.
remove_cgroups()
{
	local dir tries
	for ((tries = 0; tries < 100; tries++)); do
		for dir in /sys/fs/cgroup/*"$GROUP" /sys/fs/cgroup"$GROUP"; do
			[[ ! -d $dir ]] || find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || true
		done
		compgen -G "/sys/fs/cgroup/*$GROUP" >/dev/null || [[ -d /sys/fs/cgroup$GROUP ]] || return 0
		sleep 0.05
	done
	say "cgroups left: $GROUP"
	return 1
}

if [[ ! ${PT_INSIDE-} ]]; then
	export GROUP=/podtag-test-$$
	trap remove_cgroups EXIT
fi

# Fills both folders: with that chain, and with Debian's plugins. podtag is behind a script that keeps in
# $T/calls what it is called with.
containerd_chain() # CONFLIST
{
	mkdir -p "$T/bin" "$T/net.d"
	echo "$1" >"$T/net.d/10-net.conflist"
	cp "$DEBIAN_CNI"/{bridge,host-local,loopback} "$T/bin/"
	cat >"$T/bin/podtag" <<-SH
		#!/bin/bash
		echo "\$CNI_COMMAND netns=\$CNI_NETNS args=\$CNI_ARGS" >>"$T/calls"
		exec "$B/podtag"
	SH
	chmod +x "$T/bin/podtag"
}

containerd_start()
{
	local program
	for program in containerd ctr runc busybox; do
		command -v "$program" >/dev/null || skip "no $program"
	done
	/usr/bin/python3 -c 'import grpc, grpc_tools' 2>/dev/null || skip "no python3-grpcio or python3-grpc-tools"
	mkdir -p "$T/net.d" "$T/bin" "$T/proto" "$T/image"
	cat >"$T/containerd.toml" <<-TOML
		version = 2
		root = "$T/root"
		state = "$T/state"
		[grpc]
		  address = "$SOCKET"
		[plugins."io.containerd.grpc.v1.cri"]
		  restrict_oom_score_adj = true
		  disable_apparmor = true
		  sandbox_image = "$IMAGE"
		  stream_server_address = "127.0.0.1"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$T/bin"
		    conf_dir = "$T/net.d"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
		    default_runtime_name = "runc"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
	TOML
	containerd -c "$T/containerd.toml" >"$T/containerd.log" 2>&1 &
	CONTAINERD=$!
	/usr/bin/python3 -m grpc_tools.protoc -I "$LIB" --python_out="$T/proto" --grpc_python_out="$T/proto" "$LIB/cri.proto"
	export PYTHONPATH=$T/proto
	"$TOP/install/oci-image" --entrypoint "/bin/busybox sleep 86400" "$IMAGE" "$T/image.tar" \
		"$(command -v busybox):/bin/busybox" "$TOOLS/load:/bin/load"
	wait_for 20 ctr -a "$SOCKET" version
	ctr -a "$SOCKET" -n k8s.io images import --snapshotter native "$T/image.tar" >/dev/null
	wait_for 20 cri status
}

cri() { "$LIB/cri" "$SOCKET" "$GROUP" "$@"; }

no_shims() { [[ $(strays) != *containerd-shim* ]]; }

containerd_stop()
{
	local dir
	wait_for 10 no_shims
	kill "$CONTAINERD"
	wait "$CONTAINERD" || true
	remove_cgroups || fail "a pod's cgroup is not empty"
	{ grep " $T/" /proc/self/mounts || true; } | cut -d ' ' -f 2 | sort -r | while read -r dir; do
		say "mount left: $dir"
		umount "$dir"
	done
}

# The namespace that containerd made for the pod that podtag knows.
netns_of() # POD
{
	local inode file
	inode=$(pod_json "$1" | jq .value.netns)
	for file in /run/netns/*; do
		[[ $(stat -L -c %i "$file") != "$inode" ]] || echo "${file##*/}"
	done
}

listening() { in_pod "$1" ss -Htln | grep -q ':80 '; } # NETNS

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Real pods of a real containerd, made over CRI as kubelet makes them.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

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

containerd_start()
{
	local program
	for program in containerd ctr runc busybox; do
		command -v "$program" >/dev/null || skip "no $program"
	done
	/usr/bin/python3 -c 'import grpc, grpc_tools' 2>/dev/null || skip "no python3-grpcio or python3-grpc-tools"
	mkdir -p "$T/net.d" "$T/proto" "$T/image"
	conflist net 1.0.0 "$(bridge 1)" "$(podtag)" >"$T/net.d/10-net.conflist"
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
	# containerd has one folder for all plugins; podtag is behind one that keeps what it is called with
	mkdir -p "$T/bin"
	cp "$DEBIAN_CNI"/{bridge,host-local,loopback} "$T/bin/"
	cat >"$T/bin/podtag" <<-SH
		#!/bin/bash
		echo "\$CNI_COMMAND netns=\$CNI_NETNS args=\$CNI_ARGS" >>"$T/calls"
		exec "$B/podtag"
	SH
	chmod +x "$T/bin/podtag"
	containerd -c "$T/containerd.toml" >"$T/containerd.log" 2>&1 &
	CONTAINERD=$!
	/usr/bin/python3 -m grpc_tools.protoc -I "$LIB" --python_out="$T/proto" --grpc_python_out="$T/proto" "$LIB/cri.proto"
	export PYTHONPATH=$T/proto
	"$LIB/oci_image" "$IMAGE" "$T/image.tar" "$(command -v busybox)" "$TOOLS/load"
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

# The namespace that containerd made for the pod.
netns_of() # POD
{
	local inode file
	inode=$(pod_json "$1" | jq .value.netns)
	for file in /run/netns/*; do
		[[ $(stat -L -c %i "$file") != "$inode" ]] || echo "${file##*/}"
	done
}

test_pods()
{
	local api web link gap
	containerd_start
	agent_start
	api=$(cri run shop api 11111111-aaaa) || fail "$(tail -n 5 "$T/containerd.log")"
	web=$(cri run shop web 22222222-bbbb)

	# who it is comes from CNI_ARGS, in whatever order
	assert_contains "call of ADD" "$(cat "$T/calls")" "K8S_POD_UID=11111111-aaaa"
	assert_equal "api" "$(metric podtag_pod_info 'namespace="shop"' 'pod="api"' 'uid="11111111-aaaa"' "container_id=\"$api\"")" 1
	assert_equal "web" "$(metric podtag_pod_info 'namespace="shop"' 'pod="web"' 'uid="22222222-bbbb"' "container_id=\"$web\"")" 1

	# from the first packet of the pod's containers on: what the interface had counted before podtag's
	# ADD stays the only difference
	link=$(netns_of web)
	same_moment 10 "link_traffic $link eth0" "pod_traffic web"
	gap=$(minus "$A_VALUE" "$B_VALUE")
	cri start "$api" shop api 11111111-aaaa "$IMAGE" /bin/load serve 0.0.0.0 80
	wait_for 10 listening "$(netns_of api)"
	cri start "$web" shop web 22222222-bbbb "$IMAGE" /bin/load run -c 20 -j 4 -u 100000 -d 100000 \
		"$(pod_json api | jq -r .value.ipv4)" 80
	wait_for 20 sent web 2000000
	same_moment 10 "link_traffic $link eth0" "pod_traffic web"
	assert_equal "interface less podtag" "$(minus "$A_VALUE" "$B_VALUE")" "$gap"
	assert_at_least "bytes in /metrics" \
		"$(metric pod_network_bytes_total 'pod="web"' 'direction="transmit"')" 2000000

	# DEL comes at stop, and once more at remove
	cri stop "$web"
	assert_equal "web after stop" "$(metric podtag_pod_info 'pod="web"')" ""
	assert_equal "api after web's stop" "$(metric podtag_pod_info 'pod="api"')" 1
	cri remove "$web"
	assert_at_least "DELs" "$(grep -c '^DEL' "$T/calls")" 2
	assert_contains "DELs" "$(grep '^DEL' "$T/calls")" "DEL netns= "
	assert_equal "bytes after the end" \
		"$(metric pod_network_bytes_total 'pod="web"' 'direction="transmit"')" "$(pod_traffic web | cut -d ' ' -f 4)"

	# the same pod again is another sandbox
	web=$(cri run shop web 22222222-bbbb)
	assert_equal "web again" "$(metric podtag_pod_info 'pod="web"' "container_id=\"$web\"")" 1
	cri stop "$web"
	cri remove "$web"
	cri stop "$api"
	cri remove "$api"
	assert_equal "pods" "$(metrics | grep -c '^podtag_pod_info' || true)" 0
	assert_equal "operations that failed" "$(map_dump cni_operations |
		jq '[.[].formatted.value | .degraded + .error] | add')" 0
	containerd_stop
}

listening() { in_pod "$1" ss -Htln | grep -q ':80 '; } # NETNS

sent() # POD BYTES
{
	(($(pod_traffic "$1" | cut -d ' ' -f 4) >= $2)) && sockets_are_quiet "$(netns_of "$1")"
}

run_tests "$@"

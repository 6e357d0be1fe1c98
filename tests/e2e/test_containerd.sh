#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Real pods of a real containerd, made over CRI as kubelet makes them.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

test_pods()
{
	local api web link gap
	containerd_chain "$(conflist net 1.0.0 "$(bridge 1)" "$(podtag clsact '"capabilities":{"io.kubernetes.cri.pod-annotations":true}')")"
	containerd_start
	"$B/podtag" load
	web=$(cri run shop web 22222222-bbbb podtag.io/tls=off) || fail "$(tail -n 5 "$T/containerd.log")"
	# by the annotations that containerd hands on; an agent might have adopted it by now
	assert_equal "what web wants of TLS" "$("$B/podtag" -j dump pods | jq -r '.[].tls.mode')" off
	agent_start
	api=$(cri run shop api 11111111-aaaa)

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

sent() # POD BYTES
{
	(($(pod_traffic "$1" | cut -d ' ' -f 4) >= $2)) && sockets_are_quiet "$(netns_of "$1")"
}

run_tests "$@"

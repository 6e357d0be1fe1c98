# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# One pod, and what is put at its interface: nothing, empty programs, podtag, or a proxy in the way.
# All variants share the pod, so that they differ in nothing else, and each is there alone.

VARIANTS=(nothing empty podtag nginx haproxy again)
declare -A LABEL=(
	[nothing]='(a) nothing'
	[empty]='(b) an empty program at each hook'
	[podtag]='(c) podtag, its agent scraped each second'
	[nginx]='(d) nginx as sidecar'
	[haproxy]='(d) haproxy as sidecar'
	[again]='(a) nothing, again: the noise'
)
EMPTY=/sys/fs/bpf/empty
# where the sidecars listen: HTTP, and plain TCP
declare -A PROXY_PORT=([nginx.http]=15001 [nginx.tcp]=15002 [haproxy.http]=15011 [haproxy.tcp]=15012)

web_pod() # a pod behind a bridge with a web server's files; sets POD_IP
{
	pod_add web "$(conflist bench 1.0.0 "$(bridge 7)")"
	POD_IP=$(pod_address web)
	ip -n web link set lo up # a runtime's work
	mkdir "$T/www"
	printf '%0100d' 0 >"$T/www/file"
	nginx_conf server "http { access_log off; keepalive_requests 1000000000;
		server { listen 80 backlog=4096; root $T/www; } }"
}

nginx_conf() # NAME BLOCKS
{
	local kind temp=
	for kind in client_body proxy fastcgi uwsgi scgi; do
		temp+="${kind}_temp_path $T/$1.$kind; "
	done
	cat >"$T/$1.conf" <<-END
		daemon off; user root; worker_processes 1; pid $T/$1.pid; error_log $T/$1.err;
		$([[ $2 != *stream* ]] || echo "load_module $(ls /usr/lib/nginx/modules/ngx_stream_module.so);")
		events { worker_connections 4096; }
		${2/http {/http { $temp}
	END
}

# Two proxies in the pod's own network namespace, with connections to the server kept open. They
# sleep until packets are redirected to them.
sidecars()
{
	nginx_conf sidecar "http { access_log off; keepalive_requests 1000000000;
		upstream app { server 127.0.0.1:80; keepalive 64; }
		server { listen ${PROXY_PORT[nginx.http]} backlog=4096; location / { proxy_pass http://app;
			proxy_http_version 1.1; proxy_set_header Connection \"\"; } } }
		stream { server { listen ${PROXY_PORT[nginx.tcp]}; proxy_pass 127.0.0.1:5201; } }"
	cat >"$T/haproxy.conf" <<-END
		global
		  nbthread 1
		defaults
		  timeout connect 5s
		  timeout client 60s
		  timeout server 60s
		frontend http
		  mode http
		  bind :${PROXY_PORT[haproxy.http]} backlog 4096
		  default_backend app
		backend app
		  mode http
		  http-reuse always
		  server app 127.0.0.1:80
		listen tcp
		  mode tcp
		  bind :${PROXY_PORT[haproxy.tcp]}
		  server app 127.0.0.1:5201
	END
	ip netns exec web nginx -c "$T/sidecar.conf" &
	PIDS+=($!)
	ip netns exec web haproxy -f "$T/haproxy.conf" >"$T/haproxy.err" 2>&1 &
	PIDS+=($!)
	wait_for 60 listens "${PROXY_PORT[nginx.http]}"
	wait_for 60 listens "${PROXY_PORT[haproxy.tcp]}"
}

listens() { [[ $(in_pod web ss -Hltn "sport = :$1") ]]; } # PORT

empty_begin()
{
	local direction
	"$B/tests/bench/empty" "$B/tests/bench/empty.bpf.o" "$EMPTY"
	# podtag's filters have made the qdisc already where both are attached
	tc -n web qdisc add dev eth0 clsact 2>/dev/null || true
	for direction in in out; do
		# the mount namespace of `ip netns exec` would hide the pin
		nsenter --net=/run/netns/web tc filter add dev eth0 "${direction/out/e}gress" pref 2 bpf da \
			object-pinned "$EMPTY/empty_$direction"
	done
}

podtag_begin()
{
	"$B/podtag" load >/dev/null
	PT_ARGS=$(cni_args bench web) plugin ADD /run/netns/web "$(container_of web)" eth0 \
		"$(podtag_stdin "$(<"$T/web.result")")" >/dev/null
	[[ $(map_dump attachments | jq '.[0].formatted.value.pod_id') == 1 ]] || fail "ADD did not attach"
}

podtag_end()
{
	PT_ARGS=$(cni_args bench web) plugin DEL /run/netns/web "$(container_of web)" eth0 "$(podtag_stdin "$PREV_RESULT")"
	"$B/podtag" unload >/dev/null
}

redirect() # PORT TO: in the pod, as a mesh's init container does
{
	in_pod web nft -f - <<-END
		table ip mesh {
			chain pre {
				type nat hook prerouting priority dstnat
				tcp dport $1 redirect to :$2
			}
		}
	END
}

variant_begin() # VARIANT http|tcp PORT
{
	case $1 in
	empty) empty_begin ;;
	podtag)
		podtag_begin
		agent_start
		"$BENCH/scrape" 127.0.0.1 9435 1 &
		SCRAPER=$!
		;;
	nginx | haproxy) redirect "$3" "${PROXY_PORT[$1.$2]}" ;;
	esac
}

variant_end() # VARIANT
{
	case $1 in
	empty)
		tc -n web qdisc del dev eth0 clsact
		rm -r "$EMPTY"
		;;
	podtag)
		kill "$SCRAPER" || fail "the scraper is gone"
		wait "$SCRAPER" || true
		agent_stop
		podtag_end
		;;
	nginx | haproxy) in_pod web nft delete table ip mesh ;;
	esac
}

# --- rounds -------------------------------------------------------------------------------------

# Every variant in turn, ROUNDS times, each round beginning with another one. A server is started
# anew for each, after the variant is in place, as a pod's server starts after ADD.
in_turn() # SECTION http|tcp PORT MEASURE: the function MEASURE SECTION VARIANT notes samples
{
	local round i variant
	for ((round = 0; round < ROUNDS; round++)); do
		progress "$1, round $((round + 1)) of $ROUNDS"
		for i in "${!VARIANTS[@]}"; do
			variant=${VARIANTS[(round + i) % ${#VARIANTS[@]}]}
			variant_begin "$variant" "$2" "$3"
			"server_$2"
			[[ $variant != podtag ]] || truth_begin
			"$4" "$1" "$variant"
			[[ $variant != podtag ]] || truth_end "$1"
			kill "$SERVER"
			wait "$SERVER" 2>/dev/null || true
			variant_end "$variant"
		done
	done
}

server_http()
{
	ip netns exec web nginx -c "$T/server.conf" &
	SERVER=$!
	wait_for 60 listens 80
}

server_tcp()
{
	ip netns exec web iperf3 -s >"$T/iperf3.log" 2>&1 &
	SERVER=$!
	wait_for 60 listens 5201
}

# What the kernel counted for the pod, and podtag.
truth_begin()
{
	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	TRUTH_LINK=$A_VALUE TRUTH_POD=$B_VALUE
	same_moment 10 "kernel_retransmits web" "pod_retransmits web"
	TRUTH_KERNEL=$A_VALUE TRUTH_RETRANSMITS=$B_VALUE
}

truth_end() # SECTION
{
	local link pod
	wait_for 30 sockets_are_quiet web
	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	link=$(minus "$A_VALUE" "$TRUTH_LINK")
	pod=$(minus "$B_VALUE" "$TRUTH_POD")
	note "$1" kernel packets "$(awk '{ print $1 + $3 }' <<<"$link")"
	note "$1" kernel bytes "$(awk '{ print $2 + $4 }' <<<"$link")"
	note "$1" podtag packets "$(awk '{ print $1 + $3 }' <<<"$pod")"
	note "$1" podtag bytes "$(awk '{ print $2 + $4 }' <<<"$pod")"
	same_moment 10 "kernel_retransmits web" "pod_retransmits web"
	note "$1" kernel retransmits "$(minus "${A_VALUE%% *}" "${TRUTH_KERNEL%% *}")"
	note "$1" podtag retransmits "$(minus "${B_VALUE%% *}" "${TRUTH_RETRANSMITS%% *}")"
}

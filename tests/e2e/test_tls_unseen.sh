#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# TLS connections: each counts once, and those that no probe covers with why.
# shellcheck source=../lib/tls.sh disable=SC1091
. "$(dirname "$0")/../lib/tls.sh"

CONNECTIONS=$(scaled "${PT_CONNECTIONS-10000}")

before_each()
{
	two_pods
	make_www
	make_certificate
}

# With probes, where this kernel can have them.
start_nginx() # [LISTEN-OPTIONS]
{
	has_tls_programs || skip "no allocator for BPF in this kernel: HTTP inside TLS is not looked at"
	agent_start --tls on
	nginx_on_443 "${1-backlog=4096}"
	wait_for 15 is_probed "$LIBSSL"
}

# With the probes that nginx has brought about.
serve_instead() # COMMAND...
{
	start_nginx
	end_last
	listen_in web 443 "$@"
}

# "TOTAL OFF NO_PROBE UNAVAILABLE OTHER-SESSIONS"
connections() # POD
{
	"$B/podtag" dump pods --json | jq -r --argjson id "$(pod_id "$1")" '.[] | select(.id == $id) | .tls |
		"\(.connections) \(.unseen.off) \(.unseen.no_probe) \(.unseen.unavailable) \(.other_sessions)"'
}

connections_are() # POD EXPECTED
{
	local got
	got=$(connections "$1")
	[[ $got == "$2" ]] || { echo "$1: got '$got', expected '$2'" && return 1; }
}

# What closes last may do so a moment later.
assert_connections() # WEB CLI
{
	wait_for 5 connections_are web "$1"
	wait_for 5 connections_are cli "$2"
	sleep 0.1
	connections_are web "$1" || fail "counted later"
	connections_are cli "$2" || fail "counted later"
}

accepted() { snmp web Tcp PassiveOpens; }

# Without TLS there is nothing to count.
test_plain()
{
	agent_start
	listen_in web 80 nginx -p "$T" -c "$HTTP/nginx.conf"
	in_pod cli curl -fsS -o /dev/null "http://$(url_host web)/small?[1-10]"
	assert_both "GET 200 10"
	assert_connections "0 0 0 0 0" "0 0 0 0 0"
}

test_all_are_seen()
{
	start_nginx
	curl_ --no-keepalive -H "Connection: close" "https://$(url_host web)/small?[1-1000]"
	assert_equal "accepted" "$(accepted)" 1000
	assert_connections "1000 0 0 0 0" "1000 0 0 0 0"
	assert_equal "page" "$(metric tls_connections_total 'pod="web"')" 1000
	assert_equal "unseen" "$(metric tls_connections_unseen_total 'pod="web"' 'reason="no_probe"')" 0
}

# wrk opens some that it never asks anything on.
test_none_is_unseen_at_saturation()
{
	local pod got
	start_nginx
	for pod in web cli; do
		in_pod "$pod" sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
	done
	run_wrk 64 "$CONNECTIONS" plain -H "Connection: close"
	stop_last
	for pod in web cli; do
		read -ra got <<<"$(connections "$pod")"
		assert_equal "unseen in $pod" "${got[*]:1}" "0 0 0 0"
		assert_at_least "connections of $pod" "${got[0]}" "$CONNECTIONS"
		assert_at_least "accepted, against those of $pod" "$(accepted)" "${got[0]}"
	done
}

# Java brings a TLS of its own. A connection that lasts is not silent until it ends.
test_own_tls()
{
	local url java
	needs_speed Java
	start_nginx
	url=https://$(url_host web)/small
	mkfifo "$T/wait"
	ip netns exec cli java "$HTTP/Ask.java" "$(pod_address web)" 443 200 11 <>"$T/wait" >"$T/java" 2>&1 &
	java=$!
	wait_for 30 connections_are web "201 0 0 0 0"
	connections_are cli "200 0 200 0 0" || fail "before it is clear that the last one is not seen"
	curl_ "$url" "$url" -H "Connection: close"
	wait_for 15 connections_are cli "203 0 201 0 0"
	kill "$java"
	wait "$java" 2>/dev/null || true
	assert_connections "203 0 0 0 0" "203 0 201 0 0"
	assert_equal "accepted" "$(accepted)" 203
	assert_equal "page" "$(metric tls_connections_unseen_total 'pod="cli"' 'reason="no_probe"')" 201
	assert_both_differ
}

# What is unseen is in no histogram of who does not see it.
assert_both_differ()
{
	assert_series web server "GET 200 204"
	assert_series cli client "GET 200 2"
}

# Probes that nobody asked for, that cannot be had, and those of a process that had some before.
test_off_and_on()
{
	local url
	agent_start
	nginx_on_443 backlog=4096
	url=https://$(url_host web)/small
	curl_ "$url"
	assert_connections "1 1 0 0 0" "1 1 0 0 0"
	agent_stop
	agent_start --tls on
	if ! has_tls_programs; then
		wait_for 5 grep -q "no metrics of HTTP over TLS" "$T/agent.log"
		curl_ "$url"
		assert_connections "2 1 0 1 0" "2 1 0 1 0"
		return
	fi
	wait_for 15 is_probed "$LIBSSL"
	curl_ "$url"
	assert_connections "2 1 0 0 0" "2 1 0 0 0"
	agent_stop
	agent_start
	wait_for 5 is_let_go "$LIBSSL"
	curl_ "$url"
	assert_connections "3 2 0 0 0" "3 2 0 0 0"
}

# A library that is probed no more, as when its probes cost too much, while its processes go on.
test_probes_taken_away()
{
	local url
	start_nginx
	url=https://$(url_host web)/small
	curl_ "$url"
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
	agent_stop KILL
	rm "$PINS/links/tls-"*
	bpftool map update pinned "$PINS/maps/tls_probes" key 0 0 0 0 value 1 0 0 0 99 0 0 0
	curl_ "$url"
	assert_connections "2 0 1 0 0" "2 0 1 0 0"
}

# Who refuses a certificate calls nothing that reads or writes, and the server's first call is still to come.
test_refused_certificate()
{
	start_nginx
	in_pod cli curl -sS -o /dev/null "https://$(url_host web)/small" 2>"$T/curl" && fail "the certificate was trusted"
	assert_contains "curl" "$(<"$T/curl")" certificate
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

# A client that refuses a certificate has not read the rest, so its connection ends in a reset, which may be faster
# than the server.
test_reset_before_the_first_call()
{
	serve_instead "$HTTP/serve_late.py" 443
	in_pod cli curl -sS -o /dev/null "https://$(url_host web)/small" 2>"$T/curl" && fail "the certificate was trusted"
	wait_for 5 grep -q "reset, then freed" "$T/web.443"
	assert_equal "resets" "$(snmp web Tcp EstabResets)" 1
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

# By an operator, whose ss calls no library.
test_destroyed_before_the_first_call()
{
	local client
	serve_instead "$HTTP/serve_late.py" 443
	ip netns exec cli curl -sk -o /dev/null "https://$(url_host web)/small" &
	client=$!
	wait_for 10 grep -q answered "$T/web.443"
	in_pod web ss -HtK state established >"$T/killed"
	[[ -s $T/killed ]] || skip "this kernel destroys no sockets (CONFIG_INET_DIAG_DESTROY)"
	wait_for 5 grep -q "reset, then freed" "$T/web.443"
	wait "$client" && fail "there was an answer"
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

# One socket, three connections.
test_reset_and_connected_again()
{
	serve_instead "$HTTP/connect_again.py" 443
	in_pod cli "$HTTP/connect_again.py" "$(pod_address web)" 443 3 >"$T/client"
	assert_equal "resets" "$(snmp cli Tcp EstabResets)" 3
	assert_connections "3 0 3 0 0" "3 0 3 0 0"
}

# Its library has read nothing of any socket.
test_buffers_in_memory()
{
	serve_instead "$HTTP/serve_async.py" 443
	curl_ "https://$(url_host web)/small"
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

test_gnutls()
{
	start_nginx
	wait_for 15 once_probed wget "$GNUTLS" gnutls_deinit
	in_pod cli wget -q --ca-certificate="$T/web.pem" -O /dev/null "https://$(url_host web)/small"
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

test_http2()
{
	start_nginx "http2 backlog=4096"
	curl_ --http2 -w '%{http_version}\n' "https://$(url_host web)/small" >"$T/version"
	assert_equal "HTTP" "$(<"$T/version")" 2
	assert_connections "1 0 0 0 1" "1 0 0 0 1"
	assert_both ""
	assert_equal "page" "$(metric tls_sessions_other_total 'pod="web"')" 1
}

# A server that is killed has been seen, and so has its client.
test_killed()
{
	local client
	serve_instead "$HTTP/serve.py" 443 "$T/www"
	ip netns exec cli curl -sk -o /dev/null "https://$(url_host web)/sleep/600000/200" &
	client=$!
	wait_for 10 connections_are cli "1 0 0 0 0"
	wait_for 10 connections_are web "1 0 0 0 0"
	kill -KILL "$client"
	wait "$client" 2>/dev/null || true
	end_last
	assert_connections "1 0 0 0 0" "1 0 0 0 0"
}

# Whoever only says hello has no connection.
test_nobody_answers()
{
	agent_start
	listen_in web 443 python3 -c 'import socket, time
s = socket.create_server(("", 443)); time.sleep(600)'
	in_pod cli python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], 443)); s.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")' "$(pod_address web)"
	end_last
	assert_connections "0 0 0 0 0" "0 0 0 0 0"
}

# An older podtag of the same layout knows nothing of this; its upgrade keeps what else it has counted.
test_older_datapath()
{
	rm "$PINS/maps/tls_connections" "$PINS/maps/tls_probes"
	connections_are web "0 0 0 0 0" || fail "without the maps"
	agent_start
	assert_equal "page" "$(metric tls_connections_total 'pod="web"')" 0
	agent_stop
	"$B/variant/podtag" load
	wait_for 5 test -e "$PINS/maps/tls_connections"
	nginx_on_443 backlog=4096
	curl_ "https://$(url_host web)/small"
	assert_connections "1 1 0 0 0" "1 1 0 0 0"
}

run_tests "$@"

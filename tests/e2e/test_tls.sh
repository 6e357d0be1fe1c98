#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP inside TLS, seen in the libraries that pods use: each request counts once, for both ends.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

# Of all series.
are_tls() # POD
{
	map_dump http_latency | jq -r --argjson id "$(pod_id "$1")" '.[].formatted.key | select(.pod_id == $id) | .tls' |
		sort -u
}

test_curl()
{
	local url
	start_nginx
	url=https://$(url_host web)/small
	for _ in {1..5}; do
		curl_ "$url" -o /dev/null "$url" || fail "curl"
	done
	assert_both "GET 200 10"
	assert_equal "TLS at the server" "$(are_tls web)" 1
	assert_equal "TLS at the client" "$(are_tls cli)" 1
	assert_nothing_missing
	assert_equal "page" "$(metric http_request_duration_seconds_count 'pod="web"' 'role="server"' 'status="200"' 'tls="true"')" 10
	assert_at_least "ns a call" "$(metric podtag_tls_probe_seconds | awk '{ print $1 * 1e9 }')" 1
	assert_equal "target" "$(metric podtag_tls_targets "library=\"$(basename "$(readlink -f "$LIBSSL")")\"" 'version="3.' 'state="probed"')" 1
	assert_equal "sessions left" "$(map_dump tls_sessions | jq length)" 0
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
}

test_programs_and_nginx()
{
	start_nginx
	both_probed
	ask_all
}

test_programs_and_apache()
{
	listen_in web 443 /usr/sbin/apache2 -X -DTLS -f "$HTTP/apache.conf"
	both_probed
	ask_all
}

test_programs_and_python()
{
	listen_in web 443 "$HTTP/serve.py" 443 "$T/www"
	both_probed
	ask_all
}

test_programs_and_node()
{
	needs_speed node
	listen_in web 443 node "$HTTP/serve.js" 443 "$T/www"
	both_probed
	ask_all
}

# No call of the library is near a socket.
test_buffers_in_memory()
{
	listen_in web 443 "$HTTP/serve_async.py" 443
	wait_for 15 is_probed "$LIBSSL"
	run_wrk 16 2000 plain
	assert_both "GET 200 2000"
	assert_nothing_missing
}

# GnuTLS at both ends.
test_gnutls()
{
	local url
	listen_in web 443 lighttpd -D -f "$HTTP/lighttpd.conf"
	url=https://$(url_host web)
	wait_for 15 once_probed wget "$GNUTLS" gnutls_deinit
	in_pod cli wget -q --ca-certificate="$T/web.pem" -O /dev/null "$url/small" "$url/large" "$url/small" ||
		fail "wget: $?"
	in_pod cli wget -q --ca-certificate="$T/web.pem" -O /dev/null "$url/none" && fail "wget found a page"
	assert_both "GET 200 3
GET 404 1"
	assert_nothing_missing
	end_last
	wait_for 5 has_sessions 0
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
}

# One podtag for all versions, of which it knows none: a server and a client of each, and this one's too.
test_versions()
{
	local suite count=$((KEPT / 10)) url
	[[ -d $ROOTS ]] || skip "other Debians are unpacked for x86-64 alone"
	both_probed # wrk has this Debian's
	url=https://$(url_host web)/small
	for suite in bullseye bookworm trixie sid; do
		mkdir -p "$ROOTS/$suite$T"
		mount --bind "$T" "$ROOTS/$suite$T"
		start_nginx "$suite"
		in_pod cli chroot "$ROOTS/$suite" curl -fsS --cacert "$T/web.pem" "$url?[1-1000]" >"$T/got" ||
			fail "curl of $suite"
		run_wrk 32 "$count" plain
		stop_last
		ALL=$((${ALL:-0} + count + 1000))
		assert_equal "in nginx's log" "$(wc -l <"$T/access.log")" "$ALL"
		assert_both "GET 200 $ALL"
	done
	assert_nothing_missing
}

test_keep_alive()
{
	start_nginx
	keep_alive 64
}

test_connection_each()
{
	start_nginx
	connection_each 64
}

test_mixed_traffic()
{
	start_nginx
	run_wrk 32 $((KEPT / 10)) mixed
	assert_all_agree $((KEPT / 10))
}

# Who is killed frees nothing.
test_killed_in_the_middle()
{
	local client
	listen_in web 443 "$HTTP/serve.py" 443 "$T/www"
	both_probed
	ip netns exec cli curl -sk -o /dev/null "https://$(url_host web)/sleep/600000/200" &
	client=$!
	wait_for 10 has_sessions 2
	sleep 0.3
	kill -KILL "$client" || true
	wait "$client" 2>/dev/null || true
	wait_for 5 has_sessions 1
	assert_aborted cli client "1 0"
	end_last
	wait_for 5 has_sessions 0
	assert_aborted web server "0 1"
	assert_both ""
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
	assert_equal "processes left" "$(map_dump tls_processes | jq length)" 0
}

# Nothing that was said inside TLS is in any map, while both sessions are open.
test_nothing_is_kept()
{
	local secret=zqzqzqzqzqzqzqzq map
	start_nginx
	both_probed
	ip netns exec cli "$HTTP/secret.py" "$(pod_address web)" "$secret" >"$T/said" &
	PIDS+=($!)
	wait_for 20 grep -qx 'done' "$T/said"
	assert_both "POST 200 2"
	assert_equal "sessions" "$(map_dump tls_sessions | jq length)" 2
	for map in "$PINS"/maps/*; do
		bpftool -j map dump pinned "$map" 2>/dev/null | tr -d '"x,' >"$T/map" || continue
		! grep -q 07a07107a071 "$T/map" || fail "a secret is in ${map##*/}"
	done
}

run_tests "$@"

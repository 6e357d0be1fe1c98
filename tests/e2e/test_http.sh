#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP/1 sent and received in every way that TCP allows: each request counts once, for both ends.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each() { two_pods; }

GET=$(request GET)
OK=$(response 200 hello)

# --- how the bytes are sent ---------------------------------------------------------------------

test_one_request()
{
	converse head "send:$OK" eof -- "send:$GET" head read:5
	assert_both "GET 200 1"
	assert_nothing_missing
}

test_one_request_ipv6()
{
	FAMILY=6 converse head "send:$OK" eof -- "send:$GET" head read:5
	assert_both "GET 200 1"
	assert_nothing_missing
}

test_keep_alive()
{
	converse head "send:$OK" repeat:100 eof -- "send:$GET" head read:5 repeat:100
	assert_both "GET 200 100"
	assert_nothing_missing
}

test_byte_at_a_time()
{
	converse head read:4 "drip:$OK" head "drip:$(response 404 no)" eof -- \
		"drip:$(request POST body)" head read:5 "drip:$GET" head read:2
	assert_both "POST 200 1
GET 404 1"
	assert_nothing_missing
}

# A file as the body: without a copy, by a pipe, from the sender's own pages.
file_body() # STEP
{
	local size=3000000
	head -c "$size" /dev/urandom >"$T/file"
	converse head "send:HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n" "$1" repeat:3 eof -- \
		"send:$GET" head "discard:$size" repeat:3
	assert_both "GET 200 3"
	assert_nothing_missing
}

test_sendfile() { file_body "sendfile:$T/file"; }

test_splice() { file_body "splice:$T/file"; }

test_msg_zerocopy() { file_body zerocopy:3000000; }

# What the head says is the first thing of the file, too: nothing of it is in the packet's linear part.
test_all_by_sendfile()
{
	printf '%b' "$OK" >"$T/file"
	printf '%b' "$GET" >"$T/request"
	converse head "sendfile:$T/file" repeat:3 eof -- "sendfile:$T/request" head read:5 repeat:3
	assert_both "GET 200 3"
	assert_nothing_missing
}

test_io_uring()
{
	local tool=$TOOLS/uring
	"$tool" probe || skip "no io_uring in this kernel"
	printf '%b' "$OK" >"$T/response"
	listen_in web 80 "$tool" serve 80 "$T/response"
	in_pod cli "$HTTP/peer" call -n 3 "$(pod_address web)" 80 "send:$GET" head read:5 repeat:10
	assert_both "GET 200 30"
	assert_nothing_missing
}

# The data arrives with the handshake's last segment, which belongs to the listener.
test_defer_accept()
{
	PEER_SERVE="-d -n 20" PEER_CALL="-n 20" converse head "send:$OK" repeat:3 eof -- \
		"send:$GET" head read:5 repeat:3
	assert_both "GET 200 60"
	assert_nothing_missing
}

# From the second connection on the request is in the SYN.
test_fast_open()
{
	local pod
	for pod in web cli; do
		in_pod "$pod" sysctl -qw net.ipv4.tcp_fastopen=3
	done
	PEER_SERVE="-f -n 20" PEER_CALL="-f -n 20" converse head "send:$OK" head "send:$OK" eof -- \
		"send:$GET" head read:5 "send:$GET" head read:5
	assert_at_least "SYNs with data" "$(snmp web TcpExt TCPFastOpenPassive)" 10
	assert_both "GET 200 40"
	assert_nothing_missing
}

# --- connections ------------------------------------------------------------------------------

# Who has nothing more to ask may still wait.
test_half_closed_client()
{
	converse head eof sleep:50 "send:$OK" -- "send:$GET" shut head read:5 eof
	assert_both "GET 200 1"
	assert_nothing_missing
}

# From the next message on: the one that is running when podtag comes cannot be known.
test_connection_older_than_podtag()
{
	"$B/podtag" unload
	listen_in web 80 "$HTTP/peer" serve 80 head "wait:$T/attached" "send:$OK" head "send:$OK" repeat:1 head \
		"send:$(response 201 hello)" eof
	in_pod cli "$HTTP/peer" call "$(pod_address web)" 80 "send:$GET" "touch:$T/asked" head read:5 \
		"send:$GET" head read:5 "send:$GET" head read:5 &
	PIDS+=($!)
	wait_for 10 test -e "$T/asked"
	load_podtag
	for pod in web cli; do
		add_again "$pod"
	done
	touch "$T/attached"
	wait "${PIDS[-1]}" || fail "the client"
	unset 'PIDS[-1]'
	assert_both "GET 200 1
GET 201 1"
	assert_equal "the response whose request was not seen, at both ends" "$(http_lost)" "request 2"
}

# ADD of a pod that is there, as a runtime does after the node was taken apart.
add_again() # POD
{
	local result
	result=$(jq -c --argjson conf "$(podtag)" '{cniVersion: "1.0.0", name: "net", prevResult: .} + $conf' "$T/$1.result")
	PT_ARGS=$(cni_args shop "$1") plugin ADD "/run/netns/$1" "$(container_of "$1")" eth0 "$result" >"$T/again"
}

# --- aborted ------------------------------------------------------------------------------------

test_client_resets()
{
	converse head gone -- "send:$GET" sleep:50 reset
	assert_both ""
	assert_aborted web server "1 0"
	assert_aborted cli client "1 0"
	assert_equal "lost" "$(http_lost)" ""
}

test_server_resets()
{
	converse head reset -- "send:$GET" gone
	assert_aborted web server "0 1"
	assert_aborted cli client "0 1"
}

test_server_closes_in_the_body()
{
	converse head 'send:HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello' -- "send:$GET" head read:5 eof
	assert_both ""
	assert_aborted web server "0 1"
	assert_aborted cli client "0 1"
}

# The client leaves while the server works, and the server never says anything.
test_client_leaves()
{
	converse head eof -- "send:$GET" sleep:50
	assert_both ""
	assert_aborted web server "1 0"
	assert_aborted cli client "1 0"
}

# A socket that goes without a word, FIN or RST: nothing that it sends arrives, and it gives up.
test_socket_goes_without_fin()
{
	listen_in web 80 "$HTTP/peer" serve 80 gone
	in_pod cli "$HTTP/peer" call "$(pod_address web)" 80 limit:1000 "touch:$T/connected" "wait:$T/dead" \
		"send:$GET" gone &
	wait_for 10 test -e "$T/connected"
	lose cli 100
	touch "$T/dead"
	wait $! || fail "the client"
	assert_aborted cli client "0 1"
	assert_both ""
	lose_nothing # or the server's socket outlives the test
}

# --- where ---------------------------------------------------------------------------------------

# A pod that calls itself is both.
# The storage of a socket outlives its connection.
test_socket_connects_again()
{
	PEER_SERVE="-n 3" converse head "send:$(response 200 hello)" gone -- \
		"send:$(request GET)" head read:5 again "send:$(request POST body)" head read:5 again \
		"send:$(request GET)" shut head read:5
	assert_both "GET 200 2"$'\n'"POST 200 1"
	assert_nothing_missing
}

test_loopback_in_a_pod()
{
	listen_in web 80 "$HTTP/peer" serve 80 head "send:$OK" repeat:10 eof
	in_pod web "$HTTP/peer" call 127.0.0.1 80 "send:$GET" head read:5 repeat:10
	assert_series web server "GET 200 10"
	assert_series web client "GET 200 10"
	assert_nothing_missing
}

test_loopback_in_a_pod_ipv6()
{
	listen_in web 80 "$HTTP/peer" serve 80 head "send:$OK" repeat:10 eof
	in_pod web "$HTTP/peer" call ::1 80 "send:$GET" head read:5 repeat:10
	assert_series web server "GET 200 10"
	assert_series web client "GET 200 10"
	assert_nothing_missing
}

# The host's own sockets are nobody's.
test_sockets_of_the_host()
{
	"$HTTP/peer" serve 8000 head "send:$OK" repeat:10 eof &
	PIDS+=($!)
	wait_for 10 bash -c '[[ $(ss -Htln "sport = :8000") ]]'
	"$HTTP/peer" call 127.0.0.1 8000 "send:$GET" head read:5 repeat:10
	assert_equal "series" "$(http_series_count)" 0
	assert_nothing_missing
}

test_host_calls_a_pod()
{
	listen_in web 80 "$HTTP/peer" serve 80 head "send:$OK" repeat:10 eof
	"$HTTP/peer" call "$(pod_address web)" 80 "send:$GET" head read:5 repeat:10
	assert_series web server "GET 200 10"
	assert_equal "series" "$(http_series_count)" 1
	assert_nothing_missing
}

test_tls_is_left_alone()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=web -days 2 -keyout "$T/key" -out "$T/cert" 2>/dev/null
	listen_in web 443 openssl s_server -www -accept 443 -key "$T/key" -cert "$T/cert"
	in_pod cli curl -fsSk -o "$T/page" "https://$(pod_address web)/" "https://$(pod_address web)/"
	assert_contains "the page" "$(cat "$T/page")" "Ciphers supported"
	printf 'GET / HTTP/1.0\r\n\r\n' |
		in_pod cli openssl s_client -quiet -connect "$(pod_address web):443" >"$T/page" 2>/dev/null
	assert_equal "series" "$(http_series_count)" 0
	assert_nothing_missing
}

run_tests "$@"

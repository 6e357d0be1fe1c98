#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The life of a TLS session: resumed, renewed, closed by halves, cut, left in the middle; by the calls of
# OpenSSL, by those of them that end in _ex, and by GnuTLS's.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

# shellcheck disable=SC2034
PEER_PORT=443
GET=$(request GET)
OK=$(response 200 hello)
PART='HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'
OPEN_END='HTTP/1.1 200 OK\r\n\r\nhello'

both_libraries_probed()
{
	wait_for 15 once_probed curl "$LIBSSL"
	wait_for 15 once_probed wget "$GNUTLS" gnutls_deinit
}

talk() # "LIBRARY [OPTION...]" SERVER-STEP... -- CLIENT-STEP...: the same at both ends
{
	PEER_SERVE="-t $1" PEER_CALL="-t $1" converse "${@:2}"
}

assert_no_state()
{
	wait_for 5 has_sessions 0
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
	assert_equal "processes left" "$(map_dump tls_processes | jq length)" 0
}

assert_lost_nothing()
{
	assert_equal "requests in no histogram" "$(http_lost)" ""
	assert_no_state
}

# Each kind of session, five connections of which four are resumed.
test_resumed()
{
	local version
	both_libraries_probed
	for version in "" "-2"; do
		talk "openssl -n 5 -r $version" head "send:$OK" head "send:$OK" eof -- \
			"send:$GET" head read:5 "send:$GET" head read:5 shut
	done
	assert_both "GET 200 20"
	assert_nothing_missing
	assert_no_state
}

# In TLS 1.2 a handshake, by the client's wish; in TLS 1.3 other keys, by each end's.
test_renewed()
{
	both_libraries_probed
	talk "openssl -2" head "send:$OK" head "send:$OK" gone -- \
		"send:$GET" head read:5 renew "send:$GET" head read:5 renewed
	talk openssl head "send:$OK" renew head "send:$OK" gone -- \
		"send:$GET" head read:5 renew "send:$GET" head read:5
	assert_both "GET 200 4"
	assert_nothing_missing
	assert_no_state
}

# By the server's wish, between a request and its response.
test_renewed_by_apache()
{
	listen_in web 443 /usr/sbin/apache2 -X -DTLS -f "$HTTP/apache.conf"
	both_libraries_probed
	cp "$T/www/small" "$T/www/for-known"
	in_pod cli curl -sSv --cacert "$T/web.pem" --tls-max 1.2 "https://$(url_host web)/"{small,for-known,small} >"$T/got" 2>&1 ||
		fail "$(cat "$T/got")"
	assert_equal "requests for a certificate" "$(grep -c 'Request CERT' "$T/got")" 1
	assert_both "GET 200 3"
	assert_nothing_missing
}

# A request that comes with the handshake.
test_early_data()
{
	both_libraries_probed
	PEER_SERVE="-t openssl -n 3" PEER_CALL="-t openssl -n 3 -r" converse early head "send:$OK" head "send:$OK" eof -- \
		"early:$GET" head read:5 "send:$GET" head read:5 shut
	assert_both "GET 200 6"
	assert_nothing_missing
	assert_no_state
}

# Who has said that it sends no more still reads.
test_half_closed()
{
	local library
	both_libraries_probed
	for library in openssl openssl-ex gnutls; do
		talk "$library" head eof sleep:50 "send:$OK" -- "send:$GET" shut head read:5
	done
	assert_both "GET 200 3"
	assert_nothing_missing
	assert_no_state
}

# What is looked at and read later has come once.
test_peek()
{
	local library
	both_libraries_probed
	for library in openssl openssl-ex; do
		talk "$library" peek:10 peek:18 head "send:$OK" peek:18 head "send:$OK" gone -- \
			"send:$GET" peek:5 head read:5 "send:$GET" peek:17 head read:5
	done
	assert_both "GET 200 4"
	assert_nothing_missing
	assert_no_state
}

# Large bodies through a socket that does not take them: of what is written in parts and again, each counts once.
test_written_again()
{
	local library size=3000000 to from
	both_libraries_probed
	head -c "$size" /dev/urandom >"$T/body"
	from="HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n"
	to="POST / HTTP/1.1\r\nContent-Length: $size\r\n\r\n"
	for library in openssl openssl-ex gnutls; do
		talk "$library -p" head "send:$from" "sendfile:$T/body" sleep:200 head discard:$size "send:$OK" gone -- \
			"send:$GET" sleep:200 head discard:$size "send:$to" "sendfile:$T/body" head read:5
	done
	assert_both "GET 200 3
POST 200 3"
	assert_nothing_missing
	assert_no_state
}

# The end of a response is the end of the connection, which its server has said in TLS's own way.
test_response_without_length()
{
	local library
	both_libraries_probed
	for library in openssl gnutls; do
		talk "$library" head "send:$OPEN_END" shut gone -- "send:$GET" head read:5 eof
		talk "$library" head "send:$OPEN_END" shut gone -- "send:$GET" head read:5 eof shut sleep:50
		talk "$library" head eof "send:$OPEN_END" shut -- "send:$GET" shut head read:5 eof
	done
	assert_both "GET 200 6"
	assert_nothing_missing
	assert_no_state
}

# An end that nobody has announced may be an attacker's. The client's SSL_read() says that it is one, and tells the
# server, by an alert, what it thinks of it.
test_response_without_end()
{
	both_libraries_probed
	talk openssl head "send:$OPEN_END" cut gone -- "send:$GET" head read:5 gone
	assert_series cli client "GET 200 1"
	assert_series web server ""
	assert_aborted web server "1 0"
	assert_lost_nothing
}

# In the midst of a response, with a word and without.
test_server_gives_up()
{
	local library aborted=0
	both_libraries_probed
	for library in openssl gnutls; do
		talk "$library" head "send:$PART" shut -- "send:$GET" head read:5 gone
		((++aborted))
		assert_aborted cli client "0 $aborted"
		assert_aborted web server "0 $aborted"
	done
	talk openssl head "send:$PART" reset -- "send:$GET" head read:5 gone
	assert_aborted web server "0 3"
	assert_aborted cli client "1 2" # who gave up is not to be seen there
	assert_both ""
	assert_lost_nothing
}

test_client_gives_up()
{
	local library aborted=0
	both_libraries_probed
	for library in openssl gnutls; do
		talk "$library" head "send:$PART" gone -- "send:$GET" head read:5 shut
		((++aborted))
		assert_aborted cli client "$aborted 0"
		assert_aborted web server "$aborted 0"
	done
	talk openssl head "send:$PART" gone -- "send:$GET" head read:5 reset
	assert_aborted cli client "3 0"
	assert_aborted web server "2 1" # who gave up is not to be seen there
	assert_both ""
	assert_lost_nothing
}

# Another library by the same names.
test_boringssl()
{
	local library=(/usr/lib/*/android/libssl.so.0)
	((${#library[@]})) || skip "no android-libboringssl"
	in_pod cli env LD_PRELOAD="${library[0]}" sleep 1
	wait_for 15 is_probed "${library[0]}"
	talk "boringssl -n 3" head "send:$OK" peek:10 head "send:$(response 404 none)" gone -- \
		"send:$GET" head read:5 "send:$GET" peek:5 head read:4
	talk boringssl head "send:$OPEN_END" shut gone -- "send:$GET" head read:5 eof
	talk "boringssl -n 3" head eof "send:$OK" -- "send:$GET" shut head read:5
	assert_both "GET 200 7
GET 404 3"
	assert_nothing_missing
	assert_no_state
}

# A child has the session that its parent has begun, and each is known by its process.
test_forked()
{
	both_libraries_probed
	PEER_SERVE="-t openssl" PEER_CALL="-t openssl" converse head "send:$OK" fork head "send:$OK" gone -- \
		"send:$GET" head read:5 "send:$GET" head read:5
	assert_both "GET 200 2"
	assert_nothing_missing
	PEER_SERVE="-t openssl" PEER_CALL="-t openssl" converse head fork "send:$OK" gone -- "send:$GET" head read:5
	assert_series cli client "GET 200 3"
	assert_series web server "GET 200 2"
	assert_aborted web server "0 1" # the parent knows no response
	assert_equal "requests in no histogram" "$(http_lost)" "request 1"
	assert_no_state
}

# Another program in the same process has none of these sessions.
test_exec()
{
	local talk
	both_libraries_probed
	talk openssl head gone -- "send:$GET" "exec:touch $T/ran; while [ -e $T/ran ]; do sleep 0.05; done" &
	talk=$!
	wait_for 10 test -e "$T/ran"
	wait_for 5 has_sessions 0
	[[ -e $T/ran ]] || fail "the program had ended"
	assert_aborted cli client "1 0"
	rm "$T/ran"
	wait "$talk" || fail "the conversation"
	assert_no_state
}

run_tests "$@"

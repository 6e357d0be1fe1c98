#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Each server and client under load, on connections that stay and on one for each request: not one more or less
# than was asked. PT_REQUESTS=100000 says how many; here it is less, as test_tls.sh asks so many of nginx and Go.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

KEPT=$(scaled "${PT_REQUESTS-5000}")
CLOSED=$(scaled "${PT_REQUESTS-1000}")

# Behind a closed connection curl opens the next.
curl_asks() # HOW COUNT
{
	local header="X: y"
	[[ $1 == open ]] || header="Connection: close"
	curl -fsS --cacert "$TLS_CERT" -H "$header" "https://$WEB/small?[1-$2]" -o /dev/null -w '%{http_code}\n' | grep -c '^200$'
}
export -f curl_asks

both_probed_and_gnutls()
{
	WEB=$(url_host web)
	export WEB
	both_probed
	wait_for 15 once_probed wget "$GNUTLS" gnutls_deinit
	in_pod cli sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
}

# Both kinds, from wrk, whose library is OpenSSL.
wrk_asks() # [CONNECTIONS]
{
	local start=$SECONDS
	both_probed_and_gnutls
	run_wrk "${1-32}" "$KEPT" plain
	assert_both "GET 200 $KEPT"
	run_wrk "${1-32}" "$CLOSED" plain -H "Connection: close"
	assert_both "GET 200 $((KEPT + CLOSED))"
	assert_nothing_missing
	say "$KEPT and $CLOSED requests, both ends exact, $((SECONDS - start)) s"
}

test_apache()
{
	listen_in web 443 /usr/sbin/apache2 -X -DTLS -f "$HTTP/apache.conf"
	wrk_asks 16 # it has 25 threads, and when all are busy it closes connections that could stay
}

test_python()
{
	local start=$SECONDS
	listen_in web 443 "$HTTP/serve.py" 443 "$T/www"
	both_probed_and_gnutls
	run_wrk 32 "$KEPT" plain
	# it ends connections without close_notify, which wrk takes for an error
	assert_equal "answers on a connection each" "$(in_pod cli "$HTTP/many.py" "https://$WEB/small" close "$CLOSED")" "$CLOSED"
	assert_both "GET 200 $((KEPT + CLOSED))"
	assert_nothing_missing
	say "$KEPT and $CLOSED requests, both ends exact, $((SECONDS - start)) s"
}

test_asyncio()
{
	listen_in web 443 "$HTTP/serve_async.py" 443
	wrk_asks
}

test_node()
{
	needs_speed node
	listen_in web 443 node "$HTTP/serve.js" 443 "$T/www"
	wrk_asks
}

test_lighttpd_with_gnutls()
{
	listen_in web 443 lighttpd -D -f "$HTTP/lighttpd.conf"
	wrk_asks
}

# "open" and "close" differ in nothing but the connections.
client_asks() # COMMAND...: with HOW and COUNT behind it, prints how many were answered with 200
{
	local start=$SECONDS
	start_nginx
	both_probed_and_gnutls
	assert_equal "answers on connections that stay" "$(in_pod cli "$@" open "$KEPT")" "$KEPT"
	assert_both "GET 200 $KEPT"
	assert_equal "answers on a connection each" "$(in_pod cli "$@" close "$CLOSED")" "$CLOSED"
	stop_last
	assert_equal "in nginx's log" "$(wc -l <"$T/access.log")" $((KEPT + CLOSED))
	assert_both "GET 200 $((KEPT + CLOSED))"
	assert_nothing_missing
	say "$KEPT and $CLOSED requests, both ends exact, $((SECONDS - start)) s"
}

test_curl()
{
	client_asks bash -c 'curl_asks "$@"' _
}

# libcurl with GnuTLS.
test_curl_with_gnutls()
{
	/usr/bin/python3 -c 'import pycurl, sys; sys.exit("GnuTLS" not in pycurl.version)' 2>/dev/null ||
		skip "no python3-pycurl, which has a libcurl with GnuTLS"
	[[ ${PT_REQUESTS-} ]] || KEPT=1000 CLOSED=200 # it takes 7 ms for each
	client_asks "$HTTP/curl_gnutls.py" "https://$(url_host web)/small"
}

test_node_asks()
{
	needs_speed node
	client_asks node "$HTTP/many.js" "https://$(url_host web)/small"
}

test_python_asks() { client_asks "$HTTP/many.py" "https://$(url_host web)/small"; }

run_tests "$@"

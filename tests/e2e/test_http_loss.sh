#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP counts where segments are lost: one that is chosen, and 3 % of all.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

before_each() { two_pods; }

GET=$(request GET)
OK=$(response 200 hello)

# The first packet of a pod that matches never arrives, all others do.
lose_first() # POD MATCH...
{
	local dev
	dev=$(host_link "$1")
	nft add table netdev loss
	nft add chain netdev loss "$dev" "{ type filter hook ingress device \"$dev\" priority 0; }"
	nft add rule netdev loss "$dev" "${@:2}" numgen inc mod 1000000 '<' 1 counter drop
}

# ... and that was so.
assert_lost_one()
{
	assert_contains "what was dropped" "$(nft list table netdev loss)" "counter packets 1 "
}

# --- a segment is lost --------------------------------------------------------------------------

# Three exchanges count, though the first packet that matches is lost.
survive_loss() # POD MATCH...
{
	lose_first "$@"
	converse head "send:$OK" repeat:3 eof -- "send:$GET" head read:5 repeat:3
	assert_lost_one
	assert_both "GET 200 3"
	assert_nothing_missing
}

# What comes first then belongs to the listener, as with TCP_DEFER_ACCEPT.
test_lost_third_ack() { survive_loss cli tcp flags '&' '(syn|ack|psh)' == ack; }

test_lost_request() { survive_loss cli tcp flags '&' psh == psh; }

test_lost_response() { survive_loss web tcp flags '&' psh == psh; }

# The kernel leaves podtag_on_state out where a softirq has interrupted it. Here it does nothing at all.
test_lost_third_ack_while_interrupted()
{
	local jump=(pinned "$PINS/maps/on_state" key 0 0 0 0)
	lose_first cli tcp flags '&' '(syn|ack|psh)' == ack
	bpftool map delete "${jump[@]}"
	converse head "send:$OK" head gone -- "send:$GET" head read:5 "send:$GET" sleep:50 reset
	bpftool map update "${jump[@]}" value pinned "$PINS/progs/podtag_tag_sock"
	assert_lost_one
	assert_both "GET 200 1"
	assert_equal "requests in no histogram" "$(http_lost)" ""
	assert_aborted web server "1 0"
	assert_aborted cli client "1 0"
}

# The response comes behind the FIN that ends it: nothing was aborted.
test_fin_before_the_lost_response()
{
	lose_first web tcp flags '&' psh == psh
	converse head "send:$OK" shut eof -- "send:$GET" head read:5 eof
	assert_lost_one
	assert_both "GET 200 1"
	assert_nothing_missing
}

# ... or only the middle of it does.
test_fin_before_a_lost_part()
{
	lose_first web tcp flags '&' psh == psh @th,256,16 0x7878
	converse head 'send:HTTP/1.0 200 OK\r\n\r\nabc' sleep:20 send:xxxx sleep:20 send:def shut eof -- \
		"send:$GET" head read:10 eof
	assert_lost_one
	assert_both "GET 200 1"
	assert_nothing_missing
}

# The client has no more to ask, and that is known before what it has asked.
test_fin_before_the_lost_request()
{
	lose_first cli tcp flags '&' psh == psh
	converse head "send:$OK" eof -- "send:$GET" shut head read:5 eof
	assert_lost_one
	assert_both "GET 200 1"
	assert_nothing_missing
}

# --- many are lost -------------------------------------------------------------------------------

nginx_with_loss()
{
	start_nginx
	lose web 3
	lose cli 3
	untold_children_begin
}

test_keep_alive_with_loss()
{
	nginx_with_loss
	keep_alive 512
	assert_at_least "segments sent again" "$(snmp web Tcp RetransSegs)" $((KEPT / 100))
}

test_connection_each_with_loss()
{
	nginx_with_loss
	connection_each 512
	assert_at_least "segments sent again" "$(snmp web Tcp RetransSegs)" $((CLOSED / 100))
}

# Bodies that are many segments long, of which any may be lost, repeated or out of order.
test_large_bodies_with_loss()
{
	local i urls=()
	nginx_with_loss
	for i in {1..5}; do
		urls+=(-o /dev/null "http://$(url_host web)/large?$i")
	done
	in_pod cli curl -fsS "${urls[@]}" || fail "curl"
	in_pod cli curl -fsS -o /dev/null -T "$T/www/large" -X POST "http://$(url_host web)/post" -: \
		-fsS -o /dev/null "http://$(url_host web)/small"
	assert_at_least "segments sent again" "$(snmp web Tcp RetransSegs)" 20
	assert_both "GET 200 6
POST 200 1"
	assert_nothing_missing
}

run_tests "$@"

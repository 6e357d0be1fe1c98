#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP inside Go's crypto/tls: each request counts once, for both ends, and no program is harmed.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

serve_go() # PROGRAM
{
	listen_in web 443 "$B/tests/http/$1" 443 "$T/www"
	wait_for 15 is_probed "$B/tests/http/$1" go_close
}

# Where Go's own disassembler sees a function return is a probe.
assert_returns_probed() # FILE PROBE FUNCTION
{
	local links
	links=("$PINS/links/tls-"*"-$(printf %x "$(stat -Lc %i "$1")")-$2-exit-"*)
	assert_equal "returns of $3" "${#links[@]}" "$(go tool objdump -s "crypto/tls.\(\*Conn\).$3$" "$1" | grep -cw RET)"
}

test_programs_and_go()
{
	serve_go serve
	both_probed
	ask_all
	assert_equal "target" "$(metric podtag_tls_targets 'library="crypto/tls"' 'version="1.' 'state="probed"')" 1
}

test_go_returns()
{
	needs_speed "Go's disassembler"
	serve_go serve
	assert_returns_probed "$B/tests/http/serve" go_read Read
	assert_returns_probed "$B/tests/http/serve" go_write Write
}

test_go_stripped()
{
	serve_go serve-stripped
	both_probed
	run_wrk 32 $((KEPT / 10)) plain
	assert_both "GET 200 $((KEPT / 10))"
	assert_nothing_missing
}

# Debian's own programs, of Go from 1.19 on. One of 1.15 has no calls that could be probed, and says so.
test_go_versions()
{
	local suite exporter
	[[ -d $ROOTS ]] || skip "other Debians are unpacked for x86-64 alone"
	both_probed
	printf 'tls_server_config:\n  cert_file: %s/web.pem\n  key_file: %s/web.key\n' "$T" "$T" >"$T/web.yml"
	for suite in bookworm trixie sid bullseye; do
		exporter=$ROOTS/$suite/usr/bin/prometheus-node-exporter
		listen_in web 443 "$exporter" --web.listen-address=:443 --web.config"$([[ $suite == bullseye ]] || echo .file)=$T/web.yml"
		[[ $suite != bullseye ]] || break
		wait_for 15 is_probed "$exporter" go_close
		run_wrk 16 $((KEPT / 20)) plain
		end_last
		awk 'NF == 2 && $1 ~ /^[0-9]+$/ { print "GET", $1, $2 }' "$T/wrk" >>"$T/told" # newer ones have no such page
		assert_both "$(awk '{ n[$2] += $3 } END { for (status in n) print "GET", status, n[status] }' "$T/told" | sort)"
	done
	wait_for 15 is_refused
	assert_nothing_missing
}

is_refused() { [[ $(metric podtag_tls_targets 'library="crypto/tls"' 'version=""' 'state="refused"') == 1 ]]; }

# As once_probed, which asks for nothing.
load_probed()
{
	in_pod cli "$B/tests/http/load" "https://$(url_host web)/" 0 1 "$T/www/small.txt" >"$T/version"
	is_probed "$B/tests/http/load" go_close
}

# Each request on a goroutine that begins small, of a client that may read a response before its write of the
# request has returned.
go_at_both_ends() # COUNT [close]
{
	local load=$B/tests/http/load
	serve_go serve
	wait_for 15 load_probed
	in_pod cli "$load" "https://$(url_host web)/small.txt" "$1" 32 "$T/www/small.txt" "${@:2}" >"$T/got" || fail "load"
	assert_equal "of load" "$(tail -n 1 "$T/got")" "requests $1 errors 0"
	assert_both "GET 200 $1"
	assert_nothing_missing
	end_last
	wait_for 5 has_sessions 0
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
}

test_go_keep_alive() { go_at_both_ends "$KEPT"; }

test_go_connection_each() { go_at_both_ends $((KEPT / 5)) close; }

# The same with stacks that grow and move, where each body is compared.
test_no_go_program_is_harmed()
{
	local load fds rounds=0 states=(off on)
	serve_go serve
	fds=$(open_files)
	head -c 200000 /dev/urandom >"$T/www/body"
	in_pod cli "$B/tests/http/load" "https://$(url_host web)/body" $((SLOW == 1 ? KEPT / 20 : 300)) 16 "$T/www/body" close >"$T/got" 2>&1 &
	load=$!
	while kill -0 "$load" 2>/dev/null; do
		agent_stop
		agent_start --tls "${states[rounds++ % 2]}"
		sleep 0.2
	done
	wait "$load" || fail "load: $(cat "$T/got")"
	say "$rounds times"
	assert_equal "of load" "$(tail -n 1 "$T/got" | cut -d ' ' -f 3-)" "errors 0"
	assert_at_least "rounds" "$rounds" 4
	assert_equal "open files" "$(open_files)" "$fds"
}

run_tests "$@"

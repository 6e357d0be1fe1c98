#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Probes on TLS libraries as agents, libraries and versions come and go.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

# Probes count without an agent; the next one finds them and adds none of its own.
test_agent_killed_in_between()
{
	local count=$((SLOW == 1 ? KEPT / 4 : 20000)) wrk before
	start_nginx
	run_wrk 32 "$count" plain &
	wrk=$!
	wait_for 10 counted_more_than 0
	before=$(ls "$PINS/links")
	agent_stop KILL
	wait_for 10 counted_more_than "$(http_series cli client | cut -d ' ' -f 3)"
	agent_start --tls on
	wait "$wrk" || fail "wrk"
	assert_equal "links" "$(ls "$PINS/links")" "$before"
	assert_all_agree "$count"
}

counted_more_than() { (($(http_series cli client | cut -d ' ' -f 3) > $1)); } # COUNT

# A library is let go when nobody in a pod has it any more, and probed again when somebody has.
test_off_and_on()
{
	start_nginx
	agent_stop
	agent_start
	wait_for 5 is_let_go "$LIBSSL"
	agent_stop
	agent_start --tls on
	wait_for 15 is_probed "$LIBSSL"
	in_pod cli curl -sk -o /dev/null "https://$(url_host web)/small"
	assert_both "GET 200 1"
}

# Probes come and go under 32 connections at a time and a download: no error, no wrong byte, nothing left open.
test_no_process_is_harmed()
{
	local wrk truth sum fds rounds=0 states=(off on)
	start_nginx
	fds=$(open_files)
	truth=$(sha256sum <"$T/www/large")
	run_wrk 32 $((SLOW == 1 ? KEPT / 2 : 3000)) plain -H "Connection: close" &
	wrk=$!
	while kill -0 "$wrk" 2>/dev/null; do
		agent_stop
		agent_start --tls "${states[rounds % 2]}"
		sum=$(in_pod cli curl -fsS --cacert "$T/web.pem" "https://$(url_host web)/large" | sha256sum)
		assert_equal "sum" "$sum" "$truth"
		((++rounds))
	done
	wait "$wrk" || fail "wrk"
	say "$rounds times"
	assert_at_least "rounds" "$rounds" 4
	assert_equal "open files" "$(open_files)" "$fds"
}

# A file is held no longer than somebody has it, give or take a minute, and probed again for the next one.
test_unused_for_a_while()
{
	local own=$T/lib/${LIBSSL##*/}
	needs_speed "more than a minute of waiting"
	mkdir "$T/lib"
	cp -L "$LIBSSL" "$own"
	start_nginx
	LD_LIBRARY_PATH=$T/lib in_pod cli curl --version >"$T/version"
	wait_for 15 is_probed "$own"
	wait_for 100 is_let_go "$own"
	is_probed "$LIBSSL" || fail "what nginx has mapped was let go"
	LD_LIBRARY_PATH=$T/lib in_pod cli curl --version >"$T/version"
	wait_for 15 is_probed "$own"
	LD_LIBRARY_PATH=$T/lib curl_ "https://$(url_host web)/small"
	assert_both "GET 200 1"
}

# Another version's programs are on the library that nginx has mapped, until the agent comes. The
# last test, since what is loaded in a test takes its network namespace for the node's.
test_upgrade()
{
	start_nginx
	both_probed
	agent_stop
	assert_contains "the other" "$("$B/variant/podtag" load)" upgraded
	agent_start --tls on
	wait_for 15 probes_are_current
	run_wrk 16 2000 plain
	assert_both "GET 200 2000"
	assert_nothing_missing
}

probes_are_current()
{
	local pin
	for pin in "$PINS"/progs/podtag_*; do bpftool -j prog show pinned "$pin" | jq .id; done | sort >"$T/programs"
	for pin in "$PINS/links/tls-"*"-$(printf %x "$(stat -Lc %i "$LIBSSL")")-"*; do bpftool -j link show pinned "$pin" | jq .prog_id; done | sort -u >"$T/linked"
	[[ -s $T/linked && ! $(comm -13 "$T/programs" "$T/linked") ]]
}

run_tests "$@"

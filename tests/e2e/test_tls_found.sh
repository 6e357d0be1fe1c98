#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How soon a TLS library is found: by who maps it late, and while thousands of programs come and go.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"

FOUND_SECONDS=2
SHORT=3000 # programs that live for a moment

# A program in pod cli that has a libssl of its own, once it is told so; then it asks, once it is told again.
late_begins()
{
	mkdir "$T/lib"
	OWN=$T/lib/${LIBSSL##*/}
	cp -L "$LIBSSL" "$OWN"
	mkfifo "$T/tell"
	LD_LIBRARY_PATH=$T/lib ip netns exec cli /usr/bin/python3 -c '
import sys
print("running", flush=True)
sys.stdin.readline()
import ssl, urllib.request
print("mapped", flush=True)
sys.stdin.readline()
context = ssl.create_default_context(cafile=sys.argv[2])
print(urllib.request.urlopen(sys.argv[1], context=context).status, flush=True)
sys.stdin.readline()' "https://$(url_host web)/small" "$T/web.pem" <>"$T/tell" >"$T/late" &
	PIDS+=($!)
	wait_for 10 grep -qx running "$T/late"
	sleep 1 # the agent has looked at all that has started so far
}

late_is_found()
{
	local start
	is_let_go "$OWN" || fail "probed before anybody has it"
	echo >"$T/tell"
	wait_for 10 grep -qx mapped "$T/late"
	start=${EPOCHREALTIME/./}
	wait_for "$FOUND_SECONDS" is_probed "$OWN"
	say "found $(((${EPOCHREALTIME/./} - start) / 1000)) ms later"
	echo >"$T/tell"
	wait_for 10 grep -qx 200 "$T/late"
}

test_mapped_late()
{
	start_nginx
	late_begins
	late_is_found
	assert_both "GET 200 1"
}

# A library whose code is in its first segment is mapped in one piece, of which the loader then makes the others'.
test_mapped_in_one_piece()
{
	local own=$B/tests/http/one-piece/libssl.so.3
	sleep 1 # the agent has looked at all that has started so far
	LD_PRELOAD=$own in_pod cli sleep "$FOUND_SECONDS"
	is_probed "$own" || fail "not found while a process had it"
}

short_programs() # COUNT
{
	in_pod cli bash -c 'for ((i = 0; i < $0; i++)); do curl --version; done >/dev/null' "$1"
}

# What the agent and its children took of a CPU, in ms.
agent_took() { awk '{ print 10 * ($14 + $15 + $16 + $17) }' "/proc/$AGENT_PID/stat"; }

probes_of() { compgen -G "$PINS/links/tls-*-$(printf %x "$(stat -Lc %i "$1")")-*" | wc -l; } # FILE

has_open() { (($(open_files "$AGENT_PID") == $1)); } # COUNT

test_thousands_of_short_programs()
{
	local files took storm
	needs_speed "the start of thousands of programs"
	start_nginx
	wait_for 15 once_probed curl "$LIBSSL"
	late_begins
	files=$(open_files "$AGENT_PID")
	took=$(agent_took)
	short_programs "$SHORT" &
	storm=$!
	sleep 1
	late_is_found
	kill -0 "$storm" || fail "there were too few programs"
	wait "$storm" || fail "a short program"
	took=$(($(agent_took) - took))
	say "$SHORT programs took the agent $took ms"
	assert_equal "probes of what they all have" "$(probes_of "$LIBSSL")" "$(probes_of "$OWN")"
	wait_for 5 has_open "$files"
	assert_at_least "programs for each ms of the agent's" "$SHORT" "$took"
	assert_both "GET 200 1"
}

run_tests "$@"

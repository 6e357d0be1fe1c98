#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The documentation against the programs: metrics, manual pages, and what commands print.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

DOCS=$TESTS/docs

is_there() { [[ $(metric "$@") ]]; } # as metric

# A pod that podtag was given with an interface that it has not.
bad_pod() # ADD|DEL
{
	[[ $1 == DEL ]] || netns_new bad
	PT_ARGS=$(cni_args shop bad) plugin "$1" /run/netns/bad c0ffee-bad eth9 \
		'{"cniVersion":"1.0.0","name":"net","type":"podtag","prevResult":{"cniVersion":"1.0.0"}}' >"$T/bad" 2>&1
	[[ $1 == ADD ]] || ip netns del bad
}

# HTTPS from cli to pay, once the library is probed.
use_tls()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pay \
		-keyout "$T/pay.key" -out "$T/pay.pem" 2>/dev/null
	TLS_CERT=$T/pay.pem TLS_KEY=$T/pay.key listen_in pay 443 "$HTTP/serve.py" 443 "$T/www"
	in_pod cli curl --version >"$T/version"
	wait_for 15 is_there podtag_tls_targets 'library="libssl' 'state="probed"'
	in_pod cli curl -fsSk -o /dev/null "https://$(pod_address pay)/small"
	wait_for 10 is_there http_request_duration_seconds_count 'pod="pay"' 'tls="true"'
}

# Runs the commands of a page. PT_WRITE=1 writes what they print into it.
assert_as_printed() # PAGE
{
	local page=$TOP/docs/$1 out=$T/printed.$1
	mkdir "$out"
	"$DOCS/examples" script "$page" "$out" "${words[@]}" >"$T/script"
	PATH=$T/bin:$B:$PATH bash "$T/script"
	[[ ! ${PT_WRITE-} ]] || "$DOCS/examples" write "$page" "$out"
	"$DOCS/examples" compare "$page" "$out" 2>"$T/errors" || fail "$(cat "$T/errors")"
}

# docs/debugging.md says what is on the node. This test is the first one, because the page's pods are the
# first of their node.
test_examples()
{
	local words=() options=()
	two_pods
	pod_add pay "$(cat "$T/web.conflist")"
	bad_pod ADD
	mkdir -p "$T/www" "$T/bin"
	echo small >"$T/www/small"
	ln -s "$(type -P gojq)" "$T/bin/jq"
	# shellcheck disable=SC2153
	[[ ! -e $PINS/progs/podtag_tls_call ]] || words=(tls) options=(--tls on)
	agent_start "${options[@]}"
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www"
	for _ in {1..20}; do in_pod cli curl -fsS -o /dev/null "http://$(pod_address web)/small"; done
	for _ in {1..3}; do in_pod cli curl -sS -o /dev/null "http://$(pod_address web)/nothing"; done
	serve web 8080
	lose web 5
	load cli -c 4 -j 2 -u 10000 -d 2000000 "$(pod_address web)" 8080
	lose_nothing
	wait_for 30 sockets_are_quiet web
	[[ ! ${words[*]} ]] || use_tls

	assert_as_printed debugging.md
	assert_as_printed security.md
	bad_pod DEL
}

page() { "$B/tests/docs/page" >"$T/page" || fail "no page"; }

test_metrics_are_those_of_the_agents_code()
{
	page
	"$DOCS/reference" check "$T/page" 2>"$T/errors" || fail "$(cat "$T/errors")"
}

test_metrics_are_those_of_a_node()
{
	page
	two_pods
	agent_start
	listen_in web 80 "$HTTP/serve.py" 80 "$T"
	in_pod cli curl -fsS -o /dev/null "http://$(url_host web)/nothing" && fail "found"
	wait_for 10 is_there http_request_duration_seconds_count 'pod="web"' 'status="404"'
	metrics -H 'Accept: application/openmetrics-text; version=1.0.0' >"$T/real"
	"$DOCS/reference" scrape "$T/page" "$T/real" 2>"$T/errors" || fail "$(cat "$T/errors")"
}

test_manual_pages_have_all_options()
{
	"$DOCS/manuals" "$B" 2>"$T/errors" || fail "$(cat "$T/errors")"
}

test_make_install_puts_programs_and_manual_pages()
{
	needs_speed make
	make -s -C "$TOP" install "DESTDIR=$T/root" PREFIX=/usr >"$T/make" 2>&1 || fail "$(cat "$T/make")"
	assert_equal "files" "$(cd "$T/root" && find . -type f -printf '%m %P\n' | sort -k 2)" "755 opt/cni/bin/podtag
755 usr/sbin/podtag-agent
755 usr/sbin/podtag-install
644 usr/share/man/man8/podtag-agent.8
644 usr/share/man/man8/podtag-install.8
644 usr/share/man/man8/podtag.8"
}

run_tests "$@"

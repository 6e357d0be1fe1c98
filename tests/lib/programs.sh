# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# Real clients, which all ask the same of a server in pod web; what podtag has counted of it. SCHEME is
# http, or https with a certificate in $T/web.pem.
# shellcheck source=http.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/http.sh"

# What each client asks of each server, and what all servers answer.
ASKED="GET 200
GET 200
POST 200
HEAD 200
GET 304
GET 404
GET 200
GET 200"
ALL="" # of the clients so far

# On one connection, and with a large upload that waits for 100 (Continue).
ask_curl() # URL
{
	local said='%{method} %{http_code} %{num_connects}\n' args=() one words
	local each=(-sS --max-time 60 -o /dev/null -w "$said")
	for one in "$1/small" "$1/large" "-H Expect:100-continue --data-binary @$T/upload $1/post" "-I $1/small" \
		"-H @$T/since $1/small" "$1/missing" "$1/chunked" "--compressed $1/small.txt"; do
		read -ra words <<<"$one"
		((${#args[@]} == 0)) || args+=(--next)
		args+=("${each[@]}" "${words[@]}")
	done
	in_pod cli curl "${args[@]}"
}

# Some servers close after an error or an upload, and none more than once.
asked_by_curl() # URL
{
	ask_curl "$1" >"$T/curl"
	assert_at_least "2, against curl's connections" 2 "$(awk '{ n += $3 } END { print n }' "$T/curl")"
	cut -d ' ' -f 1,2 "$T/curl"
}

asked_by_urllib() { in_pod cli "$HTTP/client.py" "$1"; }

asked_by_node() { in_pod cli node "$HTTP/client.js" "$1"; }

# One client's questions, besides those that were counted before.
ask() # CLIENT URL
{
	local got
	got=$("asked_by_$1" "$2") || fail "$1: $got"
	assert_equal "what $1 was told at $2" "$(sort <<<"$got")" "$(sort <<<"$ASKED")"
	ALL+=$ASKED$'\n'
	assert_both "$(summed <<<"${ALL%$'\n'}")"
}

# All clients at the server in pod web.
ask_all()
{
	local family
	# whom curl, Python and node trust
	export CURL_CA_BUNDLE=$T/web.pem SSL_CERT_FILE=$T/web.pem NODE_EXTRA_CA_CERTS=$T/web.pem
	head -c 2000000 /dev/zero >"$T/upload"
	date -u '+If-Modified-Since: %a, %d %b %Y %H:%M:%S GMT' >"$T/since" # -z makes a 304 of any 200
	for family in 4 6; do
		ask curl "${SCHEME-http}://$(url_host web $family)"
		ask urllib "${SCHEME-http}://$(url_host web $family)"
		((SLOW > 1)) || ask node "${SCHEME-http}://$(url_host web $family)"
	done
	in_pod cli wrk -t 1 -c 4 -d 1m -s "$HTTP/wrk.lua" "${SCHEME-http}://$(url_host web)/small" -- 200 plain >"$T/wrk" ||
		fail "wrk: $(cat "$T/wrk")"
	ALL+=$(printf 'GET 200\n%.0s' {1..200})
	assert_both "$(summed <<<"$ALL")"
	end_last
	assert_nothing_missing
}

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What probes on a TLS library cost: a call of it, and nginx's requests. podtag is there in all variants;
# they differ in what is on the library.
# shellcheck source=tests/bench/bench.sh
source "$(dirname "$0")/bench.sh"
# shellcheck source=tests/bench/variants.sh
source "$BENCH/variants.sh"
# shellcheck source=tests/bench/generators.sh
source "$BENCH/generators.sh"

TLS_ROUNDS=${TLS_ROUNDS-$ROUNDS}
CALLS=20000 # requests between two sessions, for a sample
SCHEME=https
VARIANTS=(nothing empty podtag again)
LABEL=(
	[nothing]='(a) no probes'
	[empty]='(b) an empty pair at SSL_read and SSL_write each'
	[podtag]="(c) podtag's probes"
	[again]='(a) no probes, again: the noise'
)

# The pod has a library of its own, as from an image: wrk's is not probed.
own_library()
{
	local file
	file=$(ldd "$B/tests/bench/tls_calls" | awk '/libssl/ { print $3 }')
	mkdir "$T/lib"
	cp -L "$file" "$T/lib"
	OWN=$T/lib/${file##*/}
}

tls_server() # nginx with TLS, instead of the plain one
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=web \
		-keyout "$T/web.key" -out "$T/web.pem" 2>/dev/null
	nginx_conf tls "http { access_log off; keepalive_requests 1000000000;
		server { listen 443 ssl backlog=4096; root $T/www;
			ssl_certificate $T/web.pem; ssl_certificate_key $T/web.key; } }"
}

server_https()
{
	LD_LIBRARY_PATH=$T/lib ip netns exec web nginx -c "$T/tls.conf" &
	SERVER=$!
	wait_for 60 listens 443
}

probes_begin() # VARIANT
{
	case $1 in
	empty) "$B/tests/bench/empty" "$B/tests/bench/empty.bpf.o" "$EMPTY" "$OWN" SSL_read SSL_write ;;
	podtag)
		agent_start --tls on
		wait_for 30 is_probed
		;;
	esac
}

# Nothing else in the pod has another one.
is_probed()
{
	local links=("$PINS/links/tls-"*"-SSL_free")
	((${#links[@]} == 1))
}

probes_end() # VARIANT
{
	case $1 in
	empty) rm -r "$EMPTY" ;;
	podtag)
		agent_stop
		rm "$PINS/links/tls-"*
		;;
	esac
	wait_for 30 is_library_whole
}

# The kernel takes breakpoints out of a library's code some time after their links are gone.
is_library_whole()
{
	local range offset _
	read -r range _ offset _ < <(grep " r-xp .*$OWN" "/proc/$SERVER/maps")
	cmp -n $((0x${range#*-} - 0x${range%-*})) -i $((0x${range%-*})):$((0x$offset)) "/proc/$SERVER/mem" "$OWN"
}

measure_calls() # VARIANT
{
	local reads writes
	read -r reads writes < <(LD_LIBRARY_PATH=$T/lib ip netns exec web "$B/tests/bench/tls_calls" \
		"$T/web.pem" "$T/web.key" "$CALLS") || fail "tls_calls"
	note tls-calls "$1" read "$reads"
	note tls-calls "$1" write "$writes"
}

round() # NUMBER
{
	local i variant
	for i in "${!VARIANTS[@]}"; do
		variant=${VARIANTS[($1 + i) % ${#VARIANTS[@]}]}
		server_https
		probes_begin "$variant"
		measure_calls "$variant"
		measure_wrk tls-web "$variant"
		measure_connect tls-connect "$variant"
		probes_end "$variant"
		kill "$SERVER"
		wait "$SERVER" 2>/dev/null || true
	done
}

tls()
{
	local number
	web_pod
	own_library
	tls_server
	podtag_begin
	"$B/podtag" load http >/dev/null
	for ((number = 0; number < TLS_ROUNDS; number++)); do
		progress "tls, round $((number + 1)) of $TLS_ROUNDS"
		round "$number"
	done
	report_tls
}

report_tls()
{
	echo '## Probes on a TLS library'
	echo
	sed 's/^\t//' <<-END
		$TLS_ROUNDS rounds; in each, every variant once, in turn. podtag counts in all of them; they differ in what is
		on the pod's libssl, which wrk does not share. An empty pair is a probe at a function's entry and one at its
		return that do nothing: the two traps that no program can be without. CPU is that of the whole machine, with wrk's.
	END
	table_of_calls
	table_of_requests tls-web 'Requests with TLS over open connections'
	table_of_requests tls-connect 'A new connection, with its handshake, for each request'
	advice
}

table_of_calls()
{
	local variant
	printf '\n### A call\n\n'
	sed 's/^\t//' <<-END
		A program in the pod passes $CALLS requests and responses from one session to another, through memory; in each
		round the median of what a call takes, then of these the median with quartiles. More than nothing: compared
		in each round. podtag parses each message and counts it, once for its sender and once for its receiver.

	END
	head_cells '' 'SSL_read, ns' 'more than nothing, ns' 'SSL_write, ns' 'more than nothing, ns'
	for variant in "${VARIANTS[@]}"; do
		cells "${LABEL[$variant]}" "$(spread_cell tls-calls "$variant" read %.0f)" \
			"$(more_cell "$variant" read)" "$(spread_cell tls-calls "$variant" write %.0f)" \
			"$(more_cell "$variant" write)"
	done
	printf '\npodtag beside the empty pair: %s times in what SSL_read takes more, %s in SSL_write.\n' \
		"$(times_more read)" "$(times_more write)"
}

# "+2345 (+2300 to +2400)"
more_cell() # VARIANT METRIC
{
	more tls-calls "$1" "$2" | interval | awk '{ printf "%+.0f (%+.0f to %+.0f)", $1, $2, $3 }'
}

times_more() # METRIC
{
	paste -d ' ' <(more tls-calls podtag "$1") <(more tls-calls empty "$1") | awk '{ print $1 / $2 }' |
		interval | awk '{ printf "%.2f (%.2f to %.2f)", $1, $2, $3 }'
}

table_of_requests() # SECTION TITLE
{
	local variant
	printf '\n### %s\n\n' "$2"
	head_cells '' 'requests/s' 'beside nothing' 'p50, us' 'p99, us' 'CPU us a request' 'more than nothing, us'
	for variant in "${VARIANTS[@]}"; do
		cells "${LABEL[$variant]}" "$(spread_cell "$1" "$variant" rate %.0f)" \
			"$(ratios "$1" rate "$variant" nothing again | percent_cell)" \
			"$(spread_cell "$1" "$variant" p50 %.0f)" "$(spread_cell "$1" "$variant" p99 %.0f)" \
			"$(spread_cell "$1" "$variant" cpu %.1f 10)" \
			"$(more "$1" "$variant" cpu | awk '{ print 10 * $1 }' | interval |
				awk '{ printf "%+.1f (%+.1f to %+.1f)", $1, $2, $3 }')"
	done
}

# A probe's price is the same for each call, so what it is of a request depends on what else that takes.
# nginx calls three times: it reads a request, writes the response, and reads again to find nothing.
advice()
{
	awk -v read="$(more tls-calls podtag read | spread)" -v write="$(more tls-calls podtag write | spread)" 'BEGIN {
		us = (2 * read + write) / 1000
		printf "\n**When to turn it on.** The three calls that nginx makes for a request take %.1f us more here, whatever it\n", us
		printf "asks: 1 %% of one that takes %.1f ms, and 1 %% of a core at %.0f requests a second. A pod that answers\n", us / 10, 1e4 / us
		print "thousands a second from memory is better left out; most others will not notice. Nearly all of it is the traps,"
		print "which an empty pair takes too, and which are dearest in virtual machines: `podtag_tls_probe_seconds` tells it"
		print "of a node."
	}'
}

section tls

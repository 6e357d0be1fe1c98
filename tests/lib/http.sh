# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of HTTP share, on top of lib.sh: programs in pods, and what podtag has counted of them.
# shellcheck source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HTTP=$TESTS/http # the programs
CRLF=$'\r\n'

# Where a processor is emulated, the verifier would take as long as the rest of such a test.
before_all() { load_podtag; }

# As where an agent runs, no ADD has to load the programs. What is counted from here on is the test's.
load_podtag()
{
	"$B/podtag" load
	LOST_BEFORE=$(map_dump http_lost | jq '[.[].formatted.value.count]')
	LAST_POD=$(map_dump datapath | jq '.[0].formatted.value.last_pod_id')
}

# Pods "web" and "cli" on a bridge.
two_pods()
{
	local pod list
	load_podtag
	list=$(conflist net 1.0.0 "$(bridge 7)" "$(podtag)")
	for pod in web cli; do
		pod_add "$pod" "$list"
		in_pod "$pod" ip link set lo up
	done
}

# The address of a pod's server as a URL has it.
url_host() # POD [4|6]
{
	if [[ ${2-4} == 6 ]]; then
		echo "[$(pod_address "$1" 6)]"
	else
		pod_address "$1"
	fi
}

# Starts a program in a pod and waits until it listens. Its output is in $T/POD.PORT.
listen_in() # POD PORT COMMAND...
{
	ip netns exec "$1" "${@:3}" >"$T/$1.$2" 2>&1 </dev/null &
	PIDS+=($!)
	wait_for 30 is_listening "$1" "$2"
}

is_listening() # POD PORT
{
	[[ $(in_pod "$1" ss -Htln "sport = :$2") ]]
}

# The last program that was started, ended at once.
end_last()
{
	kill -KILL "${PIDS[-1]}"
	wait "${PIDS[-1]}" 2>/dev/null || true
	unset 'PIDS[-1]'
}

# Something that takes minutes to start where a processor is emulated, and asks nothing new of a kernel.
needs_speed() # WHAT
{
	((SLOW == 1)) || skip "$1 takes minutes on an emulated processor"
}

# A load for this machine; 1 % of it where the processor is emulated.
scaled() # COUNT
{
	echo $((SLOW == 1 ? $1 : $1 / 100))
}

# --- what podtag has counted --------------------------------------------------------------------

# A pod's series: "METHOD STATUS COUNT" each, sorted.
http_series() # POD server|client [duration|start]
{
	map_dump http_latency | jq -r --argjson id "$(pod_id "$1")" --arg role "$2" --arg which "${3-duration}" '
		.[].formatted | select(.key.pod_id == $id and .key.role == {server: 0, client: 1}[$role]) |
		[(["UNKNOWN", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE",
			"PATCH", "OTHER"][.key.method]), .key.status, (.value[$which].bucket | add)] | join(" ")' | sort
}

# "COUNT SUM_NS" of one series.
http_times() # POD server|client METHOD STATUS [duration|start]
{
	map_dump http_latency | jq -r --argjson id "$(pod_id "$1")" --arg role "$2" --arg method "$3" \
		--argjson status "$4" --arg which "${5-duration}" '
		.[].formatted | select(.key.pod_id == $id and .key.role == {server: 0, client: 1}[$role] and
			.key.method == {GET: 1, HEAD: 2, POST: 3}[$method] and .key.status == $status) |
		.value[$which] | "\(.bucket | add) \(.sum_ns)"'
}

# What a pod has once: "queued QUEUE_NS by_client by_server (as server) by_client by_server (as client)
# overflow series".
http_pod() # POD
{
	map_dump http_pods | jq -r --argjson id "$(pod_id "$1")" '
		.[].formatted | select(.key == $id) | .value |
		[(.queue.bucket | add), .queue.sum_ns, .aborted[0][], .aborted[1][], .overflow, .series] | join(" ")'
}

# "BY_CLIENT BY_SERVER": requests whose response never ended.
http_aborted() # POD server|client
{
	local -a value
	read -ra value <<<"$(http_pod "$1")"
	if [[ $2 == server ]]; then
		echo "${value[2]-0} ${value[3]-0}"
	else
		echo "${value[4]-0} ${value[5]-0}"
	fi
}

# Requests that are in no histogram, "REASON COUNT" each; of the whole node.
http_lost()
{
	map_dump http_lost | jq -r --argjson before "$LOST_BEFORE" '
		.[].formatted | .value.count -= $before[.key] | select(.value.count != 0) |
		"\(["desync", "depth", "request", "budget", "memory", "series", "no_pod"][.key]) \(.value.count)"'
}

# How many series there are, whose ever they are.
http_series_count()
{
	map_dump http_latency | jq --argjson last "$LAST_POD" '
		[.[].formatted.key.pod_id | select(. == 0 or . > $last)] | length'
}

# "METHOD STATUS" of each request on stdin, to what http_series says of them.
summed() { sort | uniq -c | awk '{ print $2, $3, $1 }' | sort; }

series_are() # POD ROLE EXPECTED
{
	local got
	got=$(http_series "$1" "$2")
	[[ $got == "$3" ]] || { echo "$got" && return 1; }
}

# A pod's series of a role are these and no others. The end of a response that had holes is seen with
# what follows it, so this may take a moment.
assert_series() # POD server|client LINES: "METHOD STATUS COUNT" each
{
	local wanted got
	wanted=$(sort <<<"$3")
	for _ in {1..50}; do
		got=$(http_series "$1" "$2")
		[[ $got != "$wanted" ]] || return 0
		sleep 0.1
	done
	fail "series of $1 as $2: got '${got//$'\n'/, }', expected '${wanted//$'\n'/, }'; lost: '$(http_lost |
		tr '\n' ' ')', aborted as $2: $(http_aborted "$1" "$2")"
}

# Both ends have seen the same, and this.
assert_both() # LINES: "METHOD STATUS COUNT" each
{
	assert_series web server "$1"
	assert_series cli client "$1"
}

aborted_are() # POD ROLE EXPECTED
{
	local got
	got=$(http_aborted "$1" "$2")
	[[ $got == "$3" ]] || { echo "$got" && return 1; }
}

assert_aborted() # POD server|client "BY_CLIENT BY_SERVER"
{
	local got
	for _ in {1..50}; do
		got=$(http_aborted "$1" "$2")
		[[ $got != "$3" ]] || return 0
		sleep 0.1
	done
	fail "aborted by client and by server, $1 as $2: got '$got', expected '$3'"
}

# Nothing but what is in the histograms; LOST is what http_lost may say nevertheless.
assert_nothing_missing() # [LOST]
{
	local pod
	assert_equal "requests in no histogram" "$(http_lost)" "${1-}"
	for pod in web cli; do
		assert_aborted "$pod" server "0 0"
		assert_aborted "$pod" client "0 0"
	done
}

# --- conversations ------------------------------------------------------------------------------

# One end in pod web and one in pod cli, each with its steps (tests/http/peer), on port 80 or PEER_PORT.
# PEER_SERVE, PEER_CALL: options of each. FAMILY: 6 for IPv6.
converse() # SERVER-STEP... -- CLIENT-STEP...
{
	local steps=() port=${PEER_PORT-80}
	while [[ $1 != -- ]]; do
		steps+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2086 # options
	listen_in web "$port" "$HTTP/peer" serve ${PEER_SERVE-} "$port" "${steps[@]}"
	# shellcheck disable=SC2086
	in_pod cli timeout $((120 * SLOW)) "$HTTP/peer" call ${PEER_CALL-} "$(pod_address web "${FAMILY-4}")" "$port" "$@" ||
		fail "the client: $*; the server: $(cat "$T/web.$port")"
	wait "${PIDS[-1]}" || fail "the server: $(cat "$T/web.$port")"
	unset 'PIDS[-1]'
}

headers() # HEADER...
{
	(($# == 0)) || printf '%s\\r\\n' "$@"
}

# A message with a body of its own text.
request() # METHOD [BODY] [HEADER...]
{
	printf '%s / HTTP/1.1\\r\\nHost: web\\r\\n' "$1"
	headers "${@:3}"
	[[ ! ${2-} ]] || printf 'Content-Length: %d\\r\\n' "${#2}"
	printf '\\r\\n%s' "${2-}"
}

response() # STATUS [BODY] [HEADER...]
{
	printf 'HTTP/1.1 %s Some Reason\\r\\n' "$1"
	headers "${@:3}"
	[[ $1 =~ ^(1..|204|304)$ ]] || printf 'Content-Length: %d\\r\\n' "${#2}"
	printf '\\r\\n%s' "${2-}"
}

# --- programs -----------------------------------------------------------------------------------

# What the servers of tests/http have in common, under $T/www: a page, a large file, a chunked answer.
make_www()
{
	mkdir -p "$T/www"
	echo "a page" >"$T/www/small"
	touch -d yesterday "$T/www/small"
	cp "$T/www/small" "$T/www/small.txt"
	echo '<!--#echo var="DATE_LOCAL" --> and more' >"$T/www/chunked"
	head -c 10000000 /dev/zero >"$T/www/large"
}

# nginx in pod web, on port 80; "METHOD STATUS" of each request is in $T/access.log once it has ended.
start_nginx()
{
	[[ -e $T/www ]] || make_www
	listen_in web 80 nginx -p "$T" -c "$HTTP/nginx.conf"
}

# Ends the last server as an administrator would.
stop_last()
{
	kill "${PIDS[-1]}"
	wait "${PIDS[-1]}" || true
	unset 'PIDS[-1]'
}

# Exactly so many requests from pod cli, at saturation. What wrk saw is in $T/wrk.
run_wrk() # CONNECTIONS COUNT plain|mixed [wrk's options...]
{
	in_pod cli wrk -t 1 -c "$1" -d 20m --timeout 2m -s "$HTTP/wrk.lua" "${@:4}" \
		"${SCHEME-http}://$(url_host web)/small" -- "$2" "$3" >"$T/wrk" || fail "wrk: $(cat "$T/wrk")"
	assert_equal "what wrk asked" "$(grep ^requests "$T/wrk")" "requests $2 errors 0"
}

# --- load ---------------------------------------------------------------------------------------

# What a test of load asks; less where PT_REQUESTS and PT_CONNECTIONS say so.
KEPT=$(scaled "${PT_REQUESTS-1000000}")   # requests on connections that stay
CLOSED=$(scaled "${PT_CONNECTIONS-100000}") # requests with a connection each

# Both pods' series, nginx's log and what wrk saw are the same.
assert_all_agree() # COUNT
{
	local truth lost
	stop_last # which writes the rest of the log
	truth=$(summed <"$T/access.log")
	assert_equal "requests in nginx's log" "$(awk '{ n += $3 } END { print n }' <<<"$truth")" "$1"
	assert_equal "nginx's log by status" "$(by_status <<<"$truth")" "$(grep '^[0-9]* [0-9]*$' "$T/wrk" | sort)"
	assert_series cli client "$truth"
	lost=$(http_lost | awk '$1 == "request" { print $2 }')
	((${lost:-0} <= $(untold_children))) || fail "requests not seen: $lost, sockets not told of: $(untold_children)"
	[[ ! $lost ]] || truth="GET 200 $(($1 - lost))"
	assert_series web server "$truth"
	assert_nothing_missing "${lost:+request $lost}"
}

# Some kernels tell of no child that a packet makes while their init is current (docs/architecture.md). A
# request in that packet is then one that nobody saw.
untold_children_begin()
{
	[[ ${UNTOLD-} ]] || return 0
	echo 'newstate == 3' >"$UNTOLD/events/sock/inet_sock_set_state/filter" # TCP_SYN_RECV
	echo 1 >"$UNTOLD/events/sock/inet_sock_set_state/enable"
	echo 65536 >"$UNTOLD/buffer_size_kb"
}

untold_children()
{
	[[ ${UNTOLD-} ]] || { echo 0 && return; }
	grep -cE '^[^(]*\( *1\).*inet_sock_set_state' "$UNTOLD/trace" || true
}

by_status() { awk '{ n[$2] += $3 } END { for (s in n) print s, n[s] }' | sort; }

# On connections that stay.
keep_alive() # CONNECTIONS
{
	run_wrk "$1" "$KEPT" plain
	assert_all_agree "$KEPT"
}

# Each on a connection of its own.
connection_each() # CONNECTIONS-AT-ONCE
{
	local pod
	for pod in web cli; do
		in_pod "$pod" sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
	done
	run_wrk "$1" "$CLOSED" plain -H "Connection: close"
	assert_at_least "connections" "$(snmp web Tcp PassiveOpens)" "$CLOSED"
	assert_all_agree "$CLOSED"
}

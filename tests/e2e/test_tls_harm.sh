#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# No process is harmed by probes that come and go: confined by seccomp, with many threads, forks and execs, or
# leaving a probed call midway.
# shellcheck source=../lib/tls.sh disable=SC1091,SC2119
. "$(dirname "$0")/../lib/tls.sh"
# shellcheck source=../lib/containerd.sh disable=SC1091
. "$LIB/containerd.sh"

SHAKEN=$(scaled "${PT_REQUESTS-3000}") # connections under probes that come and go

# What servers and clients need of a kernel, and not the calls by which some kernels return from a probe.
ALLOWED=(accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime
	clock_nanosleep clone clone3 close close_range connect dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
	epoll_pwait epoll_wait eventfd eventfd2 execve exit exit_group fadvise64 fchdir fchmod fchown fcntl fdatasync
	flock fstat fstatfs fsync ftruncate futex getcwd getdents getdents64 getegid geteuid getgid getgroups
	getpeername getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
	getsockname getsockopt gettid gettimeofday getuid getxattr ioctl io_destroy io_setup kill listen lseek lstat madvise
	membarrier mkdir mkdirat mmap mprotect mremap munmap nanosleep newfstatat open openat pause pipe pipe2 poll
	ppoll prctl pread64 prlimit64 pselect6 pwrite64 read readlink readlinkat readv recvfrom recvmsg rename restart_syscall rmdir
	rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_getaffinity
	sched_getparam sched_getscheduler sched_yield select sendfile sendmmsg sendmsg sendto set_robust_list
	set_tid_address setgid setgroups setitimer setpgid setpriority setresgid setresuid setsid setsockopt setuid
	shutdown sigaltstack socket socketpair stat statfs statx sysinfo tgkill time timer_create timer_delete
	timer_settime timerfd_create timerfd_settime times truncate umask uname unlink unlinkat utimensat vfork wait4
	waitid write writev)

# In that pod's network, with this machine's files and containerd's own profile, or the list above: what is not
# in it ends the process.
confined() # POD NAME default|listed COMMAND...
{
	local profile=(--seccomp)
	if [[ $3 == listed ]]; then
		profile+=(--seccomp-profile "$T/$2.json")
		printf '%s\n' "${ALLOWED[@]}" | jq -nR '{defaultAction: "SCMP_ACT_KILL_PROCESS",
			syscalls: [{names: [inputs], action: "SCMP_ACT_ALLOW"}]}' >"$T/$2.json"
	fi
	ctr -a "$SOCKET" run --rm --rootfs "${profile[@]}" --cgroup "$GROUP/$2" --with-ns "network:/run/netns/$1" \
		--mount "type=bind,src=$T,dst=$T,options=bind" --mount "type=bind,src=$TOP,dst=$TOP,options=bind" \
		--env "TLS_CERT=$TLS_CERT" --env "TLS_KEY=$TLS_KEY" --env "T=$T" --env "PATH=$PATH" "$T/all" "$2" "${@:4}"
}

# Probes come and go for as long as that process lives; each time for a moment at least.
shake() # PID
{
	local states=(off on)
	ROUNDS=0
	while kill -0 "$1" 2>/dev/null; do
		agent_stop
		agent_start --tls "${states[ROUNDS++ % 2]}"
		sleep 0.2
	done
	agent_stop
	agent_start --tls on
	say "$ROUNDS times"
	assert_at_least "rounds" "$ROUNDS" 4
}

confinement_starts()
{
	containerd_start
	mkdir "$T/all"
	mount --bind --make-private / "$T/all"
}

confinement_ends()
{
	umount "$T/all"
	containerd_stop
}

container_pid() { ctr -a "$SOCKET" tasks list | awk -v name="$1" '$1 == name { print $2 }'; } # NAME

ended_well() # PID WHAT FILE
{
	local rc=0
	wait "$1" || rc=$?
	((rc == 0)) || fail "$2 ended with $rc: $(tail -n 5 "$3")"
}

# Clients of three libraries at once, each confined so, and comparing what comes.
confined_clients() # PROFILE URL COUNT
{
	local pids=() i names=(wrk go python)
	confined cli wrk "$1" wrk -t 1 -c 16 -d 20m --timeout 2m -s "$HTTP/wrk.lua" -H "Connection: close" \
		"$2/small" -- "$3" plain >"$T/wrk" 2>&1 &
	pids+=($!)
	confined cli go "$1" "$B/tests/http/load" "$2/body" $(($3 / 5)) 8 "$T/www/body" close >"$T/go" 2>&1 &
	pids+=($!)
	confined cli python "$1" "$HTTP/same.py" "$2/body" "$T/www/body" $(($3 / 10)) >"$T/python" 2>&1 &
	pids+=($!)
	for i in "${!pids[@]}"; do
		ended_well "${pids[i]}" "${names[i]}" "$T/${names[i]}"
	done
	assert_contains "wrk" "$(cat "$T/wrk")" "requests $3 errors 0"
	assert_equal "of load" "$(tail -n 1 "$T/go" | cut -d ' ' -f 3-)" "errors 0"
	assert_equal "of python" "$(tail -n 1 "$T/python")" "same $(($3 / 10))"
}

test_confined()
{
	local profile server clients pid fds rc
	needs_speed "thousands of connections in containers"
	confinement_starts
	write_nginx_conf
	head -c 100000 /dev/urandom >"$T/www/body"
	for profile in default listed; do
		confined web nginx "$profile" nginx -p "$T" -c "$T/nginx.conf" >"$T/nginx.log" 2>&1 &
		server=$!
		wait_for 30 is_listening web 443
		pid=$(container_pid nginx)
		assert_equal "seccomp of nginx" "$(awk '$1 == "Seccomp:" { print $2 }' "/proc/$pid/status")" 2
		wait_for 15 is_probed "$LIBSSL"
		fds=$(open_files "$pid")
		confined_clients "$profile" "https://$(url_host web)" $((SHAKEN / 2)) &
		clients=$!
		shake "$clients"
		ended_well "$clients" "clients" "$T/nginx.log"
		assert_equal "open files" "$(open_files "$pid")" "$fds"
		kill "$pid"
		ended_well "$server" nginx "$T/nginx.log"
	done
	rc=0 # the list is in force
	confined cli other listed mount -t tmpfs none /mnt >"$T/other" 2>&1 || rc=$?
	assert_equal "exit status of a call that is not listed" "$rc" 159
	confinement_ends
}

# A call that a signal handler jumps out of never returns; and the next one on that stack is another.
test_left_midway()
{
	local midway=$B/tests/http/midway count=$((SLOW == 1 ? 200 : 20))
	listen_in web 443 "$HTTP/serve.py" 443 "$T/www"
	in_pod cli "$midway" "$(pod_address web)" 443 1 >"$T/got"
	wait_for 15 is_probed "$midway"
	in_pod cli "$midway" "$(pod_address web)" 443 "$count" >"$T/got" || fail "midway: $?"
	assert_equal "midway" "$(cat "$T/got")" "answered $count left $((count / 2))"
	assert_contains "series of the client" "$(http_series cli client)" "GET 200 "
	assert_aborted cli client "$((count / 2)) 0"
	end_last
	wait_for 5 has_sessions 0
	assert_equal "calls left" "$(map_dump tls_calls | jq length)" 0
	assert_equal "processes left" "$(map_dump tls_processes | jq length)" 0
}

run_tests "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# podtag top at a real terminal: keys, sizes, signals, colours. What it looks like is left in build/screenshots.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"

SHOTS=$B/screenshots
LOAD=$(scaled 20000) # requests

before_each()
{
	two_pods
	mkdir -p "$SHOTS"
}

tm() { tmux -L top -f /dev/null "$@"; }

# A shell at a terminal of that size, in which top is begun as a person would. In between is one that leaves
# the terminal as it finds it, which an interactive one does not.
session() # COLUMNSxROWS [top's options...]
{
	echo "trap : INT QUIT; stty -g >$T/before; \"\$@\"; echo ended \$?; stty -g >$T/after" >"$T/begin"
	export TMUX_TMPDIR=$T PS1='$ '
	tm new-session -d -x "${1%x*}" -y "${1#*x}" "bash --norc --noprofile -i"
	tm set-option -g window-size manual
	tm pipe-pane "cat >$T/raw"
	type_in "${TOP_ENV-} sh $T/begin ${PROGRAM-$B/podtag} top ${*:2}" Enter
	wait_for 10 shows "h help"
}

type_in() { tm send-keys "$@"; } # KEY...
screen() { tm capture-pane -p; }
shows() { screen | grep -qE -- "$1"; } # PATTERN
lacks() { ! shows "$1"; }

# Types, and waits for what is to be seen then.
press() # KEY PATTERN
{
	type_in "$1"
	wait_for 10 shows "$2"
}

screenshot() { tm capture-pane -e -p >"$SHOTS/$1"; } # NAME

resize() # COLUMNSxROWS
{
	tm resize-window -x "${1%x*}" -y "${1#*x}"
}

top_pid() { pgrep -x podtag; }

# The shell's own screen, cursor and settings are there again.
assert_restored() # STATUS
{
	wait_for 10 shows "^ended $1\$"
	wait_for 10 test -s "$T/after"
	assert_equal "stty" "$(cat "$T/after")" "$(cat "$T/before")"
	assert_equal "alternate screen, cursor, wrapping" \
		"$(tm display-message -p '#{alternate_on} #{cursor_flag} #{wrap_flag}')" "0 1 1"
	rm "$T/after"
}

is_left() { [[ $(tm display-message -p '#{alternate_on}') == 0 ]]; }
end_session() { tm kill-server && wait_for 10 no_server; }
no_server() { ! pgrep -x "tmux: server" >/dev/null; }

order() { screen | grep -oE 'shop/[a-z]+' | tr '\n' ' '; }
order_is() { [[ $(order) == "$1 " ]] || { order && return 1; }; }

# Requests to web without an end.
begin_load()
{
	start_nginx
	ip netns exec cli wrk -t 1 -c 4 -d 20m -s "$TESTS/bench/pace.lua" "http://$(url_host web)/status/503" -- 20 >"$T/wrk" &
	PIDS+=($!)
}

test_session()
{
	local pod
	for pod in checkout-7d9f8b6c5d-x2x4q idle; do
		pod_add "$pod" "$(conflist net 1.0.0 "$(bridge 7)" "$(podtag)")"
	done
	begin_load
	session 80x24 -d 1
	wait_for 10 shows '^  shop/web +[0-9.]+ +100 .*ms'
	screenshot top-80x24
	assert_equal "columns" "$(screen | sed -n 3p | tr -s ' ')" " POD REQ/S ERR% P50 P99 QUEUE RETR/S RX B/S TX B/S"
	press r reversed
	wait_for 5 order_is "shop/checkout shop/cli shop/idle shop/web"
	press '<' 'by pod'
	wait_for 5 order_is "shop/checkout shop/cli shop/idle shop/web"
	press '>' 'by requests'
	wait_for 5 order_is "shop/web shop/checkout shop/cli shop/idle"
	press Left 'by pod'
	for _ in {1..9}; do type_in Right; done
	wait_for 5 shows 'by calls'
	wait_for 5 order_is "shop/cli shop/checkout shop/idle shop/web"

	press / '^filter:'
	type_in W E B
	wait_for 5 order_is "shop/web"
	press BSpace 'filter: WE$'
	press Enter 'filter WE'
	press Escape 'by calls$'

	press j 'h help'
	press Space '^paused'
	screen >"$T/one" && sleep 2.5 && screen >"$T/two"
	cmp "$T/one" "$T/two" || fail "it goes on while it is paused"
	press Space '^in the last'
	press h 'by the next one'
	press Escape 'REQ/S'
	type_in q
	assert_restored 0
	end_session
}

# The numbers of the detail are those of the load.
test_detail()
{
	local i
	start_nginx
	run_wrk 16 "$LOAD" mixed
	stop_last
	begin_load
	session 80x24 -d 1 --filter web
	press Enter '^answers +now: p50 [0-9]'
	screenshot detail-80x24
	press End 'aborted by its servers'
	resize 120x100
	press Home '^answers +now: p50'
	for status in 200 204 404; do
		i=$(awk -v s="$status" '$2 == s { n++ } END { print n }' <(sed "$((LOAD))q" "$T/access.log"))
		assert_equal "of status $status" "$(screen | awk -v s="$status" '$1 == "server" && $3 == s { n += $NF } END { print n }')" "$i"
	done
	resize 120x40
	wait_for 10 shows '^REQ/S .* RX B/S '
	screenshot detail-120x40
	press Escape '^  shop/web +[0-9]'
	screenshot top-120x40
	type_in q
	assert_restored 0
	end_session
}

# Whatever the size, it stays a screen, and what the user chose stays chosen.
test_resize()
{
	local size
	session 80x24 -d 0.2
	press j 'shop/cli'
	for size in 120x40 30x8 60x5 10x3 3x2 1x1 500x100 80x24; do
		resize "$size"
		sleep 0.3
		top_pid >/dev/null || fail "it ended at $size"
		[[ $size != 30x8 ]] || screenshot top-30x8
		[[ $size != 120x40 ]] || wait_for 10 shows OP99
		((${size%x*} < 80)) || assert_contains "the last line at $size" "$(screen | sed -n "${size#*x}p")" "q quit"
		[[ $size != 30x8 ]] || assert_equal "columns at 30" "$(screen | sed -n 3p | xargs)" "POD REQ/S ERR% P50"
	done
	wait_for 10 shows 'TX B/S'
	assert_contains "what is chosen" "$(tm capture-pane -e -p)" $'\e[7m  shop/web'
	type_in q
	assert_restored 0
	end_session
}

test_terminal_is_given_back()
{
	local signal again
	session 80x24 -d 0.2
	type_in C-c
	assert_restored 130
	again="clear; sh $T/begin $B/podtag top -d 0.2"
	for signal in TERM HUP QUIT USR1 SEGV; do
		type_in "$again" Enter
		wait_for 10 shows "h help"
		kill -s "$signal" "$(top_pid)"
		assert_restored $((128 + $(kill -l "$signal")))
	done
	type_in "clear; $B/podtag top -d 0.2" Enter
	wait_for 10 shows "h help"
	type_in C-z
	wait_for 10 shows 'Stopped'
	type_in "stty -g >$T/after; echo ended \$?" Enter
	assert_restored 0
	type_in "fg" Enter
	wait_for 10 shows "h help"
	press h 'by the next one'
	type_in q
	wait_for 10 is_left
	type_in "stty -g >$T/after; echo ended \$?" Enter
	assert_restored 0
	end_session
}

# Escape sequences that the terminal got, but for those that are no colour.
colours() { { grep -aoE $'\e\\[[0-9;]*m' "$T/raw" || true; } | grep -aE '[;[](3[0-7]|4[0-7]|9[0-7]|38|48)[;m]'; }

test_colours()
{
	session 80x24 -d 0.2
	colours >/dev/null || fail "no colours"
	end_session
	for TOP_ENV in NO_COLOR=1 TERM=vt100; do
		session 80x24 -d 0.2
		press Enter "Esc back"
		press h "by the next one"
		! colours || fail "colours with $TOP_ENV"
		type_in q
		assert_restored 0
		end_session
	done
	TOP_ENV='NO_COLOR='
	session 80x24 -d 0.2
	colours >/dev/null || fail "an empty NO_COLOR is none"
	end_session
}

# A node or image that has nothing but podtag and the kernel's own files: no library, no terminfo.
test_without_files()
{
	mkdir -p "$T/root/sys"
	cp "$B/podtag" "$T/root/"
	mount --rbind /sys "$T/root/sys"
	PROGRAM="chroot $T/root /podtag" session 80x24 -d 0.2
	wait_for 5 shows '^  shop/web'
	type_in q
	assert_restored 0
	end_session
	umount -R "$T/root/sys"
}

# podtag goes and comes again while it is looked at.
test_loaded_anew()
{
	session 80x24 -d 0.2
	wait_for 5 shows '^  shop/web'
	"$B/podtag" unload
	wait_for 5 shows 'not loaded any more'
	assert_lacks "rows" "$(screen)" shop/
	load_podtag
	wait_for 5 shows 'no pods'
	for pod in web cli; do
		pod_del "$pod"
	done
	pod_add late "$(conflist net 1.0.0 "$(bridge 7)" "$(podtag)")"
	wait_for 5 shows '^[+ ] shop/late'
	end_session
}

run_tests "$@"

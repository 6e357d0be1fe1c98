# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# A headless Chromium (tests/page/browser) and what a test asks of it, on top of http.sh.

SHOTS=$B/screenshots

# Skips the test where there is none, or it is for another machine.
needs() # PROGRAM
{
	"$1" --version >"$T/version" 2>&1 || skip "no $1 that runs here: $(head -n 1 "$T/version")"
}

browser_start()
{
	needs_speed "a browser"
	needs node
	needs chromium-headless-shell
	mkfifo "$T/ask" "$T/answer"
	mkdir -p "$T/profile" "$SHOTS"
	HOME=$T node "$TESTS/page/browser" "$T/profile" <"$T/ask" >"$T/answer" 2>"$T/browser.log" &
	PIDS+=($!)
	exec 8>"$T/ask" 9<"$T/answer"
	browser_answer >/dev/null
}

# One line for one line, so a subshell may ask too.
browser() # COMMAND... as tests/page/browser has them
{
	local line="$*"
	echo "${line//$'\n'/ }" >&8
	browser_answer "$@"
}

browser_answer()
{
	local answer
	read -r -t $((30 * SLOW)) answer <&9 || fail "the browser does not answer: $* $(tail -n 3 "$T/browser.log")"
	[[ $answer == ok* ]] || fail "browser $*: $answer"
	answer=${answer#ok}
	echo "${answer# }"
}

in_page() { browser eval "$@"; } # EXPRESSION

page_says() # EXPRESSION VALUE
{
	local got
	got=$(in_page "$1")
	[[ $got == "$2" ]] || { echo "$got" && return 1; }
}

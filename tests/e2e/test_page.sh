#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The agent's page in a real browser: what it shows is what happened, whatever pods are called, and nothing is
# asked of anybody but the agent. Screenshots are in build/screenshots.
# shellcheck source=../lib/http.sh disable=SC1091
. "$(dirname "$0")/../lib/http.sh"
# shellcheck source=../lib/browser.sh disable=SC1091
. "$(dirname "$0")/../lib/browser.sh"

unset -f before_all # each test has a node of its own: a pod that has ended is shown for 5 minutes

list() { conflist net 1.0.0 "$(bridge 7)" "$(podtag)"; }

# The page with its first rates. URL is the agent's, or how it is to be had.
open_page() # [URL]
{
	browser open "${1-$AGENT/}"
	wait_for 20 page_is_read
}

# What the first cell is made of: it names the time between two scrapes in ms, which is another one each time.
first_cell() { in_page "document.querySelector('#all td').title"; }

page_is_read() { [[ $(first_cell) ]]; }

page_has_changed() { [[ $(first_cell) != "$SEEN" ]]; }

# A hidden page asks for nothing, and one that is shown again asks at once: so what a command does lies between two
# scrapes of the page.
behind_the_page() # COMMAND...
{
	browser hide
	wait_for 10 page_says document.visibilityState hidden
	sleep 0.1 # what is under way
	SEEN=$(first_cell)
	"$@"
	browser show
	wait_for 20 page_has_changed
}

refresh() { behind_the_page true; }

# The cell of a pod's row by the column's name, as TEXT or as what it is made of.
cell() # POD COLUMN textContent|title
{
	in_page "(() => {
		const row = [...document.querySelectorAll('#pods tr')].find((r) =>
			r.querySelector('a').textContent === '$1');
		const at = [...document.querySelectorAll('#head th')].findIndex((h) => h.textContent === '$2');
		return row.children[at].$3;
	})()"
}

change() # ID VALUE EVENT: as a person does
{
	in_page "(() => {
		const control = document.querySelector('#$1');
		control.value = '$2';
		control.dispatchEvent(new Event('$3'));
	})()"
}

# A table of the detail, a line for each row.
table() # ID
{
	printf '%b\n' "$(in_page "[...document.querySelectorAll('#$1 tbody tr')].map((row) =>
		[...row.children].map((c) => c.textContent).filter((text) => text).join(' ')).join('\\n')" | tr '\n' ' ')"
}

detail() # NAMESPACE/POD: opens it
{
	in_page "location.hash = '#$1'" >/dev/null
	wait_for 10 page_says "document.querySelector('#detail[open] #detail-name')?.textContent" "$1"
}

# Nothing of other origins, nothing refused by the policy, no exception; and nothing negative.
assert_clean() # [PREFIX of all URLs]
{
	assert_equal "complaints of the browser" "$(browser complaints)" "[]"
	assert_equal "what was asked of others" "$(browser urls | jq -c --arg own "${1-$AGENT/}" \
		'[.[] | select(startswith("200 " + $own) or startswith("304 " + $own) | not)]')" "[]"
	assert_equal "negative numbers" "$(in_page "document.body.innerText.match(/[^\\w.]-\\d.*/)")" null
}

shot() { browser shot "$SHOTS/$1.png"; } # NAME

test_arithmetic()
{
	needs node
	node --test "$TESTS/page/numbers.mjs" >&2 || fail "numbers.mjs"
}

# --- what is shown is what happened ---------------------------------------------------------------

ask() # COUNT PATH [STATUS]: so many requests from pod cli to pod web
{
	assert_equal "answers to $2" "$(in_pod cli curl -sS -o /dev/null -w '%{http_code}\n' \
		"http://$(url_host web)$2#[1-$1]" | sort | uniq -c | xargs)" "$1 ${3-200}"
}

ask_all()
{
	ask 60 /sleep/20/200
	ask 15 /sleep/1/503 503
	run_wrk 4 1000 plain
}

# histogram_quantile() of what came between two scrapes, in ms.
quantile_between() # BEFORE AFTER Q
{
	awk -v q="$3" '
		!/^http_request_duration_seconds_bucket.*pod="web",role="server"/ { next }
		{ le = $0; sub(/.*le="/, "", le); sub(/".*/, "", le); n[le] += FILENAME == ARGV[1] ? -$NF : $NF }
		!(le in seen) { seen[le]; order[++count] = le }
		END {
			for (i = 1; n[order[i]] < q * n["+Inf"];)
				i++
			low = i > 1 ? order[i - 1] : 0
			below = i > 1 ? n[order[i - 1]] : 0
			print 1000 * (low + (order[i] - low) * (q * n["+Inf"] - below) / (n[order[i]] - below))
		}' "$1" "$2"
}

three_digits() { awk -v n="$1" 'BEGIN { printf n < 9.995 ? "%.2f" : n < 99.95 ? "%.1f" : "%.0f", n }'; } # NUMBER

assert_rate() # COUNT: as it is shown of pod web, of the time that is shown
{
	local text exact
	text=$(cell web Requests/s textContent) exact=$(cell web Requests/s title)
	assert_equal "requests" "${exact% in *}" "$1"
	exact=${exact#* in }
	[[ " $(awk -v n="$1" -v s="${exact% s}" 'BEGIN { print n / (s + 0.0005), n / (s - 0.0005) }' |
		while read -r a b; do echo "$(three_digits "$a") $(three_digits "$b")"; done) " == *" $text "* ]] ||
		fail "$1 requests in $exact are $text a second"
}

test_numbers()
{
	local pod before
	two_pods
	pod_add other "$(list)"
	make_www
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www"
	agent_start
	browser_start
	ask 7 /small # before the page is there: in no rate
	open_page
	assert_equal "rows" "$(in_page "[...document.querySelectorAll('#pods th')].map((h) =>
		h.querySelector('small').textContent + '/' + h.querySelector('a').textContent).join(' ')" )" \
		"$(metrics | sed -n 's/^podtag_pod_info{namespace="\([^"]*\)",pod="\([^"]*\)".*/\1\/\2/p' | sort | xargs)"
	assert_equal "all pods" "$(in_page "document.querySelector('#count').textContent")" "all 3 pods"
	assert_equal "requests before the page" "$(cell web Requests/s textContent)" 0

	refresh
	metrics >"$T/before"
	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	before=$A_VALUE
	behind_the_page ask_all
	metrics >"$T/after"
	assert_rate 1075
	assert_equal "errors" "$(cell web Errors title)" "15 of 1075 in $(cell web Requests/s title | sed 's/.* in //')"
	assert_equal "errors" "$(cell web Errors textContent)" "1.40 %"
	for pod in p50:0.5 p99:0.99; do
		assert_equal "${pod%:*}" "$(cell web "${pod%:*}" textContent)" \
			"$(three_digits "$(quantile_between "$T/before" "$T/after" "${pod#*:}")") ms"
	done
	assert_equal "requests that waited" "$(cell web 'Queue p99' title | cut -d ' ' -f 2)" 1075
	assert_equal "requests of the client" "$(cell cli Requests/s textContent)" 0
	same_moment 10 "link_traffic web eth0" "pod_traffic web"
	assert_equal "bytes in and out" "$(cell web In/s title | cut -d ' ' -f 1) $(cell web Out/s title | cut -d ' ' -f 1)" \
		"$(minus "$A_VALUE" "$before" | awk '{ print $2, $4 }')"

	detail shop/web
	assert_equal "responses" "$(table responses | xargs)" "200 GET no 1067 503 GET no 15"
	assert_equal "histogram in all" "$(table latency | awk '{ n += $NF } END { print n }')" 1082
	assert_equal "histogram lately" "$(table latency | awk '{ n += $(NF - 1) } END { print n }')" 1075
	in_page "document.querySelector('#close').click()"
	change role client change
	assert_equal "requests made" "$(cell cli Requests/s title | cut -d ' ' -f 1)" 1075
	assert_equal "requests made by the server" "$(cell web Requests/s textContent)" 0
	assert_clean
}

# --- loss, and the screenshots --------------------------------------------------------------------

send_with_loss() # from pod cli
{
	load cli -c 4 -j 4 -u 3000000 -d 1000 "$(pod_address web)" 81
	wait_for 30 sockets_are_quiet cli
}

test_retransmits()
{
	local kernel
	two_pods
	serve web 81
	agent_start
	browser_start
	open_page
	lose cli 3
	behind_the_page send_with_loss
	lose_nothing
	kernel=$(kernel_retransmits cli)
	assert_at_least "retransmits of the kernel" "${kernel%% *}" 10
	assert_told "retransmits of the row" "$(cell cli Retrans/s title | cut -d ' ' -f 1)" "${kernel%% *}"
	detail shop/cli
	assert_equal "kinds" "$(table retransmits | awk '{ print $1 }' | xargs)" "syn synack rto fast tlp other"
	assert_told "kinds together" "$(table retransmits | awk '{ n += $NF } END { print n }')" "${kernel%% *}"
	assert_clean
}

# Not innerWidth: a phone takes a larger one for a page that does not fit.
assert_fits() # ELEMENT WIDTH
{
	assert_at_least "pixels, for the width of $1" "$2" "$(in_page "document.querySelector('$1').scrollWidth")"
}

screenshots()
{
	local scheme
	for scheme in light dark; do
		browser scheme "$scheme"
		browser size 1280 800
		shot "page-$scheme"
		detail shop/web
		shot "pod-$scheme"
		browser size 390 844
		shot "pod-phone-$scheme"
		assert_fits '#detail' 390
		in_page "document.querySelector('#close').click()"
		wait_for 10 page_says "document.querySelector('#detail').open" false
		shot "page-phone-$scheme"
	done
}

ask_some() # I
{
	ask $((20 + $1 * 7 % 9)) /sleep/$(($1 * 7 % 11))/200
	ask $(($1 % 3 + 1)) /sleep/60/503 503
}

# Pods that are busy in several ways, for those who look at the screenshots.
test_looks()
{
	local pod pids=()
	two_pods
	for pod in checkout-7d9f8b6c5d-x2x8k cart-66c9d4f7b9-qk2mn node-exporter-tq7zd; do
		pod_add "$pod" "$(list)"
	done
	make_www
	listen_in web 80 "$HTTP/serve.py" 80 "$T/www"
	listen_in checkout-7d9f8b6c5d-x2x8k 80 nginx -p "$T" -c "$HTTP/nginx.conf"
	serve node-exporter-tq7zd 81
	agent_start
	browser_start
	open_page
	lose cart-66c9d4f7b9-qk2mn 2
	in_pod cart-66c9d4f7b9-qk2mn "$TOOLS/load" run -t 9 -r 100000 -i 5 -u 100000 -d 1000 \
		"$(pod_address node-exporter-tq7zd)" 81 >"$T/load" &
	pids+=($!)
	in_pod cli wrk -t 1 -c 2 -d 9 "http://$(url_host checkout-7d9f8b6c5d-x2x8k)/small" >"$T/wrk" &
	pids+=($!)
	for pod in {1..8}; do
		behind_the_page ask_some "$pod"
	done
	screenshots
	for pod in 360 390 1280; do
		browser size "$pod" 800
		assert_fits html "$pod"
	done
	wait "${pids[@]}"
	lose_nothing
	assert_clean
}

# --- by hand --------------------------------------------------------------------------------------

shown_pods()
{
	in_page "[...document.querySelectorAll('#pods tr:not([hidden]) a')].map((a) => a.textContent).join(' ')"
}

sorted()
{
	in_page "[...document.querySelectorAll('#head th')].map((h) => h.getAttribute('aria-sort')).join(' ').trim()"
}

type_filter() { change filter "$1" input; } # TEXT

test_keys_and_filter()
{
	two_pods
	pod_add idle "$(list)"
	start_nginx
	agent_start
	browser_start
	open_page
	behind_the_page ask 20 /small
	assert_equal "by name" "$(shown_pods), $(sorted)" "cli idle web, ascending"
	in_page "document.querySelector('#role').focus()"
	browser press Tab # the table, which can be moved
	browser press Tab
	browser press Enter
	assert_equal "by name, downwards" "$(shown_pods), $(sorted)" "web idle cli, descending"
	browser press Tab
	browser press Enter
	assert_equal "by requests" "$(shown_pods), $(sorted)" "web cli idle, descending"
	in_page "document.querySelector('#pods a').focus()"
	browser press Enter
	wait_for 10 page_says "document.querySelector('#detail-name').textContent" shop/web
	assert_equal "what has the focus" "$(in_page "document.activeElement.id")" detail-name
	browser press Escape
	wait_for 10 page_says "location.hash + document.querySelector('#detail').open" false
	type_filter "SHOP We"
	assert_equal "filtered" "$(shown_pods)" web
	type_filter nobody
	assert_equal "nobody" "$(shown_pods), $(in_page "document.querySelector('#none').innerText")" \
		", No pod's name or namespace has that in it."
	type_filter ""
	in_page "location.hash = '#shop/%E0%A4%A/<b>'"
	assert_equal "a hash that is no pod's" "$(in_page "document.querySelector('#detail').open")" false
	detail shop/gone
	assert_contains "a pod that is not here" "$(in_page "document.querySelector('#facts').textContent")" "no such pod"
	assert_clean
}

# Names that the plugin takes: what they would do as markup does not happen.
test_hostile_names()
{
	local namespace='"><script>alert(1)</script>' name="</a><svg><script>document.write(1)</script>'&lt{le}\\n"
	pod_add pod "$(list)" --args "$(cni_args "$namespace" "$name")"
	agent_start
	browser_start
	open_page
	assert_equal "the row" "$(in_page "document.querySelector('#pods th').textContent")" "$name$namespace"
	in_page "document.querySelector('#pods a').click()"
	wait_for 10 page_says "document.querySelector('#detail').open" true
	assert_equal "the pod" "$(in_page "document.querySelector('#detail-name').textContent")" "$namespace/$name"
	assert_equal "elements that nobody made" "$(in_page "document.querySelectorAll('a svg, script:not([src])').length")" 0
	assert_equal "the title" "$(in_page document.title)" "podtag 127.0.0.1:9435"
	assert_clean
	assert_equal "what the policy says to markup" \
		"$(in_page "try { document.body.innerHTML = '<b>'; 'nothing' } catch (error) { error.name }")" TypeError
}

# --- the agent comes and goes ---------------------------------------------------------------------

problem() { in_page "document.querySelector('#problem').textContent"; }

problem_has() { [[ $(problem) == *"$1"* ]]; } # PART

test_agent_restarted()
{
	local urls
	two_pods
	start_nginx
	agent_start
	browser_start
	open_page
	behind_the_page ask 20 /small
	urls=$(browser urls | jq length)
	behind_the_page stop_agent_and_start
	assert_equal "requests while no agent was there" "$(cell web Requests/s title | cut -d ' ' -f 1)" 30
	assert_equal "the problem" "$(problem)" ""
	assert_at_least "scrapes" "$(browser urls | jq length)" $((urls + 1))
	pod_del web # and the same name again, with less to tell
	pod_add web "$(list)"
	refresh
	refresh
	assert_equal "the new pod's requests" "$(cell web Requests/s title | cut -d ' ' -f 1)" 0
	pod_del cli
	refresh
	assert_equal "a pod that ended" "$(in_page "document.querySelector('.ended a').textContent")" cli
	in_page "document.querySelector('.ended a').click()"
	wait_for 10 page_says "document.querySelector('#facts').textContent.includes('has ended')" true
	assert_equal "negative numbers" "$(in_page "document.body.innerText.match(/[^\\w.]-\\d.*/)")" null
	assert_equal "complaints" \
		"$(browser complaints | jq -r '.[]' | grep -v ERR_CONNECTION_REFUSED || true)" ""
}

stop_agent_and_start()
{
	agent_stop
	ask 30 /small
	browser show
	wait_for 20 problem_has "no connection"
	assert_equal "what is shown meanwhile" "$(cell web Requests/s title | cut -d ' ' -f 1)" 20
	browser hide
	agent_start
}

test_no_datapath()
{
	agent_start
	browser_start
	open_page
	assert_equal "no pods" "$(in_page "document.querySelector('#none').textContent")" \
		"No pod on this node that podtag knows of."
	wait_for 20 unloaded_is_seen # the agent loads it again
	assert_clean
}

unloaded_is_seen() { "$B/podtag" unload && refresh && problem_has "not loaded"; }

scrapes() { browser urls | jq 'map(select(endswith("/metrics"))) | length'; }

test_hidden_page_is_quiet()
{
	local before
	agent_start
	browser_start
	open_page
	browser hide
	wait_for 10 page_says document.visibilityState hidden
	sleep 0.1 # what is under way
	before=$(scrapes)
	sleep 5.5
	assert_equal "scrapes while hidden" "$(scrapes)" "$before"
	browser show
	wait_for 3 scraped_after "$before" # at once, not 5 s later
}

scraped_after() { (($(scrapes) > $1)); } # COUNT

# --- who may, and from where ----------------------------------------------------------------------

# of "other", at the lowest cost
OTHER='$2y$04$jV/6W2Fo5W1nEO.7hzbyGerufA7IBxjuVbztYtzbU9PcjDjecC6Ja'

test_password()
{
	printf 'basic_auth_users:\n  tiny: "%s"\n' "$OTHER" >"$T/web.yml"
	agent_start --web.config.file "$T/web.yml"
	browser_start
	browser open "$AGENT/"
	assert_contains "without" "$(in_page document.body.innerText)" "user and password"
	browser open "http://tiny:other@127.0.0.1:9435/"
	wait_for 20 page_is_read
	browser login tiny other
	open_page
	refresh
	printf 'basic_auth_users:\n  new: "%s"\n' "$OTHER" >"$T/web.yml"
	browser hide
	browser login new wrong
	browser show
	wait_for 20 problem_has 401
}

# Behind a proxy that puts it into a folder.
test_prefix()
{
	cat >"$T/proxy.conf" <<-'END'
		daemon off;
		pid proxy.pid;
		error_log stderr;
		events {}
		http {
			access_log off;
			server {
				listen 127.0.0.1:8080;
				location /nodes/a/ { proxy_pass http://127.0.0.1:9435/; }
			}
		}
	END
	agent_start
	nginx -p "$T" -c "$T/proxy.conf" >"$T/proxy.log" 2>&1 &
	PIDS+=($!)
	browser_start
	wait_for 10 curl -fsS -o /dev/null http://127.0.0.1:8080/nodes/a/healthz
	open_page http://127.0.0.1:8080/nodes/a/
	assert_equal "links" "$(in_page "[...document.links].map((link) => link.href).join(' ')")" \
		"$(printf 'http://127.0.0.1:8080/nodes/a/%s ' metrics readyz healthz | xargs)"
	assert_clean http://127.0.0.1:8080/nodes/a/
}

run_tests "$@"

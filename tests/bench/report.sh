# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The parts of the report that look at several sections: the machine, the targets, other systems.

THROUGHPUT=0.98 # of nothing: the target
# Times an empty program: the targets of tc programs; of HTTP programs for a small request and response,
# and for the segments of a stream that is not HTTP.
TC_TIMES=2 HTTP_TIMES=3 OPAQUE_TIMES=1.3
HTTP_RUNS=6 # of HTTP programs for a small request over an open connection, at both of its ends

report_head()
{
	cat <<-'END'
		# Benchmarks

		Written by `make bench`; edit nothing here. Each comparison was made in turn in one run, because
		wall-clock figures of a virtual machine vary by more than what is to be seen.

	END
}

version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo 'not installed'; } # PACKAGE

machine()
{
	local package
	echo '## The machine'
	echo
	head_cells '' ''
	cells kernel "$(uname -sr), $(uname -m)"
	cells CPUs "$(nproc) x $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)$(
		grep -q '^flags.* hypervisor' /proc/cpuinfo && echo ', in a virtual machine')"
	cells memory "$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)"
	cells system "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
	cells 'load before' "$(awk '{ print $1 ($1 > 1 ? ": **not quiet, so what a clock says is loose**" : "") }' /proc/loadavg)"
	cells podtag "$("$B/podtag" --version | head -n 1)"
	for package in nginx-light haproxy wrk iperf3 containernetworking-plugins valgrind; do
		cells "$package" "$(version "$package")"
	done
}

# --- in short -----------------------------------------------------------------------------------

# What the README shows, from every section that was measured.
in_short()
{
	printf '\n## In short\n\n'
	if measured web podtag rate; then
		head_cells '' nothing 'an empty program' podtag 'nginx as sidecar' 'haproxy as sidecar'
		short_row 'requests/s, open connections' web rate %.0f 1
		short_row 'requests/s, new connections' connect rate %.0f 1
		short_row 'Gbit/s of a stream' bulk rate %.1f 1e-9
		short_row 'CPU s per 100,000 requests, open connections' web cpu %.1f 1
		short_row 'CPU s per 100,000 requests, new connections' connect cpu %.1f 1
		echo
		echo "Measured twice in the same rounds, nothing differs from itself in the first row by $(
			ratios web rate again nothing | percent_cell)."
		echo
	fi
	if measured programs-web podtag_cls_in ns; then
		echo "- A packet: $(rounded "$(difference programs-web podtag_cls_in)") ns in, $(
			rounded "$(difference programs-web podtag_cls_out)") ns out, more than an empty program takes."
	fi
	if measured tls-calls podtag read; then
		echo "- Probes on a TLS library: a call of SSL_read takes $(rounded_more tls-calls read) ns more, SSL_write $(
			rounded_more tls-calls write); nginx's requests a second change by $(tls_share tls-web) over open connections, by $(
			tls_share tls-connect) where each opens one."
	fi
	if measured profile-connect all share; then
		echo "- Of the CPU samples of wrk and nginx, podtag caused $(share_of web) over open connections, $(
			share_of connect) where each request opens one."
	fi
	if measured add beside us; then
		echo "- A pod's start: ADD takes $(milliseconds beside); tuning $(milliseconds tuning), portmap $(
			milliseconds portmap), bridge $(milliseconds bridge)."
	fi
	if measured agent 110 rss; then
		echo "- The agent with 110 pods: $(cat "$(samples agent 110 rss)" "$(samples agent 110 maps)" \
			"$(samples agent 110 programs)" | awk '{ s += $1 } END { printf "%.1f MB", s / 1e6 }') with all maps and programs; a scrape takes it $(
			median agent 110 cpu | awk '{ printf "%.1f ms", $1 / 1e6 }')."
	fi
}

share_of() { median "profile-$1" all share | awk '{ printf "%.1f %%", $1 }'; } # SECTION

rounded_more() { rounded "$(more "$1" podtag "$2" | spread | cut -d ' ' -f 1)"; } # SECTION METRIC

# "-3.4 %"
tls_share() # SECTION
{
	ratios "$1" rate podtag nothing again | interval | awk '{ printf "%+.1f %%", ($1 - 1) * 100 }'
}

rounded() { awk "BEGIN { printf \"%.0f\", $1 }"; } # NUMBER

milliseconds() { median add "$1" us | awk '{ printf "%.1f ms", $1 / 1e3 }'; } # VARIANT

short_row() # LABEL SECTION METRIC FORMAT FACTOR
{
	local variant row=()
	for variant in empty podtag nginx haproxy; do
		row+=("$(ratios "$2" "$3" "$variant" nothing again | interval | awk '{ printf "%+.1f %%", ($1 - 1) * 100 }')")
	done
	cells "$1" "$(median "$2" nothing "$3" | awk -v f="$4" -v by="$5" '{ printf f, $1 * by }')" "${row[@]}"
}

# --- targets ------------------------------------------------------------------------------------

targets()
{
	local section program
	printf '\n## Targets\n\n'
	echo 'The noise is what "nothing" differs from itself, measured in the same rounds. A target is met, or'
	echo 'missed, where the whole 95 % interval lies on one side of it; otherwise the noise does not allow saying so.'
	echo
	head_cells target measured noise verdict
	for section in web connect bulk; do
		! measured "$section" podtag rate || throughput_target "$section"
	done
	for program in podtag_cls_in podtag_cls_out; do
		for section in web connect bulk; do
			program_target "$section" "$program" "$TC_TIMES"
		done
	done
	for program in podtag_http_in podtag_http_out podtag_on_read; do
		program_target web "$program" "$HTTP_TIMES"
	done
	for program in podtag_http_in podtag_http_out; do
		program_target bulk "$program" "$OPAQUE_TIMES"
	done
	! measured programs-web podtag_http_in runs || runs_target
	! measured web kernel packets || truth_target
	! measured programs-web all ns || cost_of_a_request
}

# Prints met, missed or open. "Missed" must also be more than nothing differs from itself.
throughput_verdict() # SECTION
{
	{
		ratios "$1" rate podtag nothing again | interval
		ratios "$1" rate again nothing | interval
	} | awk -v bound="$THROUGHPUT" '
		NR == 1 { median = $1; low = $2; high = $3 }
		END {
			if (low >= bound)
				print "met"
			else
				print (high < bound && median < $2 ? "MISSED" : "open: the noise does not allow saying so")
		}'
}

program_verdict() # SECTION PROGRAM BOUND
{
	times "$1" "$2" | interval | awk -v bound="$3" '
		{ print ($3 <= bound ? "met" : $2 > bound ? "MISSED" : "open: the noise does not allow saying so") }'
}

throughput_target() # SECTION
{
	local -A what=([web]='requests/s, open connections' [connect]='requests/s, new connections'
		[bulk]='bytes/s of a stream')
	cells "${what[$1]}: within 2 % of nothing" \
		"$(ratios "$1" rate podtag nothing again | percent_cell)" \
		"$(ratios "$1" rate again nothing | percent_cell)" \
		"$(throughput_verdict "$1")"
}

program_target() # SECTION PROGRAM BOUND
{
	measured "programs-$1" "$2" ns || return 0
	cells "$2, $1: at most $3 times an empty program" "$(times_cell "programs-$1" "$2")" '' \
		"$(program_verdict "programs-$1" "$2" "$3")"
}

runs_target()
{
	local program runs=0
	for program in podtag_http_in podtag_http_out podtag_on_read; do
		runs=$(awk "BEGIN { print $runs + $(median programs-web "$program" runs) }")
	done
	cells "HTTP programs' runs for a request, both ends: at most $HTTP_RUNS" "$(printf %.2f "$runs")" '' \
		"$(awk "BEGIN { print ($runs < $HTTP_RUNS + 0.01 ? \"met\" : \"MISSED\") }")"
}

truth_target()
{
	local section what differs=
	for section in web connect bulk; do
		for what in packets bytes retransmits; do
			if [[ $(sum "$section" podtag "$what") != "$(sum "$section" kernel "$what")" ]]; then
				differs+=" $section $what"
			fi
		done
	done
	cells "packets, bytes and retransmits are the kernel's own" "different:${differs:- none}" '' \
		"$(if [[ ! $differs ]]; then echo met; else echo MISSED; fi)"
}

# Independent of the noise: the programs' own time, as a share of what a request takes.
cost_of_a_request()
{
	local section
	echo
	echo 'The same without the noise of throughput: the time that the kernel measures in the programs. An empty'
	echo "program's time is mostly that of measuring it, so the truth is between both shares. In the last column is"
	echo 'also what the kernel does outside of the programs: the way into them, and the storage of a tag, made and'
	echo 'freed with each connection.'
	echo
	head_cells '' 'CPU, ns' "podtag's programs, ns" 'less empty ones, ns' share 'less empty ones' 'share of CPU samples'
	for section in web connect; do
		cost_row "a request ($section)" 1e4 "$section" all 1
	done
	cost_row 'a MB (bulk)' 1e5 bulk all 1e6
	for section in podtag_cls_in podtag_cls_out; do
		cells "a packet ($section)" '' "$(rounded "$(median programs-web "$section" ns)")" \
			"$(rounded "$(difference programs-web "$section")")" '' '' ''
	done
}

cost_row() # LABEL NS-PER-UNIT-OF-CPU SECTION PROGRAM UNITS
{
	local cpu=0 samples=
	! measured "$3" nothing cpu || cpu=$(cat "$(samples "$3" nothing cpu)" "$(samples "$3" again cpu)" | spread | cut -d ' ' -f 1)
	! measured "profile-$3" "$4" share || samples=$(median "profile-$3" "$4" share)
	awk -v cpu="$cpu" -v by="$2" -v ns="$(median "programs-$3" "$4" ns)" \
		-v net="$(difference "programs-$3" "$4")" -v units="$5" -v label="$1" \
		-v samples="${samples:+$samples %}" '
		BEGIN {
			printf "| %s | %.0f | %.0f | %.0f |", label, cpu * by, ns * units, net * units
			if (cpu)
				printf " %.2f %% | %.2f %% | %s |\n", ns * units / cpu / by * 100, net * units / cpu / by * 100, samples
			else
				print " | | " samples " |"
		}'
}

difference() # SECTION PROGRAM: median of podtag's less the empty program's, in the same round
{
	paste -d ' ' "$(samples "$1" "$2" ns)" "$(samples "$1" "$2" empty)" | awk '{ print $1 - $2 }' |
		spread | cut -d ' ' -f 1
}

# --- beside -------------------------------------------------------------------------------------

# Other people's figures, quoted with their conditions. Nothing here is measured but podtag's column.
beside_others()
{
	measured web podtag rate && measured programs-web all ns && measured agent 110 rss || return 0
	printf '\n## Beside other systems\n\n'
	cat <<-'END'
		Grafana Beyla of August 2026 was measured for this project once: Debian's kernel 6.12 in a virtual
		machine emulated in software (QEMU, TCG), nginx with a tiny file, wrk with 2 connections. **These are not
		the same work.** Both measure each HTTP request's method, status and duration. Beyla also has its path, and
		follows it through services; podtag also counts packets, bytes and TCP retransmits. The right column is
		this run, on the machine above; only a run in such an emulated machine has comparable conditions.

	END
	head_cells '' 'Beyla' 'podtag, this run'
	cells 'throughput left' '35-46 %' "$(ratios web rate podtag nothing again | interval | awk '{ printf "%.1f %% (%.1f to %.1f)", $1 * 100, $2 * 100, $3 * 100 }')"
	cells 'BPF programs run per request' 16 "$(median programs-web all runs | xargs printf %.1f)"
	cells 'CPU s per 100,000 requests' '55-83' "$(spread_cell web podtag cpu %.1f) for the whole machine with wrk and nginx; $(spread_cell web nothing cpu %.1f) without podtag"
	cells 'agent, RSS' '72-86 MB' "$(awk '{ printf "%.1f MB", $1 / 1e6 }' "$(samples agent 110 rss)") with 110 pods"
	cells maps '174.6 MB' "$(awk '{ printf "%.1f MB", $1 / 1e6 }' "$(samples agent 110 maps)")"
	cells 'counting starts' '46 s after its start' 'with ADD, before the pod'"'"'s first process'
	cells 'counted' '14,968 of 15,020 requests' "$(counted)"
}

counted()
{
	paste -d ' ' "$(samples web podtag packets)" "$(samples web kernel packets)" |
		awk '{ p += $1; k += $2 } END { printf "%.0f of %.0f packets", p, k }'
}

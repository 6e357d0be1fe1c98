# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The parts of the report that look at several sections: the machine, the targets, other systems.

THROUGHPUT=0.98 # of nothing: the target
TIMES_EMPTY=2   # an empty tc program: the target

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
	cells 'load before' "$(cut -d ' ' -f 1 /proc/loadavg)"
	cells podtag "$("$B/podtag" --version | head -n 1)"
	for package in nginx-light haproxy wrk iperf3 containernetworking-plugins valgrind; do
		cells "$package" "$(version "$package")"
	done
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
			! measured "programs-$section" "$program" ns || program_target "$section" "$program"
		done
	done
	! measured web kernel packets || truth_target
	! measured programs-web all ns || cost_of_a_request
}

# Reads ratios. Prints met, missed or open, for a target that is a lower (or upper) bound.
verdict() # lower|upper BOUND
{
	interval | awk -v bound="$2" -v sign="$([[ $1 == lower ]] && echo 1 || echo -1)" '
		{
			worst = sign > 0 ? $2 : -$3
			best = sign > 0 ? $3 : -$2
			if (worst >= sign * bound)
				print "met"
			else
				print (best < sign * bound ? "MISSED" : "open: the noise does not allow saying so")
		}'
}

throughput_target() # SECTION
{
	local -A what=([web]='requests/s, open connections' [connect]='requests/s, new connections'
		[bulk]='bytes/s of a stream')
	cells "${what[$1]}: within 2 % of nothing" \
		"$(ratios "$1" rate podtag nothing again | percent_cell)" \
		"$(ratios "$1" rate again nothing | percent_cell)" \
		"$(ratios "$1" rate podtag nothing again | verdict lower "$THROUGHPUT")"
}

program_target() # SECTION PROGRAM
{
	cells "$2, $1: at most $TIMES_EMPTY times an empty program" "$(times_cell "programs-$1" "$2")" '' \
		"$(times "programs-$1" "$2" | verdict upper "$TIMES_EMPTY")"
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
	echo "program's time is mostly that of measuring it, so the truth is between the last two columns."
	echo
	head_cells '' 'CPU, ns' "podtag's programs, ns" 'less empty ones, ns' share 'less empty ones'
	for section in web connect; do
		cost_row "a request ($section)" 1e4 "$section" all 1
	done
	cost_row 'a MB (bulk)' 1e5 bulk all 1e6
	for section in podtag_cls_in podtag_cls_out; do
		cells "a packet ($section)" '' "$(median programs-web "$section" ns | awk '{ printf "%.0f", $1 }')" \
			"$(difference programs-web "$section" | awk '{ printf "%.0f", $1 }')" '' ''
	done
}

cost_row() # LABEL NS-PER-UNIT-OF-CPU SECTION PROGRAM UNITS
{
	local cpu=0
	! measured "$3" nothing cpu || cpu=$(cat "$(samples "$3" nothing cpu)" "$(samples "$3" again cpu)" | spread | cut -d ' ' -f 1)
	awk -v cpu="$cpu" -v by="$2" -v ns="$(median "programs-$3" "$4" ns)" \
		-v net="$(difference "programs-$3" "$4")" -v units="$5" -v label="$1" '
		BEGIN {
			printf "| %s | %.0f | %.0f | %.0f |", label, cpu * by, ns * units, net * units
			if (cpu)
				printf " %.2f %% | %.2f %% |\n", ns * units / cpu / by * 100, net * units / cpu / by * 100
			else
				print " | |"
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
		the same work.** Beyla measures each HTTP request (method, path, status, duration); podtag counts a pod's
		packets, bytes and TCP retransmits, and knows nothing of HTTP. The right column is this run, on the
		machine above; only a run in such an emulated machine has comparable conditions.

	END
	head_cells '' 'Beyla' 'podtag, this run'
	cells 'throughput left' '35-46 %' "$(ratios web rate podtag nothing again | interval | awk '{ printf "%.1f %% (%.1f to %.1f)", $1 * 100, $2 * 100, $3 * 100 }')"
	cells 'BPF programs run per request' 16 "$(runs_per_request)"
	cells 'CPU s per 100,000 requests' '55-83' "$(spread_cell web podtag cpu %.1f) for the whole machine with wrk and nginx; $(spread_cell web nothing cpu %.1f) without podtag"
	cells 'agent, RSS' '72-86 MB' "$(awk '{ printf "%.1f MB", $1 / 1e6 }' "$(samples agent 110 rss)") with 110 pods"
	cells maps '174.6 MB' "$(awk '{ printf "%.1f MB", $1 / 1e6 }' "$(samples agent 110 maps)")"
	cells 'counting starts' '46 s after its start' 'with ADD, before the pod'"'"'s first process'
	cells 'counted' '14,968 of 15,020 requests' "$(counted)"
}

runs_per_request()
{
	local program all=0
	for program in podtag_cls_in podtag_cls_out podtag_on_state podtag_on_rexmt podtag_on_synac; do
		all=$(awk "BEGIN { print $all + $(median programs-web "$program" runs) }")
	done
	awk "BEGIN { printf \"%.1f\", $all }"
}

counted()
{
	paste -d ' ' "$(samples web podtag packets)" "$(samples web kernel packets)" |
		awk '{ p += $1; k += $2 } END { printf "%.0f of %.0f packets", p, k }'
}

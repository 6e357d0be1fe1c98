# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of adoption share, on top of lib.sh: chains without podtag, and libcni's cache.
# shellcheck source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CACHE=/var/lib/cni/results

# Chains as they are before podtag is installed, and after.
before() { conflist net 1.0.0 "$(bridge 1)"; }
after() { conflist net 1.0.0 "$(bridge 1)" "$(podtag "$@")"; }

# "ADOPTED ATTACHED DEAD NOT-ADOPTED", and 1 for an exit status where something was not adopted.
assert_adopted() # WHAT NUMBERS
{
	local status=0 expected=0
	"$B/podtag" -j adopt >"$T/adopt" || status=$?
	[[ ${2##* } == 0 ]] || expected=1
	assert_equal "$1" "$(jq -r '[.adopted, .attached, .dead, (.not_adopted | length)] | map(tostring) | join(" ")' \
		<"$T/adopt") $(jq -c .not_adopted <"$T/adopt")" "$2 $(jq -c .not_adopted <"$T/adopt")"
	assert_equal "$1: exit status" "$status" "$expected"
}

not_adopted() { jq -r --arg key "$1" '[.not_adopted[][$key]] | sort | join(",")' <"$T/adopt"; } # KEY

# What an ADD makes of a pod, apart from when.
identity() # POD
{
	pod_json "$1" | jq -c '.value | del(.created_ns, .deleted_ns, .classid, .netns, .ifindex, .node_interface)'
}

# As libcni does when the namespace and the chain are gone already.
forget() # POD
{
	ip netns del "$1"
	rm -f "$T/$1.pod" "$CACHE"/*"$(container_of "$1")"*
}

no_pods() { [[ $(map_entries attachments) == 0 && ! $(pins) ]]; }

ended() { [[ $(pod_json "$1" | jq .value.deleted_ns) != 0 ]]; } # POD

cache_file() { echo "$CACHE/net-$(container_of "$1")-eth0"; } # POD

# A file that differs in one key from a living pod's.
cache_with() # NAME POD JQ-FILTER
{
	jq -c "$3" <"$(cache_file "$2")" >"$T/cache_with"
	mv "$T/cache_with" "$CACHE/$1"
}

is_adopted() { [[ $(metric podtag_pods_adopted_total) == "$1" ]]; } # COUNT

has_received() { (($(link_traffic "$1" eth0 | cut -d ' ' -f 2) > $2)); } # POD BYTES

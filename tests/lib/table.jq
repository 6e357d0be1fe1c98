# SPDX-License-Identifier: BSD-2-Clause
# The demo's table: $now and $before are what `podtag -j dump pods` printed at the times $t and $t0.

def pad($n): tostring | (" " * ([$n - length, 0] | max)) + .;
def padr($n): tostring | . + (" " * ([$n - length, 0] | max));
def human: if . >= 1e9 then "\((. / 1e8 | floor) / 10) G" elif . >= 1e6 then "\((. / 1e5 | floor) / 10) M"
	elif . >= 1e3 then "\((. / 100 | floor) / 10) k" else "\(floor) " end;

["syn", "synack", "rto", "fast", "tlp", "other"] as $kinds |
["receive_packets", "transmit_packets", "receive_bytes", "transmit_bytes"] as $traffic |
($before[0] | map({key: "\(.id)", value: .}) | from_entries) as $old |
"  " + ("POD" | padr(14)) + ([$kinds[] | ascii_upcase | pad(7)] | add)
	+ (["/s", "RX PKTS", "TX PKTS", "RX B", "TX B", "RX B/s", "TX B/s"] | map(pad(10)) | add),
($now[0][] | . as $pod | $old["\(.id)"] as $was |
	def rate(f): if $was then (($pod | f) - ($was | f)) / ($t - $t0) | if . < 0 then 0 else . end else 0 end;
	"  " + ("\(.namespace)/\(.pod)" | padr(14))
	+ ([$kinds[] as $k | .retransmits[$k] | pad(7)] | add)
	+ (rate(.retransmits | add) | floor | pad(10))
	+ ([$traffic[] as $k | .traffic[$k] | human | pad(10)] | add)
	+ (rate(.traffic.receive_bytes) | human | pad(10))
	+ (rate(.traffic.transmit_bytes) | human | pad(10))),
""

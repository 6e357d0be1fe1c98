// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The maps that no program reads: identity for people and the agent, the plugin's own records. They
 * are in the object so that they get their BTF and are made, pinned and kept with the others. */
#include "bpf/maps.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u64);
	__type(value, struct pt_pod);
} pods SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_ATTACHMENTS_MAX);
	__type(key, struct pt_ip);
	__type(value, struct pt_ip_owner);
} pod_by_ip SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_ATTACHMENTS_MAX);
	__type(key, struct pt_attachment_key);
	__type(value, struct pt_attachment);
} attachments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PT_COMMAND_COUNT);
	__type(key, __u32);
	__type(value, struct pt_cni_operations);
} cni_operations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_datapath_info);
} datapath SEC(".maps");

char _license[] SEC("license") __weak = "Dual BSD/GPL";

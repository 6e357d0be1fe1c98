// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Read the pinned maps as a whole, for whoever shows them. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/each.h"
#include "bpf/snapshot.h"

__u64 pt_histogram_count(const struct pt_histogram *histogram)
{
	__u64 count = 0;

	for (int i = 0; i < PT_BUCKET_COUNT; i++)
		count += histogram->bucket[i];
	return count;
}

struct reader {
	struct pt_snapshot snapshot;
	size_t room;
	size_t series_count;
	size_t series_room;
	__u64 now_ns;
	int cpus;
};

#define TERMINATE(text) ((text)[sizeof(text) - 1] = '\0')

/* The map's writers do so too, but a reader that shows text does not take their word for it. */
static void terminate_texts(struct pt_pod *pod)
{
	TERMINATE(pod->namespace);
	TERMINATE(pod->name);
	TERMINATE(pod->uid);
	TERMINATE(pod->container_id);
	TERMINATE(pod->ifname);
	TERMINATE(pod->node_interface);
	TERMINATE(pod->ipv4);
	TERMINATE(pod->ipv6);
}

static int read_pod(const void *key, const void *value, void *arg)
{
	const struct pt_pod *pod = value;
	struct reader *reader = arg;
	struct pt_snapshot *snapshot = &reader->snapshot;
	struct pt_pod_record *record;

	if (pod->deleted_ns && reader->now_ns > pod->deleted_ns + PT_RETENTION_NS)
		return 0;

	if (snapshot->count == reader->room) {
		size_t room = reader->room ? reader->room + reader->room / 2 : 32;

		record = reallocarray(snapshot->pods, room, sizeof(*record));
		if (!record)
			return -ENOMEM;
		snapshot->pods = record;
		reader->room = room;
	}
	record = &snapshot->pods[snapshot->count++];
	memset(record, 0, sizeof(*record));
	memcpy(&record->id, key, sizeof(record->id));
	record->pod = *pod;
	terminate_texts(&record->pod);
	record->attached = !pod->deleted_ns;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	__u64 x = ((const struct pt_pod_record *)a)->id, y = ((const struct pt_pod_record *)b)->id;

	return (x > y) - (x < y);
}

static int id_to_record(const void *id, const void *record)
{
	__u64 x = *(const __u64 *)id, y = ((const struct pt_pod_record *)record)->id;

	return (x > y) - (x < y);
}

static struct pt_pod_record *find(const struct reader *reader, __u64 id)
{
	const struct pt_snapshot *snapshot = &reader->snapshot;

	if (!snapshot->count)
		return NULL;
	return bsearch(&id, snapshot->pods, snapshot->count, sizeof(*snapshot->pods), id_to_record);
}

/* One system call a pod: reading the whole array would cost what the node could hold, not what it
 * holds. */
static int read_traffic(const struct pt_datapath *dp, struct reader *reader)
{
	struct pt_traffic *each = calloc(reader->cpus, sizeof(*each));

	if (!each)
		return -ENOMEM;
	for (size_t i = 0; i < reader->snapshot.count; i++) {
		struct pt_pod_record *record = &reader->snapshot.pods[i];
		struct pt_traffic *sum = &record->traffic;
		__u32 slot = PT_SLOT(record->pod.classid);

		if (bpf_map_lookup_elem(dp->maps[PT_MAP_POD_TRAFFIC], &slot, each) ||
		    each->pod_id != record->id)
			continue;
		for (int cpu = 0; cpu < reader->cpus; cpu++) {
			sum->receive_packets += each[cpu].receive_packets;
			sum->receive_bytes += each[cpu].receive_bytes;
			sum->transmit_packets += each[cpu].transmit_packets;
			sum->transmit_bytes += each[cpu].transmit_bytes;
		}
	}
	free(each);
	return 0;
}

/* A value that a pod has once, into its record at that offset. */
struct once {
	struct reader *reader;
	size_t offset, size;
};

static int read_value(const void *key, const void *value, void *arg)
{
	const struct once *once = arg;
	struct pt_pod_record *record;
	__u64 id;

	memcpy(&id, key, sizeof(id));
	record = find(once->reader, id);
	if (record)
		memcpy((char *)record + once->offset, value, once->size);
	return 0;
}

static int read_once(const struct pt_datapath *dp, enum pt_map map, struct reader *reader,
		     size_t offset, size_t size)
{
	struct once once = { reader, offset, size };

	return dp->maps[map] < 0
		       ? 0
		       : pt_map_each(dp->maps[map], sizeof(__u64), size, read_value, &once);
}

#define READ_ONCE(dp, map, reader, field)                                                          \
	read_once(dp, map, reader, offsetof(struct pt_pod_record, field),                          \
		  sizeof(((struct pt_pod_record *)0)->field))

static int read_mode(const void *key, const void *value, void *arg)
{
	struct pt_pod_record *record;
	enum pt_tls_mode mode;
	__u64 id;

	memcpy(&id, key, sizeof(id));
	memcpy(&mode, value, sizeof(mode));
	record = find(arg, id);
	if (record && mode < PT_TLS_MODES)
		record->tls_mode = mode;
	return 0;
}

static int read_modes(const struct pt_datapath *dp, struct reader *reader)
{
	return dp->maps[PT_MAP_TLS_WANTED] < 0
		       ? 0
		       : pt_map_each(dp->maps[PT_MAP_TLS_WANTED], sizeof(__u64),
				     sizeof(enum pt_tls_mode), read_mode, reader);
}

static int read_lost(const void *key, const void *value, void *arg)
{
	const struct pt_gave_up *lost = value;
	struct reader *reader = arg;
	__u32 reason;

	memcpy(&reason, key, sizeof(reason));
	if (reason < PT_LOST_COUNT)
		reader->snapshot.http_lost[reason] = lost->count;
	return 0;
}

static bool is_status(__u16 status)
{
	return (status >= 100 && status <= 599) || (status >= 1 && status <= 5);
}

static int read_series(const void *key, const void *value, void *arg)
{
	struct reader *reader = arg;
	struct pt_http_series *series;

	if (reader->series_count == reader->series_room) {
		size_t room =
			reader->series_room ? reader->series_room + reader->series_room / 2 : 32;

		series = reallocarray(reader->snapshot.series, room, sizeof(*series));
		if (!series)
			return -ENOMEM;
		reader->snapshot.series = series;
		reader->series_room = room;
	}
	series = &reader->snapshot.series[reader->series_count];
	memcpy(&series->key, key, sizeof(series->key));
	memcpy(&series->latency, value, sizeof(series->latency));
	if (series->key.role >= PT_ROLE_COUNT || series->key.method >= PT_METHOD_COUNT)
		return 0; /* no program of ours writes such */
	if (!is_status(series->key.status))
		series->key.status = 0;
	series->key.tls = !!series->key.tls;
	reader->series_count++;
	return 0;
}

static int by_series(const void *left, const void *right)
{
	const struct pt_http_key *a = &((const struct pt_http_series *)left)->key;
	const struct pt_http_key *b = &((const struct pt_http_series *)right)->key;
	__u64 x = a->pod_id, y = b->pod_id;

	if (x == y) {
		x = (__u64)a->role << 32 | a->method << 24 | a->status << 8 | a->tls;
		y = (__u64)b->role << 32 | b->method << 24 | b->status << 8 | b->tls;
	}
	return (x > y) - (x < y);
}

static void add_histogram(struct pt_histogram *to, const struct pt_histogram *from)
{
	for (int i = 0; i < PT_BUCKET_COUNT; i++)
		to->bucket[i] += from->bucket[i];
	to->sum_ns += from->sum_ns;
}

/* Gives each pod its part. Both are in order, so one walk along them is enough. Series that are one
 * to who reads them, as those that differ by what is not shown, become one. */
static void give_series(struct reader *reader)
{
	struct pt_snapshot *snapshot = &reader->snapshot;
	struct pt_http_series *each = snapshot->series, *kept = each;
	struct pt_pod_record *record;
	size_t pod = 0;

	if (reader->series_count)
		qsort(each, reader->series_count, sizeof(*each), by_series);
	for (size_t i = 0; i < reader->series_count; i++, each++) {
		while (pod < snapshot->count && snapshot->pods[pod].id < each->key.pod_id)
			pod++;
		if (pod == snapshot->count)
			break;
		record = &snapshot->pods[pod];
		if (record->id != each->key.pod_id)
			continue; /* its pod is gone */
		if (record->series_count && !by_series(kept - 1, each)) {
			add_histogram(&kept[-1].latency.duration, &each->latency.duration);
			add_histogram(&kept[-1].latency.start, &each->latency.start);
			continue;
		}
		if (!record->series_count++)
			record->series = kept;
		if (kept != each)
			*kept = *each;
		kept++;
	}
}

static int read_http(const struct pt_datapath *dp, struct reader *reader)
{
	int err;

	err = READ_ONCE(dp, PT_MAP_HTTP_PODS, reader, http);
	if (!err)
		err = READ_ONCE(dp, PT_MAP_TLS_CONNECTIONS, reader, tls);
	if (!err)
		err = pt_map_each(dp->maps[PT_MAP_HTTP_LOST], sizeof(__u32),
				  sizeof(struct pt_gave_up), read_lost, reader);
	if (!err)
		err = pt_map_each(dp->maps[PT_MAP_HTTP_LATENCY], sizeof(struct pt_http_key),
				  sizeof(struct pt_http_latency), read_series, reader);
	if (!err)
		give_series(reader);
	return err;
}

static int read_attachment(const void *key, const void *value, void *arg)
{
	const struct pt_attachment *attachment = value;
	struct pt_pod_record *record = find(arg, attachment->pod_id);

	(void)key;
	if (!record)
		return 0;
	if (attachment->hook == PT_HOOK_NONE)
		record->attached = false;
	if (!record->reason[0]) {
		memcpy(record->reason, attachment->reason, sizeof(record->reason));
		TERMINATE(record->reason);
	}
	return 0;
}

int pt_snapshot_read(const struct pt_datapath *dp, struct pt_snapshot *ret)
{
	struct reader reader = { .now_ns = pt_now_ns(), .cpus = libbpf_num_possible_cpus() };
	int err;

	if (reader.cpus < 0)
		return reader.cpus;

	err = pt_map_each(dp->maps[PT_MAP_PODS], sizeof(__u64), sizeof(struct pt_pod), read_pod,
			  &reader);
	if (reader.snapshot.count)
		qsort(reader.snapshot.pods, reader.snapshot.count, sizeof(*reader.snapshot.pods),
		      by_id);
	if (!err)
		err = read_traffic(dp, &reader);
	if (!err)
		err = READ_ONCE(dp, PT_MAP_TCP_RETRANSMITS, &reader, retransmits);
	if (!err)
		err = read_modes(dp, &reader);
	if (!err)
		err = read_http(dp, &reader);
	if (!err)
		err = pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
				  sizeof(struct pt_attachment), read_attachment, &reader);
	if (err) {
		pt_snapshot_free(&reader.snapshot);
		return err;
	}
	*ret = reader.snapshot;
	return 0;
}

void pt_snapshot_free(struct pt_snapshot *snapshot)
{
	free(snapshot->pods);
	free(snapshot->series);
	*snapshot = (struct pt_snapshot){};
}

/* What the kernel charges for a map or program: "memlock:" in its fdinfo. */
static __u64 memory_of(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

static int read_program(const char *name, struct pt_program_record *ret)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char path[320];
	int err, fd;

	snprintf(path, sizeof(path), PT_DIR "/progs/%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!err) {
		*ret = (struct pt_program_record){
			.run_ns = info.run_time_ns,
			.run_count = info.run_cnt,
			.miss_count = info.recursion_misses,
			.memory_bytes = memory_of(fd),
		};
		snprintf(ret->name, sizeof(ret->name), "%s", name);
	}
	close(fd);
	return err;
}

int pt_programs_read(struct pt_program_record *ret, size_t max)
{
	DIR *stream = opendir(PT_DIR "/progs");
	struct dirent *entry;
	size_t count = 0;

	if (!stream)
		return -errno;
	while (count < max && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof(ret->name) &&
		    !read_program(entry->d_name, &ret[count]))
			count++;
	closedir(stream);
	return count;
}

static int count_entry(const void *key, const void *value, void *arg)
{
	(void)key;
	(void)value;
	++*(__u64 *)arg;
	return 0;
}

static int read_map(int fd, struct pt_map_record *ret)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &size);

	if (err)
		return err;

	ret->max_entries = info.max_entries;
	ret->memory_bytes = memory_of(fd);
	switch (info.type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
		ret->entries = info.max_entries;
		return 0;
	case BPF_MAP_TYPE_HASH:
		return pt_map_each(fd, info.key_size, info.value_size, count_entry, &ret->entries);
	default:
		return 0;
	}
}

/* From the pins, because the maps that only programs use take memory too. */
int pt_maps_read(struct pt_map_record *ret, size_t max)
{
	DIR *stream = opendir(PT_DIR "/maps");
	struct dirent *entry;
	size_t count = 0;
	char path[320];
	int err = 0;

	if (!stream)
		return -errno;
	while (!err && count < max && (entry = readdir(stream))) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PT_DIR "/maps/%s", entry->d_name);
		err = fd = bpf_obj_get(path);
		if (fd < 0)
			break;
		ret[count] = (struct pt_map_record){};
		snprintf(ret[count].name, sizeof(ret->name), "%.15s", entry->d_name);
		err = read_map(fd, &ret[count++]);
		close(fd);
	}
	closedir(stream);
	return err ? err : (int)count;
}

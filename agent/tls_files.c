// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/tls_files.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/datapath.h"

#define SIZE (PT_TLS_FILES * sizeof(struct pt_tls_file))

struct pt_tls_file *pt_tls_files_map(void)
{
	int fd = bpf_obj_get(PT_DIR "/maps/tls_files");
	void *files;

	if (fd < 0)
		return NULL;
	files = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return files == MAP_FAILED ? NULL : files;
}

void pt_tls_files_unmap(struct pt_tls_file *files)
{
	if (files)
		munmap(files, SIZE);
}

static bool is_alike(const struct pt_tls_file *a, const struct pt_tls_file *b)
{
	return a->inode && b->inode && !strncmp(a->library, b->library, sizeof(a->library)) &&
	       !strncmp(a->version, b->version, sizeof(a->version));
}

static struct pt_file_id id_of(const struct pt_tls_file *file)
{
	return (struct pt_file_id){ file->device, file->inode };
}

/* A free one, or that of the file that was attached to longest ago and is no target now. */
static uint32_t find_room(const struct pt_tls_file *files, struct pt_targets *targets)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < PT_TLS_FILES; i++) {
		const struct pt_file_id id = id_of(&files[i]);

		if (!files[i].inode)
			return i;
		if (!pt_target_find(targets, &id) &&
		    (!oldest || files[i].taken_ns < files[oldest].taken_ns))
			oldest = i;
	}
	return oldest;
}

/* A counter must not become less for as long as it is shown. Killed in between, it begins anew. */
static void hand_over(struct pt_tls_file *files, uint32_t slot)
{
	const struct pt_tls_file last = files[slot];

	files[slot] = (struct pt_tls_file){};
	for (uint32_t i = 1; i < PT_TLS_FILES; i++) {
		if (!is_alike(&files[i], &last))
			continue;
		files[i].calls_before += last.calls + last.calls_before;
		files[i].over_budget += last.over_budget;
		return;
	}
}

uint32_t pt_tls_file_take(struct pt_tls_file *files, struct pt_targets *targets,
			  const struct pt_target *target)
{
	struct pt_tls_file wanted = { .device = target->id.device, .inode = target->id.inode };
	uint32_t slot;

	memcpy(wanted.library, target->library, sizeof(wanted.library));
	memcpy(wanted.version, target->version, sizeof(wanted.version));
	for (slot = 1; slot < PT_TLS_FILES; slot++)
		if (files[slot].inode == wanted.inode && files[slot].device == wanted.device &&
		    is_alike(&files[slot], &wanted))
			break;
	if (slot == PT_TLS_FILES) {
		slot = find_room(files, targets);
		if (!slot)
			return 0;
		hand_over(files, slot);
		files[slot] = wanted;
	}
	files[slot].taken_ns = pt_now_ns();
	return slot;
}

void pt_tls_file_recall(const struct pt_tls_file *files, struct pt_target *target)
{
	for (uint32_t i = 1; i < PT_TLS_FILES; i++) {
		const struct pt_file_id id = id_of(&files[i]);

		if (!pt_is_same_file(&id, &target->id) ||
		    (target->slot && files[i].taken_ns < files[target->slot].taken_ns))
			continue;
		target->slot = i;
		memcpy(target->library, files[i].library, sizeof(target->library));
		memcpy(target->version, files[i].version, sizeof(target->version));
	}
}

bool pt_tls_files_sum(const struct pt_tls_file *files, uint32_t slot, struct pt_tls_counts *ret)
{
	*ret = (struct pt_tls_counts){};
	for (uint32_t i = 1; i < PT_TLS_FILES; i++) {
		const struct pt_tls_file *file = &files[i];

		if (!is_alike(file, &files[slot]))
			continue;
		if (i < slot)
			return false;
		ret->calls += __atomic_load_n(&file->calls, __ATOMIC_RELAXED) + file->calls_before;
		ret->over_budget += file->over_budget;
	}
	return files[slot].inode;
}

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/targets.h"

#include <string.h>

const char *const pt_target_states[PT_TARGET_STATES] = { "probed", "refused", "over_budget" };

struct pt_target *pt_target_find(struct pt_targets *targets, const struct pt_file_id *id)
{
	for (size_t i = 0; i < PT_TARGETS_MAX; i++)
		if (pt_is_same_file(&targets->all[i].id, id))
			return &targets->all[i];
	return NULL;
}

struct pt_target *pt_target_add(struct pt_targets *targets, const struct pt_file_id *id)
{
	const struct pt_file_id none = {};
	struct pt_target *target = pt_target_find(targets, id);

	if (target)
		return target;
	target = pt_target_find(targets, &none);
	if (target)
		*target = (struct pt_target){ .id = *id };
	return target;
}

static time_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void pt_target_set_on(struct pt_target *target)
{
	target->on_seen = now_seconds();
}

bool pt_target_is_on(const struct pt_target *target)
{
	return target->on_seen && now_seconds() - target->on_seen < PT_TARGET_ON_SECONDS;
}

int pt_target_is_over(struct pt_target *target, int is_used, time_t seconds)
{
	const time_t now = now_seconds();

	if (is_used)
		target->idle_since = 0;
	else if (!target->idle_since)
		target->idle_since = now;
	return !is_used && now - target->idle_since >= seconds;
}

static int is_alike(const struct pt_target *a, const struct pt_target *b)
{
	return a->id.inode && b->id.inode && a->state == b->state &&
	       !strcmp(a->library, b->library) && !strcmp(a->version, b->version);
}

unsigned int pt_target_count(const struct pt_targets *targets, const struct pt_target *target)
{
	unsigned int count = 0;

	for (size_t i = 0; i < PT_TARGETS_MAX; i++) {
		const struct pt_target *other = &targets->all[i];

		if (!is_alike(other, target))
			continue;
		if (other < target)
			return 0;
		count++;
	}
	return count;
}

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/meters.h"

#include "agent/log.h"
#include "bpf/datapath.h"

static void cut(struct pt_meters *meters, struct pt_target *target,
		const struct pt_spending *spending)
{
	struct pt_tls_file *file = &meters->files[target->slot];

	pt_budget_cut(file, pt_now_ns());
	target->state = PT_TARGET_OVER_BUDGET;
	pt_agent_log(PT_LOG_WARN,
		     "%s%s%s: %ju calls a second cost %.1f %% of a CPU by their probes, more than "
		     "--tls-budget %u: not probed for %ju minutes",
		     target->library, *target->version ? " " : "", target->version,
		     (uintmax_t)spending->calls_per_second, spending->percent,
		     meters->budget.percent, (uintmax_t)(file->pause_ns / 60000000000));
	meters->cut(meters->arg);
}

/* Reads memory, and while nothing is probed within a budget not even that. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = { .tv_sec = PT_BUDGET_LOOK_SECONDS };
	struct pt_meters *meters = arg;
	bool is_needed = false;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < PT_TARGETS_MAX && meters->files; i++) {
		struct pt_target *target = &meters->targets->all[i];
		struct pt_spending spending;
		uint64_t calls;

		if (!target->slot || target->state != PT_TARGET_PROBED || pt_target_is_on(target)) {
			meters->each[i] = (struct pt_meter){};
			continue;
		}
		is_needed = true;
		calls = __atomic_load_n(&meters->files[target->slot].calls, __ATOMIC_RELAXED);
		if (pt_meter_is_over(&meters->each[i], &meters->budget, &target->id, calls,
				     pt_now_ns(), &spending))
			cut(meters, target, &spending);
	}
	if (is_needed)
		evtimer_add(meters->timer, &pause);
}

int pt_meters_init(struct pt_meters *meters, struct event_base *base)
{
	meters->timer = evtimer_new(base, on_timer, meters);
	return meters->timer ? 0 : -1;
}

void pt_meters_watch(struct pt_meters *meters)
{
	if (!evtimer_pending(meters->timer, NULL))
		on_timer(-1, 0, meters);
}

void pt_meters_done(struct pt_meters *meters)
{
	if (meters->timer)
		event_free(meters->timer);
}

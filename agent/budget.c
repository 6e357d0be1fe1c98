// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/budget.h"

#define SECOND_NS  1000000000ull
#define PAUSE_NS   (600 * SECOND_NS)
#define PAUSES_MAX 16 /* in a pause, at most */

bool pt_meter_is_over(struct pt_meter *meter, const struct pt_budget *budget,
		      const struct pt_file_id *id, uint64_t calls, uint64_t now_ns,
		      struct pt_spending *ret)
{
	const int64_t savings_ns = PT_BUDGET_SECONDS * SECOND_NS / 100 * budget->percent;
	uint64_t elapsed_ns = now_ns - meter->at_ns, count = calls - meter->calls;
	struct pt_meter last = *meter;

	*meter = (struct pt_meter){ *id, calls, now_ns, savings_ns };
	*ret = (struct pt_spending){};
	if (!last.at_ns || !pt_is_same_file(&last.id, id) || !elapsed_ns)
		return false;
	ret->calls_per_second = (double)count * SECOND_NS / elapsed_ns;
	ret->percent = 100.0 * count * budget->call_ns / elapsed_ns;
	last.left_ns += (int64_t)(elapsed_ns / 100 * budget->percent - count * budget->call_ns);
	if (last.left_ns < savings_ns)
		meter->left_ns = last.left_ns;
	return meter->left_ns < 0;
}

void pt_budget_cut(struct pt_tls_file *file, uint64_t now_ns)
{
	uint64_t lasted_ns = now_ns - file->retry_ns;

	if (!file->pause_ns || lasted_ns > file->pause_ns)
		file->pause_ns = PAUSE_NS;
	else if (file->pause_ns < PAUSES_MAX * PAUSE_NS)
		file->pause_ns *= 2;
	file->retry_ns = now_ns + file->pause_ns;
	file->over_budget++;
}

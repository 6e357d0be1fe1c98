// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What happened between two scrapes, in numbers.

export const ROLES = ["server", "client"];

// How much a counter has grown. One that is less than it was began anew.
export function grown(before, now) {
	return now < (before ?? 0) ? now : now - (before ?? 0);
}

// The same of a histogram, which begins anew as a whole. A series that was not there was zero.
export function grownBuckets(before, now) {
	const anew = !before?.length || now.some((count, i) => count < before[i]);
	return anew ? now.slice() : now.map((count, i) => count - before[i]);
}

export function addBuckets(sum, buckets) {
	buckets.forEach((count, i) => (sum[i] = (sum[i] ?? 0) + count));
	return sum;
}

// What is under the bound q of all lies, of cumulative buckets, as histogram_quantile() of Prometheus
// has it: as if a bucket's requests lay evenly in it. NaN without requests; the last bound but one
// where the answer is above it.
export function quantile(q, bounds, buckets) {
	const rank = q * (buckets.at(-1) ?? 0);
	if (!rank)
		return NaN;
	const i = buckets.findIndex((count) => count >= rank);
	if (bounds[i] === Infinity)
		return bounds[i - 1];
	const [low, below] = i ? [bounds[i - 1], buckets[i - 1]] : [0, 0];
	return low + (bounds[i] - low) * (rank - below) / (buckets[i] - below);
}

function nothing(at, seconds) {
	const http = () => ({ requests: 0, errors: 0, buckets: [] });
	return { at, seconds, server: http(), client: http(), queue: [], retransmits: 0, received: 0, sent: 0 };
}

function total(before, now) {
	return Object.keys(now).reduce((sum, key) => sum + grown(before[key], now[key]), 0);
}

// What a pod did between two scrapes. An error is a status of 5xx, and a request that its server gave up.
export function difference(before, now, at, seconds) {
	const sample = nothing(at, seconds);
	for (const [key, { role, status, buckets }] of now.series) {
		const more = grownBuckets(before.series.get(key)?.buckets, buckets);
		const http = sample[role];
		http.requests += more.at(-1);
		http.errors += status.startsWith("5") ? more.at(-1) : 0;
		addBuckets(http.buckets, more);
	}
	for (const { role, by, value } of now.aborted) {
		const old = before.aborted.find((one) => one.role === role && one.by === by);
		const more = by === "server" ? grown(old?.value, value) : 0;
		sample[role].requests += more;
		sample[role].errors += more;
	}
	sample.queue = grownBuckets(before.queue, now.queue);
	sample.retransmits = total(before.retransmits, now.retransmits);
	sample.received = grown(before.bytes.receive, now.bytes.receive);
	sample.sent = grown(before.bytes.transmit, now.bytes.transmit);
	return sample;
}

// Several in one: of pods in the same time, or of one pod in times that follow each other.
export function sum(samples, at, seconds) {
	const all = nothing(at, seconds);
	for (const sample of samples) {
		for (const role of ROLES) {
			all[role].requests += sample[role].requests;
			all[role].errors += sample[role].errors;
			addBuckets(all[role].buckets, sample[role].buckets);
		}
		addBuckets(all.queue, sample.queue);
		for (const key of ["retransmits", "received", "sent"])
			all[key] += sample[key];
	}
	return all;
}

// Whether a is the same pod as b, and not another one that got its name. One that ended has no container.
function isSame(a, b) {
	return !a.info || !b.info || a.info.container_id === b.info.container_id;
}

// Goes on with a pod's history, {pod, at, samples} or nothing, to another scrape at that second. Samples are
// kept for span seconds. The first scrape of a pod is no sample: when its counts grew is not known.
export function follow(history, pod, at, span) {
	if (!history || !isSame(history.pod, pod) || history.pod.queue.length !== pod.queue.length)
		return { pod, at, samples: [] };
	const samples = history.samples.filter((sample) => sample.at > at - span);
	samples.push(difference(history.pod, pod, at, at - history.at));
	return { pod: { ...pod, info: pod.info ?? history.pod.info }, at, samples };
}

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What is shown of a sample, and how it is written.
import { quantile } from "./rates.mjs";

// Three digits, as many as a person compares.
export function short(value) {
	let i = 0;
	for (; value >= 999.5 && i < 4; i++)
		value /= 1000;
	const digits = value === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
	return `${value.toFixed(digits)}${["", " k", " M", " G", " T"][i]}`;
}

const count = (value) => short(value);
const percent = (value) => (value && value < 0.00005 ? "< 0.01 %" : `${short(100 * value)} %`);
const bytes = (value) => (value < 999.5 ? `${short(value)} B` : `${short(value)}B`);
export const seconds = (value) => (value < 0.9995 ? `${short(1000 * value)} ms` : `${short(value)} s`);

function latency(value, bounds) {
	return value < bounds.at(-2) ? seconds(value) : `≥ ${seconds(value)}`;
}

const during = (sample) => `in ${sample.seconds.toFixed(3)} s`;

function rate(id, title, help, write, of) {
	return {
		id, title, help, write,
		value: (sample, role) => of(sample, role) / sample.seconds,
		exact: (sample, role) => `${of(sample, role)} ${during(sample)}`,
	};
}

function quantiles(id, title, help, q, of) {
	return {
		id, title, help, write: latency,
		value: (sample, role, bounds) => quantile(q, bounds, of(sample, role)),
		exact: (sample, role) => `of ${of(sample, role).at(-1) ?? 0} requests ${during(sample)}`,
	};
}

// Each column has value(sample, role, bounds), a number to chart and to sort by, NaN for none; write(), the
// number as text; exact(), the counts that it was made of.
export const COLUMNS = [
	rate("requests", "Requests/s", "HTTP requests that were answered or that their server gave up, per second", count,
		(sample, role) => sample[role].requests),
	{
		id: "errors", title: "Errors", help: "Share of these that were answered 5xx or not to the end", write: percent,
		value: (sample, role) => sample[role].errors / sample[role].requests,
		exact: (sample, role) => `${sample[role].errors} of ${sample[role].requests} ${during(sample)}`,
	},
	quantiles("p50", "p50", "Half of the requests took no longer, first byte to last", 0.5,
		(sample, role) => sample[role].buckets),
	quantiles("p99", "p99", "99 of 100 requests took no longer, first byte to last", 0.99,
		(sample, role) => sample[role].buckets),
	quantiles("queue", "Queue p99", "99 of 100 requests waited no longer until the application read them", 0.99,
		(sample) => sample.queue),
	rate("retransmits", "Retrans/s", "TCP segments the pod sent again, per second", count,
		(sample) => sample.retransmits),
	rate("received", "In/s", "Bytes through the pod's interface, per second", bytes, (sample) => sample.received),
	rate("sent", "Out/s", "Bytes through the pod's interface, per second", bytes, (sample) => sample.sent),
];

// The path of a line from the second `from` on, in a box of that size whose top is the greatest value.
// Points are {at, value}; NaN is a gap.
export function line(points, from, to, width, height) {
	const top = Math.max(0, ...points.map(({ value }) => value || 0));
	let path = "", pen = "M";
	for (const { at, value } of points) {
		if (Number.isNaN(value) || at < from) {
			pen = "M";
			continue;
		}
		const x = Math.round((at - from) / (to - from) * width);
		const y = Math.round((1 - (top ? value / top : 0)) * height);
		path += `${pen}${x} ${y}${pen === "M" ? "h0" : ""}`;
		pen = "L";
	}
	return path;
}

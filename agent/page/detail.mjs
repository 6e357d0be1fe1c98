// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// One pod: its charts larger, and what it has counted since it began.
import { COLUMNS } from "./columns.mjs";
import { Reading, byId, element, setText } from "./dom.mjs";
import { addBuckets, sum } from "./rates.mjs";

const PATTERN = /^#([^/]+)\/(.+)$/;
const readings = new Map();

function keyOf(hash) {
	try {
		const [, namespace, pod] = hash.match(PATTERN);
		return `${decodeURIComponent(namespace)}/${decodeURIComponent(pod)}`;
	} catch {
		return ""; // no pod's
	}
}

// The hash says what is open, so that "back" closes it and a reload opens it again.
export function close() {
	if (keyOf(location.hash))
		location.hash = "";
}

function makeCharts() {
	for (const column of COLUMNS) {
		const box = element("div", { title: column.help }, element("span", null, column.title));
		readings.set(column, new Reading(column, box));
		byId("charts").append(box);
	}
}

// Rows are arrays of texts and bars.
function fill(table, heads, rows) {
	const cell = (value, i) => element(i ? "td" : "th", i ? null : { scope: "row" }, value);
	table.replaceChildren(
		element("thead", null, element("tr", null, ...heads.map((head) => element("th", { scope: "col" }, head)))),
		element("tbody", null, ...rows.map((row) => element("tr", null, ...row.map(cell)))));
	table.parentNode.hidden = !rows.length;
}

function bar(share) {
	return element("meter", { value: share, "aria-hidden": "true" });
}

const seriesOf = (pod, role) => [...pod.series.values()].filter((one) => one.role === role);
const apart = (buckets) => buckets.map((count, i) => count - (i ? buckets[i - 1] : 0));

const bound = (value) => (value < 1 ? `${Number((1000 * value).toPrecision(6))} ms` : `${value} s`);

function span(window) {
	return window.seconds < 90 ? `last ${Math.round(window.seconds)} s` : `last ${Math.round(window.seconds / 60)} min`;
}

// Bars of what was lately; all that ever was as a number. Empty ends are left away.
function showLatency(pod, window, { role, bounds }) {
	const all = seriesOf(pod, role).reduce((sum, { buckets }) => addBuckets(sum, buckets), []);
	const ever = apart(all), late = apart(window[role].buckets), most = Math.max(1, ...late);
	const first = ever.findIndex(Boolean), last = ever.findLastIndex(Boolean);
	const name = (i) => (bounds[i] === Infinity ? `> ${bound(bounds[i - 1])}` : `≤ ${bound(bounds[i])}`);
	const rows = ever.map((count, i) => [name(i), bar((late[i] ?? 0) / most), String(late[i] ?? 0), String(count)]);
	fill(byId("latency"), ["", "", span(window), "in all"], last < 0 ? [] : rows.slice(first, last + 1));
}

function showResponses(pod, role) {
	const series = seriesOf(pod, role), order = ({ status, method }) => `${status} ${method}`;
	series.sort((a, b) => (order(a) < order(b) ? -1 : 1));
	fill(byId("responses"), ["status", "method", "TLS", "in all"], series.map((one) =>
		[one.status, one.method, one.tls === "true" ? "yes" : "no", String(one.buckets.at(-1))]));
}

function showRetransmits(pod) {
	const kinds = Object.entries(pod.retransmits), most = Math.max(1, ...Object.values(pod.retransmits));
	fill(byId("retransmits"), ["kind", "", "in all"],
		kinds.map(([kind, count]) => [kind, bar(count / most), String(count)]));
}

function showAborted(pod, role) {
	const some = pod.aborted.filter((one) => one.role === role && one.value);
	fill(byId("aborted"), ["ended by", "in all"], some.map(({ by, value }) => [by, String(value)]));
}

function facts({ info, attached }) {
	const parts = [];
	if (attached === null)
		parts.push("This pod has ended; its last counts stay for 5 minutes.");
	else if (attached)
		parts.push(`Its traffic is not counted: ${attached}.`);
	if (info)
		parts.push(...["ip", "node_interface", "container_id"].filter((key) => info[key]).map((key) => info[key]));
	return parts.join(" · ");
}

function showPod({ pod, samples }, view) {
	const window = sum(samples, view.to, samples.reduce((all, sample) => all + sample.seconds, 0));
	setText(byId("detail-name"), `${pod.namespace}/${pod.name}`);
	setText(byId("facts"), facts(pod));
	for (const reading of readings.values())
		reading.show(samples, view);
	showLatency(pod, window, view);
	showResponses(pod, view.role);
	showRetransmits(pod);
	showAborted(pod, view.role);
}

function showGone(key) {
	setText(byId("detail-name"), key);
	setText(byId("facts"), "There is no such pod on this node, or no more.");
}

// Opens, updates or closes the view of the pod that the hash names.
export function showDetail(hash, histories, view) {
	const key = keyOf(hash), dialog = byId("detail");
	if (!key)
		return dialog.close();
	if (!readings.size)
		makeCharts();
	const history = histories.get(key);
	if (history)
		showPod(history, view);
	else
		showGone(key);
	dialog.classList.toggle("gone", !history);
	if (!dialog.open)
		dialog.showModal();
}

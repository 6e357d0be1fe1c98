// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The node's pods, read again and again from /metrics while somebody looks.
import { COLUMNS } from "./columns.mjs";
import { close, showDetail } from "./detail.mjs";
import { Reading, byId, element, setText } from "./dom.mjs";
import { read } from "./metrics.mjs";
import { follow, sum } from "./rates.mjs";

const SPAN = 300; // seconds that the charts show, ...
const SPAN_MIN = 60; // ... as many at first
const PERIOD = 5; // seconds between two scrapes ...
const SHARE = 20; // ... or so many times as long as one takes
const TIMEOUT = 10000; // ms

const histories = new Map(); // by pod, also of those that the last page lacked
const rows = new Map();
const node = { samples: [] };
const sort = {};
let scrape, scrapedAt, scrapes = 0, timer, isPolling = false;

const now = () => performance.now() / 1000;
const { compare: compareNames } = new Intl.Collator(undefined, { numeric: true });

// With user and password in the page's URL, as some browsers leave them there, fetch() would refuse.
const source = new URL("metrics", location.href);
source.username = source.password = "";

// --- the table ---

class Row {
	constructor(name) {
		this.element = element("tr", null, element("th", { scope: "row" }, name));
		this.readings = Object.fromEntries(COLUMNS.map((column) =>
			[column.id, new Reading(column, this.element.appendChild(element("td")))]));
	}

	show(samples, view) {
		for (const reading of Object.values(this.readings))
			reading.show(samples, view);
	}
}

const nodeRow = new Row(element("span", { id: "count" }));

function podRow(key, { namespace, name }) {
	const hash = `#${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
	const row = new Row(element("a", { href: hash, title: `${namespace}/${name}` }, name));
	row.element.firstChild.append(element("small", null, namespace));
	row.key = key;
	row.text = key.toLowerCase();
	return row;
}

function compare(a, b) {
	const byName = compareNames(a.key, b.key);
	if (sort.id === "pod")
		return sort.descending ? -byName : byName;
	const [x, y] = [a, b].map((row) => row.readings[sort.id].value);
	if (x === y || Number.isNaN(x) || Number.isNaN(y))
		return Number.isNaN(x) - Number.isNaN(y) || byName;
	return sort.descending ? y - x : x - y;
}

// In their order, with as few moves as need be: what has the focus keeps it.
function place(shown) {
	const body = byId("pods");
	for (const row of rows.values())
		row.element.hidden = !shown.includes(row);
	shown.forEach((row, i) => {
		if (body.children[i] !== row.element)
			body.insertBefore(row.element, body.children[i] ?? null);
	});
}

function showRows(view) {
	for (const [key, row] of rows) {
		if (scrape.pods.has(key))
			continue;
		row.element.remove();
		rows.delete(key);
	}
	for (const [key, pod] of scrape.pods) {
		if (!rows.has(key))
			rows.set(key, podRow(key, pod));
		const row = rows.get(key);
		row.element.classList.toggle("ended", pod.attached === null);
		row.show(histories.get(key).samples, view);
	}
}

// As long as there is something to show.
function chartSpan() {
	return Math.min(SPAN, Math.max(SPAN_MIN, scrapedAt - (node.samples[0]?.at ?? scrapedAt)));
}

function show() {
	if (!scrape)
		return;
	const from = scrapedAt - chartSpan();
	const view = { role: byId("role").value, bounds: scrape.bounds, from, to: scrapedAt };
	const words = byId("filter").value.toLowerCase().split(/\s+/);

	showRows(view);
	nodeRow.show(node.samples, view);
	const shown = [...rows.values()].filter((row) => words.every((word) => row.text.includes(word)));
	place(shown.sort(compare));
	setText(byId("count"), rows.size === 1 ? "1 pod" : `all ${rows.size} pods`);
	byId("none").hidden = shown.length > 0;
	setText(byId("none"), rows.size ? "No pod's name or namespace has that in it." :
		"No pod on this node that podtag knows of.");
	showDetail(location.hash, histories, view);
}

function sortBy(id) {
	sort.descending = sort.id === id ? !sort.descending : id !== "pod";
	sort.id = id;
	for (const head of byId("head").children)
		if (head.dataset.id === id)
			head.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
		else
			head.removeAttribute("aria-sort");
	show();
}

function makeHead() {
	for (const { id, title, help } of [{ id: "pod", title: "Pod", help: "Namespace and name" }, ...COLUMNS]) {
		const button = element("button", { type: "button", title: help }, title);
		button.addEventListener("click", () => sortBy(id));
		byId("head").append(element("th", { scope: "col", "data-id": id }, button));
	}
	byId("all").append(nodeRow.element);
	sortBy("pod");
}

// --- the scrapes ---

function take(text, at) {
	scrape = read(text);
	const seconds = at - scrapedAt, added = [];
	for (const [key, pod] of scrape.pods) {
		const history = follow(histories.get(key), pod, at, SPAN);
		histories.set(key, history);
		if (history.samples.length)
			added.push(history.samples.at(-1));
	}
	for (const [key, history] of histories)
		if (history.at < at - SPAN)
			histories.delete(key);
	if (scrapes++)
		node.samples = [...node.samples.filter((sample) => sample.at > at - SPAN), sum(added, at, seconds)];
	scrapedAt = at;
	setText(byId("version"), `· podtag ${scrape.version}`);
	setText(byId("updated"), `Updated ${new Date().toLocaleTimeString()}` +
		(scrapes > 1 ? ` · rates ${seconds.toFixed(1)} s · charts ${Math.ceil(chartSpan() / 60)} min` : ""));
	setText(byId("problem"), scrape.loaded ? "" : "podtag's programs are not loaded: readyz says why.");
	byId("scroll").hidden = false;
	show();
}

async function fetchMetrics() {
	const response = await fetch(source, {
		cache: "no-store", headers: { Accept: "text/plain;version=0.0.4" },
		signal: AbortSignal.timeout(TIMEOUT),
	});
	if (!response.ok)
		throw new Error(`it answers ${response.status} ${response.statusText}`);
	return response.text();
}

function explain(error) {
	const why = error.name === "TimeoutError" ? "no answer in time" :
		error instanceof TypeError ? "no connection" : error.message;
	return `The agent is not to be had: ${why}.${scrape ? " What is shown is from then." : ""}`;
}

async function poll() {
	if (isPolling || document.hidden)
		return;
	clearTimeout(timer);
	isPolling = true;
	const began = now();
	const text = await fetchMetrics().catch((error) => setText(byId("problem"), explain(error)));
	try {
		if (text !== undefined)
			take(text, began);
	} finally {
		isPolling = false;
		// the second one comes soon: there are no rates before
		timer = setTimeout(poll, 1000 * Math.max(scrapes === 1 ? 1 : PERIOD, SHARE * (now() - began)));
	}
}

setText(byId("host"), location.host);
document.title = `podtag ${location.host}`;
makeHead();
byId("filter").addEventListener("input", show);
byId("role").addEventListener("change", show);
byId("close").addEventListener("click", close);
byId("detail").addEventListener("close", close);
window.addEventListener("hashchange", show);
document.addEventListener("visibilitychange", poll);
poll();

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What a /metrics page says of each pod.

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const LE = ',le="';

function unescape(text) {
	return text.includes("\\") ? text.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c)) : text;
}

function readLabels(text) {
	const labels = {};
	for (const [, name, value] of text.matchAll(LABEL))
		labels[name] = unescape(value);
	return labels;
}

function newPod({ namespace, pod }) {
	return {
		namespace, name: pod, info: null, attached: null,
		bytes: {}, retransmits: {}, aborted: [], series: new Map(), queue: [],
	};
}

// What a sample is to its pod. A histogram's buckets come in order of le, each with those below it.
const FAMILIES = {
	podtag_pod_info: (pod, labels) => (pod.info = labels),
	podtag_pod_attached: (pod, labels, value) => (pod.attached = value ? "" : labels.reason || "?"),
	pod_network_bytes_total: (pod, labels, value) => (pod.bytes[labels.direction] = value),
	tcp_retransmits_total: (pod, labels, value) => (pod.retransmits[labels.kind] = value),
	http_requests_aborted_total: (pod, { role, by }, value) => pod.aborted.push({ role, by, value }),
};
const HISTOGRAMS = {
	http_request_queue_seconds_bucket: (pod) => pod.queue,
	http_request_duration_seconds_bucket(pod, { role, method, status, tls }) {
		const series = { role, method, status, tls, buckets: [] };
		pod.series.set([role, method, status, tls].join(" "), series);
		return series.buckets;
	},
};

// The samples of a text one by one: the name, what is between the braces, the value.
function eachSample(text, take) {
	for (let at = 0, end; at < text.length; at = end + 1) {
		end = text.indexOf("\n", at);
		if (end < 0)
			end = text.length;
		if (end === at || text[at] === "#")
			continue;
		const space = text.lastIndexOf(" ", end - 1), brace = text.indexOf("{", at);
		const bare = brace < 0 || brace > space;
		take(text.slice(at, bare ? space : brace), bare ? "" : text.slice(brace + 1, space - 1),
			Number(text.slice(space + 1, end)));
	}
}

// Returns {pods, bounds, version, loaded}: pods by "namespace/name", which no two share; bounds in seconds,
// of all histograms; loaded, whether podtag's programs are in the kernel.
export function read(text) {
	const scrape = { pods: new Map(), bounds: [], version: "", loaded: false };
	let series = "", buckets = [];

	function podOf(labels) {
		const key = `${labels.namespace}/${labels.pod}`;
		if (!scrape.pods.has(key))
			scrape.pods.set(key, newPod(labels));
		return scrape.pods.get(key);
	}

	function takeBucket(name, inner, value) {
		const at = inner.lastIndexOf(LE), outer = name + inner.slice(0, at);
		if (outer !== series) {
			const labels = readLabels(inner.slice(0, at));
			series = outer;
			buckets = HISTOGRAMS[name](podOf(labels), labels);
		}
		if (scrape.bounds.length === buckets.length)
			scrape.bounds.push(Number(inner.slice(at + LE.length, -1).replace("+Inf", "Infinity")));
		buckets.push(value);
	}

	eachSample(text, (name, inner, value) => {
		if (name in HISTOGRAMS)
			return takeBucket(name, inner, value);
		if (name === "podtag_build_info")
			scrape.version = readLabels(inner).version;
		if (name === "podtag_datapath_loaded")
			scrape.loaded = value === 1;
		if (name in FAMILIES) {
			const labels = readLabels(inner);
			FAMILIES[name](podOf(labels), labels, value);
		}
	});
	return scrape;
}

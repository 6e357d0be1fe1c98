// SPDX-License-Identifier: BSD-2-Clause
// The page's arithmetic, against numbers worked out by hand.
import assert from "node:assert/strict";
import test from "node:test";
import { COLUMNS, line, seconds, short } from "../../agent/page/columns.mjs";
import { read } from "../../agent/page/metrics.mjs";
import { difference, follow, grown, grownBuckets, quantile, sum } from "../../agent/page/rates.mjs";

const BOUNDS = [0.1, 0.5, 1, Infinity];

function close(actual, expected) {
	assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} instead of ${expected}`);
}

// A /metrics text of one pod; statuses: {200: buckets}; aborted: {side: requests}.
function metrics({ pod = "api", id = "c1", statuses = {}, aborted = {}, queue = [0, 0, 0, 0], fast = 0, received = 0 }) {
	const labels = `namespace="shop",pod="${pod}"`, les = ["0.1", "0.5", "1.0", "+Inf"];
	const histogram = (name, inner, buckets) =>
		buckets.map((count, i) => `${name}_bucket{${inner},le="${les[i]}"} ${count}`);
	return [
		"# HELP tcp_retransmits_total Words {with=\"braces\"} 5",
		"# TYPE tcp_retransmits_total counter",
		`tcp_retransmits_total{${labels},kind="rto"} 1`,
		`tcp_retransmits_total{${labels},kind="fast"} ${fast}`,
		`pod_network_bytes_total{${labels},direction="receive"} ${received}`,
		`pod_network_bytes_total{${labels},direction="transmit"} 7`,
		...(id ? [`podtag_pod_info{${labels},uid="u",container_id="${id}",ip="10.0.0.1",node_interface="v"} 1`,
			`podtag_pod_attached{${labels},reason=""} 1`] : []),
		...Object.entries(statuses).flatMap(([status, buckets]) => histogram("http_request_duration_seconds",
			`${labels},role="server",method="GET",status="${status}",tls="false"`, buckets)),
		...Object.entries(aborted).map(([by, count]) =>
			`http_requests_aborted_total{${labels},role="server",by="${by}"} ${count}`),
		...histogram("http_request_queue_seconds", labels, queue),
		"podtag_datapath_loaded 1",
		'podtag_build_info{version="1.2.3",schema="2"} 1',
		"",
	].join("\n");
}

const podOf = (settings) => read(metrics(settings)).pods.get("shop/api");

test("a page is read", () => {
	const { pods, bounds, version, loaded } = read(metrics({ statuses: { 200: [1, 2, 3, 4] }, fast: 5, received: 9 }));
	assert.deepEqual([...pods.keys()], ["shop/api"]);
	assert.deepEqual(bounds, BOUNDS);
	assert.deepEqual([version, loaded], ["1.2.3", true]);
	const pod = pods.get("shop/api");
	assert.deepEqual(pod.retransmits, { rto: 1, fast: 5 });
	assert.deepEqual(pod.bytes, { receive: 9, transmit: 7 });
	assert.deepEqual([...pod.series.values()],
		[{ role: "server", method: "GET", status: "200", tls: "false", buckets: [1, 2, 3, 4] }]);
	assert.equal(pod.info.container_id, "c1");
	assert.equal(pod.attached, "");
	assert.equal(podOf({ id: "" }).attached, null);
	const [other] = read('podtag_pod_attached{namespace="a",pod="b",reason="no_link"} 0\n').pods.values();
	assert.equal(other.attached, "no_link");
	assert.equal(read("").pods.size, 0);
	assert.equal(read("podtag_datapath_loaded 0\n").loaded, false);
	assert.equal(read("podtag_datapath_loaded 1").loaded, true, "without a last newline");
});

test("names that look like something else stay names", () => {
	const name = String.raw`x,le=\"0.1\"} 5 \\ \n<b>{`;
	const [pod] = read(metrics({ pod: name, statuses: { 200: [1, 2, 3, 4] } })).pods.values();
	assert.equal(pod.name, 'x,le="0.1"} 5 \\ \n<b>{');
	assert.deepEqual([...pod.series.values()][0].buckets, [1, 2, 3, 4]);
	assert.deepEqual(pod.queue, [0, 0, 0, 0]);
	assert.equal(read(metrics({ pod: "x,le=" })).pods.get("shop/x,le=").queue.length, 4);
});

test("histogram_quantile", () => {
	close(quantile(0.25, BOUNDS, [10, 20, 20, 20]), 0.05); // rank 5 of 10 below 0.1
	close(quantile(0.5, BOUNDS, [10, 20, 20, 20]), 0.1);
	close(quantile(0.75, BOUNDS, [10, 20, 20, 20]), 0.3); // rank 15: 0.1 + 0.4 * 5 / 10
	close(quantile(0.99, BOUNDS, [10, 20, 20, 20]), 0.492); // rank 19.8: 0.1 + 0.4 * 9.8 / 10
	close(quantile(0.5, BOUNDS, [0, 0, 8, 8]), 0.75);
	close(quantile(0.5, BOUNDS, [1, 1, 3, 3]), 0.625); // over an empty bucket: rank 1.5: 0.5 + 0.5 * 0.5 / 2
	close(quantile(0.5, BOUNDS, [0, 0, 0, 4]), 1); // where it is above is not known
	assert.ok(Number.isNaN(quantile(0.5, BOUNDS, [0, 0, 0, 0])));
	assert.ok(Number.isNaN(quantile(0.5, BOUNDS, [])));
});

test("counters that begin anew never go back", () => {
	assert.deepEqual([grown(5, 9), grown(9, 5), grown(5, 5), grown(undefined, 7)], [4, 5, 0, 7]);
	assert.deepEqual(grownBuckets([1, 2, 3], [2, 4, 6]), [1, 2, 3]);
	assert.deepEqual(grownBuckets([5, 6, 7], [6, 7, 6]), [6, 7, 6], "one bucket less: all of them began anew");
	assert.deepEqual(grownBuckets(undefined, [1, 1, 1]), [1, 1, 1]);
});

test("what a pod did between two scrapes", () => {
	const before = podOf({ statuses: { 200: [10, 10, 10, 10] }, queue: [4, 4, 4, 4], fast: 3, received: 1000 });
	const now = podOf({ statuses: { 200: [40, 60, 60, 60], 503: [0, 0, 0, 25] }, queue: [4, 5, 5, 5], fast: 13,
		received: 6000 });
	const sample = difference(before, now, 100, 5);
	assert.deepEqual(sample.server, { requests: 75, errors: 25, buckets: [30, 50, 50, 75] });
	assert.deepEqual(sample.client, { requests: 0, errors: 0, buckets: [] });
	assert.deepEqual([sample.queue, sample.retransmits, sample.received, sample.sent], [[0, 1, 1, 1], 10, 5000, 0]);
	const written = Object.fromEntries(COLUMNS.map(({ id, value, write, exact }) =>
		[id, `${write(value(sample, "server", BOUNDS), BOUNDS)} | ${exact(sample, "server")}`]));
	assert.deepEqual(written, {
		requests: "15.0 | 75 in 5.000 s",
		errors: "33.3 % | 25 of 75 in 5.000 s",
		p50: "250 ms | of 75 requests in 5.000 s", // rank 37.5: 0.1 + 0.4 * 7.5 / 20
		p99: "≥ 1.00 s | of 75 requests in 5.000 s",
		queue: "496 ms | of 1 requests in 5.000 s", // rank 0.99: 0.1 + 0.4 * 0.99
		retransmits: "2.00 | 10 in 5.000 s",
		received: "1.00 kB | 5000 in 5.000 s",
		sent: "0 B | 0 in 5.000 s",
	});
	const dropped = difference(podOf({ aborted: { client: 1, server: 2 } }),
		podOf({ statuses: { 200: [0, 0, 0, 6] }, aborted: { client: 9, server: 4 } }), 100, 5);
	assert.deepEqual([dropped.server.requests, dropped.server.errors, dropped.client.errors], [8, 2, 0]);
	assert.equal(difference(before, podOf({ aborted: { server: 3 } }), 100, 5).server.errors, 3);
	const both = sum([sample, difference(before, before, 100, 5)], 100, 10);
	assert.deepEqual([both.seconds, both.server.requests, both.retransmits], [10, 75, 10]);
});

test("a pod's history", () => {
	const counts = (fast) => ({ fast, statuses: { 200: [fast, fast, fast, fast] } });
	let history = follow(undefined, podOf(counts(100)), 10, 60);
	assert.deepEqual(history.samples, [], "what was before the first scrape is no rate");
	history = follow(history, podOf(counts(103)), 15, 60);
	history = follow(history, podOf(counts(1)), 20, 60);
	assert.deepEqual(history.samples.map(({ retransmits, at, seconds: long }) => [retransmits, at, long]),
		[[3, 15, 5], [1, 20, 5]]);
	const ended = follow(history, podOf({ ...counts(1), id: "" }), 25, 60);
	assert.equal(ended.samples.at(-1).retransmits, 0);
	assert.deepEqual(follow(ended, podOf({ ...counts(5), id: "c2" }), 30, 60).samples, [], "another pod of that name");
	assert.equal(follow(ended, podOf(counts(1)), 76, 60).samples.length, 3, "older than 60 s is forgotten");
	assert.deepEqual(follow(history, podOf({ queue: [0, 0] }), 25, 60).samples, [], "other buckets");
});

test("numbers as text", () => {
	const pairs = [[0, "0"], [0.5, "0.50"], [9.994, "9.99"], [9.995, "10.0"], [99.94, "99.9"], [99.96, "100"],
		[999.4, "999"], [999.6, "1.00 k"], [12345, "12.3 k"], [2e9, "2.00 G"]];
	assert.deepEqual(pairs.map(([value]) => short(value)), pairs.map(([, text]) => text));
	assert.deepEqual([0.0005, 0.25, 0.9996, 2.5].map(seconds), ["0.50 ms", "250 ms", "1.00 s", "2.50 s"]);
	const errors = COLUMNS.find(({ id }) => id === "errors");
	assert.deepEqual([0, 0.00001, 0.5, 1].map(errors.write), ["0 %", "< 0.01 %", "50.0 %", "100 %"]);
});

test("a line is as high as its greatest value, and broken where there is none", () => {
	const points = [1, 2, NaN, 4, 0].map((value, i) => ({ at: 10 * i, value }));
	assert.equal(line(points, 0, 40, 400, 100), "M0 75h0L100 50M300 0h0L400 100");
	assert.equal(line(points, 15, 40, 250, 100), "M150 0h0L250 100", "what was before is left away");
	assert.equal(line([{ at: 0, value: 0 }], 0, 1, 10, 10), "M0 10h0", "nothing but zero is at the bottom");
});

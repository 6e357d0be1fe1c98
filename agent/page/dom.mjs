// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Elements. What comes from pods becomes text or an attribute, never markup.
import { line } from "./columns.mjs";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300, HEIGHT = 100; // of a chart, in its own units

export const byId = (id) => document.getElementById(id);

export function element(name, attributes, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes ?? {}))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
}

// What has not changed is left alone, so that a selection or a tooltip stays.
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

export function chart() {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("viewBox", `0 -4 ${WIDTH} ${HEIGHT + 8}`);
	svg.setAttribute("preserveAspectRatio", "none");
	svg.setAttribute("aria-hidden", "true");
	svg.append(document.createElementNS(SVG, "path"));
	return svg;
}

export function draw(svg, points, from, to) {
	svg.firstChild.setAttribute("d", line(points, from, to, WIDTH, HEIGHT));
}

// A value, the chart of its last minutes, and a column's way to show both.
export class Reading {
	constructor(column, cell) {
		this.column = column;
		this.cell = cell;
		this.number = element("span", { class: "number" }, "–");
		this.chart = chart();
		cell.append(this.number, this.chart);
	}

	show(samples, { role, bounds, from, to }) {
		const { value, write, exact } = this.column, last = samples.at(-1);
		const points = samples.map((sample) => ({ at: sample.at, value: value(sample, role, bounds) }));
		this.value = points.at(-1)?.value ?? NaN;
		setText(this.number, Number.isNaN(this.value) ? "–" : write(this.value, bounds));
		this.cell.title = last ? exact(last, role) : "";
		this.cell.classList.toggle("bad", this.column.id === "errors" && this.value > 0);
		draw(this.chart, points, from, to);
	}
}

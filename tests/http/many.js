// SPDX-License-Identifier: BSD-2-Clause
// usage: node many.js URL open|close COUNT    asks, 16 at a time, prints how many were answered
// Trusts TLS_CERT.
const https = require('https'), fs = require('fs');
const [url, how, count] = process.argv.slice(2);
const agent = new https.Agent({ keepAlive: how === 'open', maxSockets: 16, ca: fs.readFileSync(process.env.TLS_CERT) });
let asked = 0, answers = 0;

function ask() {
	if (asked === Number(count))
		return;
	asked++;
	https.get(url, { agent }, (response) => {
		answers += response.statusCode === 200;
		response.resume().on('end', ask);
	});
}

for (let i = 0; i < 16; i++)
	ask();
process.on('exit', () => console.log(answers));

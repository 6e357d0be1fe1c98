// SPDX-License-Identifier: BSD-2-Clause
// usage: node client.js URL    asks all that tests/lib/http.sh's ASKED says, and prints it as it came
const url = process.argv[2];

async function ask(path, options = {}) {
	const response = await fetch(url + path, options);
	await response.arrayBuffer();
	console.log(options.method || 'GET', response.status);
}

(async () => {
	await ask('/small');
	await ask('/large');
	await ask('/post', { method: 'POST', body: 'x'.repeat(100000) });
	await ask('/small', { method: 'HEAD' });
	await ask('/small', { headers: { 'If-Modified-Since': new Date().toUTCString() } });
	await ask('/missing');
	await ask('/chunked');
	await ask('/small.txt', { headers: { 'Accept-Encoding': 'gzip' } });
})();

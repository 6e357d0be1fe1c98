// SPDX-License-Identifier: BSD-2-Clause
// usage: node serve.js PORT WWW
const http = require('http'), fs = require('fs'), zlib = require('zlib');
const [port, www] = process.argv.slice(2);

http.createServer((request, response) => {
	if (request.method === 'POST') {
		request.on('data', () => {}).on('end', () => response.end('thanks\n'));
	} else if (request.url === '/chunked') {
		response.write('hello');
		response.end('world');
	} else if (request.url === '/small.txt' && /gzip/.test(request.headers['accept-encoding'])) {
		response.setHeader('Content-Encoding', 'gzip');
		response.end(zlib.gzipSync('a page\n'));
	} else if (request.headers['if-modified-since']) {
		response.writeHead(304).end();
	} else if (fs.existsSync(www + request.url)) {
		response.setHeader('Content-Length', fs.statSync(www + request.url).size);
		fs.createReadStream(www + request.url).pipe(response);
	} else {
		response.writeHead(404).end('no\n');
	}
}).listen(Number(port), '::');

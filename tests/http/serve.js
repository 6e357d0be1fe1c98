// SPDX-License-Identifier: BSD-2-Clause
// usage: node serve.js PORT WWW
// With $TLS_CERT and $TLS_KEY, two files, it speaks TLS.
const http = require('http'), https = require('https'), fs = require('fs'), zlib = require('zlib');
const { TLS_CERT, TLS_KEY } = process.env;
const [port, www] = process.argv.slice(2);

function answer(request, response) {
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
}

const server = TLS_CERT
	? https.createServer({ cert: fs.readFileSync(TLS_CERT), key: fs.readFileSync(TLS_KEY) }, answer)
	: http.createServer(answer);
server.listen(Number(port), '::');

// SPDX-License-Identifier: BSD-2-Clause
// usage: java Serve.java PORT WWW

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

public class Serve {
	static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
		boolean has_body = body.length > 0 && !exchange.getRequestMethod().equals("HEAD");
		if (!has_body && body.length > 0)
			exchange.getResponseHeaders().set("Content-Length", "" + body.length);
		exchange.sendResponseHeaders(status, has_body ? body.length : -1);
		if (has_body)
			exchange.getResponseBody().write(body);
		exchange.close();
	}

	static byte[] gzip(String text) throws IOException {
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try (OutputStream out = new GZIPOutputStream(bytes)) {
			out.write(text.getBytes());
		}
		return bytes.toByteArray();
	}

	static void handle(Path www, HttpExchange exchange) throws IOException {
		String path = exchange.getRequestURI().getPath();
		String accepted = exchange.getRequestHeaders().getFirst("Accept-Encoding");
		Path file = www.resolve(path.substring(1));

		exchange.getRequestBody().readAllBytes();
		if (exchange.getRequestMethod().equals("POST")) {
			answer(exchange, 200, "thanks\n".getBytes());
		} else if (path.equals("/chunked")) {
			exchange.sendResponseHeaders(200, 0);
			exchange.getResponseBody().write("hello".getBytes());
			exchange.getResponseBody().flush();
			exchange.getResponseBody().write("world".getBytes());
			exchange.close();
		} else if (path.equals("/small.txt") && accepted != null && accepted.contains("gzip")) {
			exchange.getResponseHeaders().set("Content-Encoding", "gzip");
			answer(exchange, 200, gzip("a page\n"));
		} else if (exchange.getRequestHeaders().containsKey("If-Modified-Since")) {
			answer(exchange, 304, new byte[0]);
		} else if (Files.isRegularFile(file)) {
			answer(exchange, 200, Files.readAllBytes(file));
		} else {
			answer(exchange, 404, "no\n".getBytes());
		}
	}

	public static void main(String[] args) throws IOException {
		HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 128);
		Path www = Path.of(args[1]);
		server.createContext("/", exchange -> handle(www, exchange));
		server.start();
	}
}

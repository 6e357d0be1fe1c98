// SPDX-License-Identifier: BSD-2-Clause
// Asks over TLS that no library of the system's has a part in.
//
// usage: java Ask.java HOST PORT COUNT SECONDS
//   COUNT requests with a connection each; then, unless SECONDS is 0, one connection that is asked
//   again after that time and stays open until standard input ends.

import java.io.IOException;
import java.io.InputStream;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Ask {
	static class Anybody implements X509TrustManager {
		public void checkClientTrusted(X509Certificate[] chain, String type) {}
		public void checkServerTrusted(X509Certificate[] chain, String type) {}
		public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
	}

	static void ask(SSLSocket socket, String more) throws IOException {
		String request = "GET /small HTTP/1.1\r\nHost: web\r\n" + more + "\r\n";

		socket.getOutputStream().write(request.getBytes());
		socket.getOutputStream().flush();
	}

	public static void main(String[] args) throws Exception {
		SSLContext tls = SSLContext.getInstance("TLS");
		int port = Integer.parseInt(args[1]), count = Integer.parseInt(args[2]);
		int seconds = Integer.parseInt(args[3]);

		tls.init(null, new TrustManager[] { new Anybody() }, null);
		SSLSocketFactory sockets = tls.getSocketFactory();
		for (int i = 0; i < count; i++) {
			try (SSLSocket socket = (SSLSocket)sockets.createSocket(args[0], port)) {
				ask(socket, "Connection: close\r\n");
				socket.getInputStream().readAllBytes();
			}
		}
		if (seconds == 0)
			return;
		try (SSLSocket socket = (SSLSocket)sockets.createSocket(args[0], port)) {
			InputStream answers = socket.getInputStream();

			ask(socket, "");
			answers.read();
			Thread.sleep(1000 * seconds);
			ask(socket, "");
			answers.readNBytes(300);
			System.in.read();
		}
	}
}

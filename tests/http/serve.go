// SPDX-License-Identifier: BSD-2-Clause

// usage: serve PORT WWW, with TLS when TLS_CERT and TLS_KEY are set
package main

import (
	"compress/gzip"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	files := http.FileServer(http.Dir(os.Args[2]))
	http.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "thanks\n")
	})
	http.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		w.(http.Flusher).Flush()
		io.WriteString(w, "world")
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/small.txt" || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			files.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "a page\n")
		z.Close()
	})
	// what is not nil keeps HTTP/2 out
	s := http.Server{Addr: ":" + os.Args[1], TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	if key := os.Getenv("TLS_KEY"); key != "" {
		log.Fatal(s.ListenAndServeTLS(os.Getenv("TLS_CERT"), key))
	}
	log.Fatal(s.ListenAndServe())
}

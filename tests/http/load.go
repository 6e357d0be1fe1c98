// SPDX-License-Identifier: BSD-2-Clause

// usage: load URL COUNT GOROUTINES BODY [close]
//
// Asks COUNT times, each time on a new goroutine, whose stack grows in the midst of it, and compares what
// comes with the file BODY. "close" asks for a connection each. Trusts TLS_CERT.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

var wrong int64

func ask(client *http.Client, body []byte) {
	response, err := client.Get(os.Args[1])
	if err == nil {
		var got []byte
		got, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && !bytes.Equal(got, body) {
			err = fmt.Errorf("%d bytes that are not %s", len(got), os.Args[4])
		}
	}
	if err != nil {
		atomic.AddInt64(&wrong, 1)
		log.Print(err)
	}
}

// A frame of 1 kB each.
func deeper(frames int, work func()) byte {
	var frame [1024]byte
	if frames == 0 {
		work()
	} else {
		frame[frames] = deeper(frames-1, work)
	}
	return frame[frames/2]
}

func main() {
	count, _ := strconv.Atoi(os.Args[2])
	parallel, _ := strconv.Atoi(os.Args[3])
	body, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	trusted := x509.NewCertPool()
	pem, _ := os.ReadFile(os.Getenv("TLS_CERT"))
	trusted.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: trusted},
		MaxIdleConnsPerHost: parallel,
		DisableKeepAlives:   len(os.Args) > 5,
	}}

	var all sync.WaitGroup
	free := make(chan bool, parallel)
	for i := 0; i < count; i++ {
		frames := i % 32
		free <- true
		all.Add(1)
		go func() {
			deeper(frames, func() { ask(client, body) })
			<-free
			all.Done()
		}()
	}
	all.Wait()
	fmt.Printf("requests %d errors %d\n", count, wrong)
}

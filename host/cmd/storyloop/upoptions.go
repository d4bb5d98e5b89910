package main

import (
	"net"
	"net/url"
	"time"
)

// upOptions are what the command line says of a host.
type upOptions struct {
	addr, publicURL string
	apiToken        string // The file that holds it.
	sandbox         bool
	stories         int
	keep            time.Duration
}

// check refuses what cannot be meant, before anything is started.
func (o upOptions) check() error {
	if o.keep < 0 {
		return usageErrorf("--keep must not be less than 0")
	}
	if err := checkStories(o.stories, o.sandbox); err != nil {
		return err
	}
	if o.publicURL != "" && !callable(o.publicURL) {
		return usageErrorf("--public-url must be like https://hooks.example.com: http or https, a host, and perhaps a path")
	}
	if _, err := net.ResolveTCPAddr("tcp", o.addr); err != nil {
		return usageErrorf("--addr must be like 127.0.0.1:8080 or :8080: %w", err)
	}
	return nil
}

// callable reports whether remote services could call addresses that begin so.
func callable(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

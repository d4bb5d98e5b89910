//go:build !linux

package jq

// limitProcess does nothing: what other systems offer does not hold dependably
// with Go's runtime. The watch has to do.
func limitProcess() {}

// Package jq runs the jq programs of workflows. Their authors are strangers to the
// host: a program may take all memory there is, or nest so deep that the Go
// runtime ends the process, which nothing can catch. A [Pool] therefore runs them
// in worker processes, which the host can lose; [Serve] is such a worker. [Local]
// runs them in the host's own process, guarded as well as that can be.
//
// A program is a function of its inputs: it has no files, no environment and no
// other inputs, so that it may run again as often as one likes.
package jq

import "time"

const (
	// MaxTime bounds a program that is called with a later deadline, or none.
	MaxTime = time.Minute
	// MaxInput bounds the inputs of a program, in bytes of JSON.
	MaxInput = 32 << 20
	// MaxOutput bounds what a program gives, in bytes of JSON.
	MaxOutput = 8 << 20
	// MaxMemory bounds what a worker takes for a program, its inputs and its result
	// included, in bytes.
	MaxMemory = 384 << 20
	// maxStack bounds the worker's stack. The library is recursive where values are
	// nested; a level takes some 200 bytes.
	maxStack = 64 << 20
	// maxMessage bounds what a program says with error, in bytes.
	maxMessage = 4 << 10
)

// Package sandbox is a local Instagram: an http.Handler that speaks the Graph API of
// graph.facebook.com and graph.instagram.com, the OAuth dialogs and the resumable upload,
// and that sends signed webhooks.
//
// Meta has no test environment without a real business account, so whoever builds on
// Instagram can build against this one. Mount it with httptest.NewServer in a Go test, or
// serve it on loopback and drive it from any language: Meta's API is where Meta has it, and
// everything that only an outsider, time or bad luck can do (write a comment, let a day
// pass, lose an answer) is under /__sandbox/.
//
// # Hosts
//
// A request is for the host that its Host header names; behind a loopback address the host
// is the first part of the path (/graph.instagram.com/v25.0/me), and without one it is
// graph.facebook.com. URLs in answers (paging.next, upload URIs) lead back the same way.
//
// # What it knows
//
// The state is a World: a small one by code (Seed), or one from a JSON file (LoadWorld). Ids
// and times are deterministic, and time stands still until a Clock is told otherwise. Where
// Meta's documents leave something open, the sandbox takes the strict reading.
package sandbox

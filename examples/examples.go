// Package examples holds workflow documents that people can start from. Every one
// is run by a test.
package examples

import "embed"

// FS holds the documents.
//
//go:embed *.yaml
var FS embed.FS

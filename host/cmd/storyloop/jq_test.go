package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The program would end the process it runs in.
func TestInvoke_JQOutsideOfTheHost(t *testing.T) {
	got := storyloop(t, "invoke", "transform", "jq", "--input", `{"program":"reduce range(1e6) as $i (0; [.]) | tojson"}`)
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.stderr, "the program nests values, or recurses, too deep")
	got = storyloop(t, "invoke", "transform", "jq", "--input", `{"program":".id","inputs":{"id":17841405726653027}}`)
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Contains(t, got.stdout, "17841405726653027")
}

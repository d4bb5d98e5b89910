package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMutations_OneThingIsWrongInEach(t *testing.T) {
	t.Parallel()
	schema := `{"type":"object","additionalProperties":false,"required":["id","list"],"properties":{
		"id":{"type":"string","maxLength":3},
		"kind":{"type":"string","enum":["a"]},
		"size":{"type":["integer","null"],"minimum":1,"maximum":9},
		"any":{},
		"list":{"type":"array","items":{"$ref":"#/$defs/item"}}},
		"$defs":{"item":{"type":"object","additionalProperties":false,"required":["a/b"],"properties":{"a/b":{"type":"boolean"}}}}}`
	good := `{"id":"1","list":[{"a/b":true}]}`
	all, err := mutations([]byte(schema), []byte(good))
	require.NoError(t, err)
	want := map[string]string{
		"with the unknown property /no_such_property": `/no_such_property {"id":"1","list":[{"a/b":true}],"no_such_property":1}`,
		"without /id":                                        `/id {"list":[{"a/b":true}]}`,
		"with another type at /id":                           `/id {"id":{},"list":[{"a/b":true}]}`,
		"with a text that is too long at /id":                `/id {"id":"xxxx","list":[{"a/b":true}]}`,
		"with another type at /kind":                         `/kind {"id":"1","list":[{"a/b":true}],"kind":{}}`,
		"with none of the choices at /kind":                  `/kind {"id":"1","list":[{"a/b":true}],"kind":"no_such_choice"}`,
		"with another type at /size":                         `/size {"id":"1","list":[{"a/b":true}],"size":{}}`,
		"with a number that is too large at /size":           `/size {"id":"1","list":[{"a/b":true}],"size":10}`,
		"with a number that is too small at /size":           `/size {"id":"1","list":[{"a/b":true}],"size":0}`,
		"without /list":                                      `/list {"id":"1"}`,
		"with another type at /list":                         `/list {"id":"1","list":{}}`,
		"with the unknown property /list/0/no_such_property": `/list/0/no_such_property {"id":"1","list":[{"a/b":true,"no_such_property":1}]}`,
		"without /list/0/a~1b":                               `/list/0/a~1b {"id":"1","list":[{}]}`,
		"with another type at /list/0/a~1b":                  `/list/0/a~1b {"id":"1","list":[{"a/b":{}}]}`,
	}
	assert.Len(t, all, len(want))
	for _, m := range all {
		pointer, input, _ := strings.Cut(want[m.what], " ")
		assert.Equal(t, pointer, m.pointer, m.what)
		assert.JSONEq(t, input, string(m.input), m.what)
	}
}

func TestMutations_WhatAnAlternativeAllowsIsLeftOut(t *testing.T) {
	t.Parallel()
	all, err := mutations([]byte(`{"type":"object","properties":{"id":{"anyOf":[{"type":"string"},{"type":"object"}]}}}`), []byte(`{"id":"1"}`))
	require.NoError(t, err)
	assert.Empty(t, all)
}

func TestLeaks_AnEncodedSecretIsFound(t *testing.T) {
	t.Parallel()
	l := &leaks{secrets: []string{"s3cr3t & more!"}}
	for _, text := range []string{
		`{"token":"s3cr3t & more!"}`,
		"https://x/?token=s3cr3t+%26+more%21",
		"73336372337420", // Only a part of it.
		"7333637233742026206d6f726521",
		"czNjcjN0ICYgbW9yZSE=",         // By itself.
		"dXNlcjpzM2NyM3QgJiBtb3JlIQ==", // Behind "user:".
	} {
		assert.Equal(t, text != "73336372337420", l.in(text), text)
	}
	assert.False(t, l.in(""))
	assert.False(t, l.in("nothing of the kind"))
}

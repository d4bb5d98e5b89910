package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/storyloop/storyloop/schemas/validate"
)

// idempotencyHeader says by which id a run is known, as a body's property does.
const idempotencyHeader = "Idempotency-Key"

// runID returns the id that a request gives its run in the header or in the body;
// empty if in neither. The key may stand in quotes, as a string of RFC 8941.
func runID(header http.Header, id string) (string, *Problem) {
	const longest = 200
	given := header.Values(idempotencyHeader)
	if len(given) == 0 {
		return id, nil
	}
	if len(given) > 1 {
		return "", invalidRequest.problemf("the header %s stands there twice: give one", idempotencyHeader)
	}
	key := given[0]
	if len(key) > 1 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	switch {
	case key == "" || len(key) > longest || strings.ContainsFunc(key, notInID):
		return "", invalidRequest.problemf("the header %s must have from 1 to %d letters, digits and - _ . : @", idempotencyHeader, longest)
	case id != "" && id != key:
		return "", invalidRequest.at("/id", "the header %s says %q, and the body %q: give one of them, or the same", idempotencyHeader, key, id)
	}
	return key, nil
}

func notInID(c rune) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	return !letter && !(c >= '0' && c <= '9') && !strings.ContainsRune("-_.:@", c)
}

// sameJSON reports whether a stored trigger is what a request gives.
func sameJSON(stored, given json.RawMessage) bool {
	if len(given) == 0 {
		given = json.RawMessage("{}")
	}
	if bytes.Equal(stored, given) {
		return true
	}
	a, errA := validate.Decode(stored)
	b, errB := validate.Decode(given)
	return errA == nil && errB == nil && reflect.DeepEqual(a, b)
}

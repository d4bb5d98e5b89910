package sandbox_test

import (
	"reflect"
	"strings"
)

// jsonNames are the names of a struct's members in JSON.
func jsonNames(body any) []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(body)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

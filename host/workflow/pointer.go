package workflow

import (
	"strconv"
	"strings"
)

var (
	pointerEscaper   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// join appends a token to a JSON Pointer.
func join(pointer, token string) string { return pointer + "/" + pointerEscaper.Replace(token) }

func unescapePointer(token string) string { return pointerUnescaper.Replace(token) }

func itoa(i int) string { return strconv.Itoa(i) }

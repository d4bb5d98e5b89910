package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExponent bounds the exponent of a number. The checks calculate exactly, and
// a number such as 1e999999999 would take all memory.
const maxExponent = 400

// maxDigits bounds the length of a number, for the same reason: a million digits
// take minutes.
const maxDigits = 10_000

// SyntaxError says where a text is not JSON. It does not quote the text.
type SyntaxError struct {
	Line, Column int // From 1.
	Message      string
}

// Error returns the place and the message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON: line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Decode reads a text that is one JSON value, in UTF-8. Numbers stay text, as
// json.Number, so that ids keep all their digits.
func Decode(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, syntaxError(text, invalidAt(text), "the text is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			return nil, syntaxError(text, int(syntax.Offset)-1, syntax.Error())
		case errors.Is(err, io.EOF):
			return nil, syntaxError(text, len(text), "the text is empty")
		default:
			return nil, syntaxError(text, len(text), "the text ends too early")
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, syntaxError(text, int(d.InputOffset()), "something follows the value")
	}
	if !moderate(value) {
		return nil, syntaxError(text, 0, fmt.Sprintf("a number has more than %d digits, or an exponent beyond %d", maxDigits, maxExponent))
	}
	return value, nil
}

// Syntax returns the error that [Decode] would, and nil for all texts that it takes.
// It builds nothing of nearly all of those: a list of a hundred thousand ids takes ten
// times its size when it is decoded.
func Syntax(text []byte) error {
	if anything().fits(text) {
		return nil
	}
	_, err := Decode(text)
	return err
}

func syntaxError(text []byte, offset int, message string) *SyntaxError {
	before := text[:min(max(offset, 0), len(text))]
	return &SyntaxError{
		Line:    bytes.Count(before, []byte("\n")) + 1,
		Column:  utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
		Message: message,
	}
}

func invalidAt(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// moderate reports whether all numbers in value can be calculated with.
func moderate(value any) bool {
	switch v := value.(type) {
	case json.Number:
		if len(v) > maxDigits {
			return false
		}
		_, exponent, found := strings.Cut(strings.ToLower(string(v)), "e")
		if !found {
			return true
		}
		n, err := strconv.Atoi(exponent)
		return err == nil && n >= -maxExponent && n <= maxExponent
	case []any:
		for _, item := range v {
			if !moderate(item) {
				return false
			}
		}
	case map[string]any:
		for _, member := range v {
			if !moderate(member) {
				return false
			}
		}
	}
	return true
}

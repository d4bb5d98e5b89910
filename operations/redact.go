package operations

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/storyloop/storyloop/operations/graph"
)

const hiddenValue = "[secret]"

// withoutSecrets returns a body as JSON without tokens in it: values of properties
// that hold one are masked, and URLs such as paging.next lose theirs. All else
// stays as it is, digit for digit. A body that is no JSON becomes a string.
func withoutSecrets(body []byte, tokens ...string) (json.RawMessage, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return json.RawMessage("null"), nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	r := redactor{tokens: tokens, in: d}
	if err := r.value(""); err != nil || d.More() {
		r.out.Reset()
		if err := r.write(r.clean("", strings.ToValidUTF8(string(body), string(utf8.RuneError)))); err != nil {
			return nil, err
		}
	}
	return r.out.Bytes(), nil
}

// redactor copies JSON token by token, so that order and digits survive.
type redactor struct {
	tokens []string
	in     *json.Decoder
	out    bytes.Buffer
}

func (r *redactor) value(name string) error {
	token, err := r.in.Token()
	if err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		return r.compound(t)
	case string:
		return r.write(r.clean(name, t))
	default:
		if secretName(name) && token != nil {
			token = hiddenValue
		}
		return r.write(token)
	}
}

func (r *redactor) compound(open json.Delim) error {
	r.out.WriteString(open.String())
	for first := true; r.in.More(); first = false {
		if !first {
			r.out.WriteByte(',')
		}
		name := ""
		if open == '{' {
			token, err := r.in.Token()
			if err != nil {
				return fmt.Errorf("reading JSON: %w", err)
			}
			name = token.(string)
			if err := r.write(r.clean("", name)); err != nil {
				return err
			}
			r.out.WriteByte(':')
		}
		if err := r.value(name); err != nil {
			return err
		}
	}
	end, err := r.in.Token()
	if err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	r.out.WriteString(end.(json.Delim).String())
	return nil
}

func (r *redactor) write(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	r.out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

// clean takes the secrets out of one string.
func (r *redactor) clean(name, s string) string {
	if secretName(name) {
		return hiddenValue
	}
	if strings.Contains(s, "://") && strings.Contains(s, "?") {
		s = withoutSecretParams(s)
	}
	for _, token := range r.tokens {
		if token != "" {
			s = strings.ReplaceAll(s, token, hiddenValue)
			s = strings.ReplaceAll(s, url.QueryEscape(token), hiddenValue)
		}
	}
	return s
}

// secretName reports whether a property holds a secret. "code" is one in a request
// of a sign-in, but a plain number or word in an answer.
func secretName(name string) bool { return graph.SecretParam(name) && name != "code" }

func withoutSecretParams(s string) string {
	address, query, _ := strings.Cut(s, "?")
	kept := make([]string, 0, 4)
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil && graph.SecretParam(plain) {
			continue
		}
		kept = append(kept, part)
	}
	if len(kept) == 0 {
		return address
	}
	return address + "?" + strings.Join(kept, "&")
}

package plugin

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// secrets knows what a connector was given in confidence, so that it can be taken
// out of whatever the connector says.
type secrets struct {
	fields sync.Map // By descriptor of a message: those of its fields that lead to secrets.

	mu sync.RWMutex
	// Guarded by mu.
	known    map[string][]string // Raw field -> what must not be seen of it.
	order    []string            // Raw fields, oldest first.
	replacer *strings.Replacer   // Nil until needed after a change.
}

const (
	secretsKept = 256 // Fields of so many accounts and apps are remembered.
	secretMin   = 4   // Shorter values are words of everyday use.
	secretMask  = "[secret]"
)

// learn remembers all fields of a message that are marked debug_redact. It knows where
// that is in what a loop sends again and again: to look costs a tenth of such a call.
func (s *secrets) learn(m proto.Message) {
	if r, ok := m.(*connectorv1.InvokeRequest); ok {
		s.add(r.GetCall().GetCredential().GetSecret())
		return
	}
	s.each(m.ProtoReflect(), s.add)
}

func (s *secrets) each(m protoreflect.Message, secret func([]byte)) {
	for _, f := range s.confidential(m.Descriptor()) {
		switch {
		case !m.Has(f):
		case f.Kind() == protoreflect.MessageKind:
			s.each(m.Get(f).Message(), secret)
		default:
			secret(m.Get(f).Bytes())
		}
	}
}

// confidential returns the fields of a message that are secrets, or may hold some.
// To look at all fields of each call would cost more than the call. No message of
// the protocol holds itself.
func (s *secrets) confidential(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if known, ok := s.fields.Load(m); ok {
		return known.([]protoreflect.FieldDescriptor)
	}
	var found []protoreflect.FieldDescriptor
	for i := range m.Fields().Len() {
		switch f := m.Fields().Get(i); {
		case f.IsList() || f.IsMap():
			// No list of the protocol holds a secret.
		case f.Kind() == protoreflect.MessageKind && len(s.confidential(f.Message())) > 0,
			f.Kind() == protoreflect.BytesKind && redacted(f):
			found = append(found, f)
		}
	}
	s.fields.Store(m, found)
	return found
}

func redacted(f protoreflect.FieldDescriptor) bool {
	o, ok := f.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

func (s *secrets) add(raw []byte) {
	if len(raw) < secretMin {
		return
	}
	s.mu.RLock()
	_, ok := s.known[string(raw)]
	s.mu.RUnlock()
	if ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string][]string{}
	}
	if _, ok := s.known[string(raw)]; ok {
		return
	}
	if len(s.order) == secretsKept {
		delete(s.known, s.order[0])
		s.order = slices.Delete(s.order, 0, 1)
	}
	s.known[string(raw)] = spellings(raw)
	s.order = append(s.order, string(raw))
	s.replacer = nil
}

// clean takes all known secrets out of a text.
func (s *secrets) clean(text string) string {
	s.mu.RLock()
	r := s.replacer
	s.mu.RUnlock()
	if r == nil {
		r = s.build()
	}
	return r.Replace(text)
}

func (s *secrets) build() *strings.Replacer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replacer != nil {
		return s.replacer
	}
	var all []string
	for _, spelled := range s.known {
		all = append(all, spelled...)
	}
	// The longest first: one secret may begin with another.
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	all = slices.Compact(all)
	pairs := make([]string, 0, 2*len(all))
	for _, v := range all {
		pairs = append(pairs, v, secretMask)
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s.replacer
}

// spellings returns the values in a secret field, which is JSON or a query
// string, in all the ways in which they are likely to be printed.
func spellings(raw []byte) []string {
	values := []string{string(raw)}
	if leaves, ok := jsonLeaves(raw); ok {
		values = append(values, leaves...)
	} else if q, err := url.ParseQuery(string(raw)); err == nil {
		for _, vs := range q {
			values = append(values, vs...)
		}
	}
	// How Go prints bytes: as base64 in JSON, else as numbers or in hex.
	out := []string{
		base64.StdEncoding.EncodeToString(raw),
		strings.Trim(fmt.Sprint(raw), "[]"),
		hex.EncodeToString(raw),
	}
	for _, v := range values {
		if harmless(v) {
			continue
		}
		quoted := strconv.Quote(v)
		escaped, err := json.Marshal(v)
		if err != nil {
			escaped = []byte(quoted)
		}
		for _, s := range []string{v, quoted[1 : len(quoted)-1], string(escaped[1 : len(escaped)-1]), url.QueryEscape(v), url.PathEscape(v)} {
			if len(s) >= secretMin {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// harmless reports whether a value beside a secret is none itself: an id, or a
// word such as the name of a login. To mask those would mask examples and the
// names of hosts.
func harmless(v string) bool {
	digits := strings.Trim(v, "0123456789") == ""
	word := len(v) < 12 && strings.Trim(v, "abcdefghijklmnopqrstuvwxyz_") == ""
	return digits || word
}

// jsonLeaves returns the strings and numbers in a JSON text.
func jsonLeaves(raw []byte) (leaves []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			leaves = append(leaves, v)
		case json.Number:
			leaves = append(leaves, v.String())
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return leaves, true
}

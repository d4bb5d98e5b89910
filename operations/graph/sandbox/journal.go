package sandbox

import (
	"encoding/binary"
	"maps"
	"sort"
	"strings"
	"time"
)

// journalSize is how many requests the journal keeps; counts go on beyond it.
const journalSize = 20_000

// maxCounted bounds how many routes are counted: calls that lead nowhere are named by their
// path.
const maxCounted = 10_000

// maxParamText bounds what the journal keeps of one parameter.
const maxParamText = 64 << 10

// A Request is one call that came in. Secrets in its parameters are replaced by what they
// are, such as <page token>.
type Request struct {
	Seq     int       `json:"seq"`
	At      time.Time `json:"at"` // sandbox time
	Method  string    `json:"method"`
	Host    string    `json:"host"`
	Version string    `json:"version,omitempty"` // as sent; empty when the path had none
	Path    string    `json:"path"`              // without host and version
	// Route names the operation, such as "GET /{ig-user}/stories"; a call that was refused
	// before that was known, as for a dead token, has method and path here.
	Route   string            `json:"route"`
	Params  map[string]string `json:"params,omitempty"`
	Token   string            `json:"token,omitempty"` // what the token is, never the token
	Auth    string            `json:"auth,omitempty"`  // bearer, oauth or parameter: how the token came
	Status  int               `json:"status"`          // 0: no answer was sent
	Code    int               `json:"code,omitempty"`  // of an error answer
	Subcode int               `json:"subcode,omitempty"`
	Fault   string            `json:"fault,omitempty"` // the fault that struck
	Batch   bool              `json:"batch,omitempty"` // came inside a batch
}

// entry is a Request as it is kept: with its parameters as they came, packed into one text,
// since most requests are never looked at and both redaction and many small objects cost.
type entry struct {
	Request
	packed string
}

type journal struct {
	entries []entry // a ring once it is full
	next    int     // index of the oldest entry then
	seq     int
	counts  map[string]int // by route
}

func (j *journal) add(r Request, p params) {
	j.seq++
	r.Seq = j.seq
	if _, known := j.counts[r.Route]; known || len(j.counts) < maxCounted {
		j.counts[r.Route]++
	}
	e := entry{r, p.pack()}
	if len(j.entries) < journalSize {
		j.entries = append(j.entries, e)
		return
	}
	j.entries[j.next] = e
	j.next = (j.next + 1) % journalSize
}

// pack writes the parameters' names and last values into one text, each after its length.
func (p params) pack() string {
	size := 0
	for key := range p {
		size += 2*binary.MaxVarintLen32 + len(key) + min(len(p.get(key)), maxParamText)
	}
	b := make([]byte, 0, size)
	for key := range p {
		value := p.get(key)
		value = value[:min(len(value), maxParamText)]
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		b = append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	return string(b)
}

func unpack(packed string) map[string]string {
	out := map[string]string{}
	b := []byte(packed)
	next := func() string {
		n, width := binary.Uvarint(b)
		text := string(b[width : width+int(n)])
		b = b[width+int(n):]
		return text
	}
	for len(b) > 0 {
		key := next()
		out[key] = next()
	}
	return out
}

// Requests returns what came in, oldest first: the last 20,000 calls.
func (s *Sandbox) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &s.journal
	list := make([]Request, 0, len(j.entries))
	hide := s.redactor()
	for i := range j.entries {
		e := j.entries[(j.next+i)%len(j.entries)]
		r := e.Request
		r.Params = hide.params(unpack(e.packed))
		r.Path = hide.text(r.Path)
		list = append(list, r)
	}
	return list
}

// Counts returns how many calls came in for each route since the start or the last Reset.
func (s *Sandbox) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.journal.counts)
}

// Count returns how many calls came in for a route such as "GET /{ig-user}/stories".
func (s *Sandbox) Count(route string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.counts[route]
}

// ClearRequests empties the journal and its counts.
func (s *Sandbox) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = journal{counts: map[string]int{}}
}

// secretParams are never kept as they came, known value or not.
var secretParams = map[string]string{
	"access_token": "token", "input_token": "token", "fb_exchange_token": "token",
	"client_secret": "app secret", "appsecret_proof": "proof", "code": "code", "verify_token": "verify token",
}

type redactor struct{ replace *strings.Replacer }

// redactor knows every secret of this world and what to write in its place.
func (s *Sandbox) redactor() redactor {
	secrets := map[string]string{
		s.app.Secret: "<app secret>", s.app.InstagramSecret: "<instagram app secret>",
		s.app.ID + "|" + s.app.Secret: "<app token>", s.app.InstagramID + "|" + s.app.InstagramSecret: "<app token>",
	}
	for value, t := range s.st.tokens {
		secrets[value] = "<" + t.describe() + ">"
	}
	for value := range s.st.codes {
		secrets[value] = "<code>"
	}
	// Longer first: one secret may be the beginning of another.
	values := make([]string, 0, len(secrets))
	for v := range secrets {
		if v != "" {
			values = append(values, v)
		}
	}
	sort.Slice(values, func(i, k int) bool {
		return len(values[i]) > len(values[k]) || len(values[i]) == len(values[k]) && values[i] < values[k]
	})
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, secrets[v])
	}
	return redactor{strings.NewReplacer(pairs...)}
}

func (r redactor) text(s string) string { return r.replace.Replace(s) }

func (r redactor) params(p map[string]string) map[string]string {
	for key, value := range p {
		hidden := r.text(value)
		if what := secretParams[key]; what != "" && hidden == value {
			hidden = "<unknown " + what + ">"
			if key == "appsecret_proof" || key == "verify_token" {
				hidden = "<" + what + ">"
			}
		}
		p[key] = hidden
	}
	return p
}

// describe says what a token is without saying the token.
func (t *Token) describe() string {
	switch t.Kind {
	case PageToken:
		return "page token " + t.PageID
	case InstagramToken:
		return "instagram token " + t.AccountID
	case AppToken:
		return "app token"
	}
	return "user token " + t.UserID
}

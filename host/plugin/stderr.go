package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// journal takes what a connector writes, line by line, into the host's log, and
// remembers the last lines for the case that they were its last words. It takes
// anything at any speed: a connector must never wait for its log.
type journal struct {
	log     *slog.Logger
	now     func() time.Time
	secrets *secrets

	mu sync.Mutex
	// Guarded by mu.
	last    []string // The last lines, oldest first.
	cause   string   // The line that began a panic.
	tokens  float64  // Lines that may be logged now.
	filled  time.Time
	dropped int
}

const (
	lineRead   = 64 << 10 // More of a line is thrown away.
	lineKept   = 4 << 10  // More of a line is not logged. Less than lineRead, so that no secret is cut in two before it is seen.
	linesKept  = 20
	linesBurst = 1000 // Lines that may be logged at once...
	linesRate  = 200  // ...and each second in the long run.
)

func newJournal(log *slog.Logger, now func() time.Time, s *secrets) *journal {
	return &journal{log: log, now: now, secrets: s, tokens: linesBurst, filled: now()}
}

// writer returns a writer for one stream of the connector.
func (j *journal) writer() *lines { return &lines{each: j.line} }

func (j *journal) line(raw []byte) {
	text := clip(j.secrets.clean(strings.ToValidUTF8(string(raw), "\uFFFD")))
	if strings.TrimSpace(text) == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.last) == linesKept {
		j.last = slices.Delete(j.last, 0, 1)
	}
	j.last = append(j.last, text)
	if j.cause == "" && isPanic(text) {
		j.cause = text
	}
	if !j.mayLog() {
		j.dropped++
		return
	}
	if j.dropped > 0 {
		j.log.Warn("connector writes too much; lines were dropped", "lines", j.dropped)
		j.dropped = 0
	}
	level, msg, attrs := parseLine(text)
	if j.cause != "" && level < slog.LevelError {
		level = slog.LevelError // Everything after a panic is its trace.
	}
	j.log.LogAttrs(context.Background(), level, msg, attrs...)
}

// mayLog takes a token from the bucket, if there is one.
func (j *journal) mayLog() bool {
	now := j.now()
	j.tokens = min(linesBurst, j.tokens+now.Sub(j.filled).Seconds()*linesRate)
	j.filled = now
	if j.tokens < 1 {
		return false
	}
	j.tokens--
	return true
}

// lastWords returns the last lines, and before them the one that began a panic.
// Secrets are gone from them.
func (j *journal) lastWords() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	words := slices.Clone(j.last)
	if j.cause != "" && !slices.Contains(words, j.cause) {
		words = append([]string{j.cause}, words...)
	}
	for i, w := range words {
		words[i] = j.secrets.clean(w) // It may have become known as a secret since.
	}
	return words
}

// end reports what was dropped and not reported yet.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dropped > 0 {
		j.log.Warn("connector wrote too much; lines were dropped", "lines", j.dropped)
		j.dropped = 0
	}
}

func isPanic(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// parseLine understands the JSON lines of hclog. Anything else is a line for
// whoever debugs the connector.
func parseLine(text string) (slog.Level, string, []slog.Attr) {
	var fields map[string]json.RawMessage
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &fields) != nil {
		return slog.LevelDebug, "connector wrote", []slog.Attr{slog.String("line", text)}
	}
	var msg, name string
	if json.Unmarshal(fields["@message"], &msg) != nil || json.Unmarshal(fields["@level"], &name) != nil {
		return slog.LevelDebug, "connector wrote", []slog.Attr{slog.String("line", text)}
	}
	var attrs []slog.Attr
	for k, v := range fields {
		if k == "@message" || k == "@level" {
			continue
		}
		attrs = append(attrs, slog.String(strings.TrimPrefix(k, "@"), plain(v)))
	}
	slices.SortFunc(attrs, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	// In a group, a connector's names cannot be mistaken for the host's.
	return level(name), msg, []slog.Attr{{Key: "log", Value: slog.GroupValue(attrs...)}}
}

// plain returns a string's text, and any other JSON as it is.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

func level(name string) slog.Level {
	switch name {
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelDebug
}

func clip(s string) string {
	if len(s) <= lineKept {
		return s
	}
	return strings.ToValidUTF8(s[:lineKept], "") + " [cut]"
}

// lines cuts a stream into lines.
type lines struct {
	each func([]byte)

	buf []byte
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		head, rest, ended := bytes.Cut(p, []byte("\n"))
		l.buf = append(l.buf, head[:min(len(head), lineRead-len(l.buf))]...)
		if !ended {
			return n, nil
		}
		l.each(bytes.TrimSuffix(l.buf, []byte("\r")))
		l.buf, p = l.buf[:0], rest
	}
}

// flush ends a last line that has no end.
func (l *lines) flush() {
	if len(l.buf) > 0 {
		l.each(l.buf)
		l.buf = nil
	}
}

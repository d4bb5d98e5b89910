package plugin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// FuzzJournal: whatever a connector writes and however it arrives, the host
// lives, no line is longer than it may be, and the secret is not to be seen.
func FuzzJournal(f *testing.F) {
	for _, seed := range []string{"", "\n", "\r\n\r", `{"@message":1}`, `{"@level":"info","@message":"m","x":[1,2]}`, "panic: \xff\ngoroutine 1", "top-secret-value\n", `{"@message":"\ud800"}`} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		var out bytes.Buffer
		s := &secrets{}
		s.add([]byte(`{"token":"top-secret-value"}`))
		j := newJournal(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), time.Now, s)
		w := j.writer()
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(step)+1)
			if got, err := w.Write(rest[:n]); got != n || err != nil {
				t.Fatalf("Write returned %d, %v", got, err)
			}
			rest = rest[n:]
		}
		w.flush()
		j.end()
		assert.NotContains(t, out.String(), "top-secret-value")
		for _, l := range j.lastWords() {
			assert.LessOrEqual(t, len(l), lineKept+len(" [cut]"))
			assert.NotContains(t, l, "\n")
		}
	})
}

func TestJournal_RemembersWhereAPanicBegan(t *testing.T) {
	t.Parallel()
	j := newJournal(slog.New(slog.DiscardHandler), time.Now, &secrets{})
	w := j.writer()
	_, _ = w.Write([]byte("panic: the cause\n" + strings.Repeat("frame\n", 100)))
	words := j.lastWords()
	assert.Len(t, words, linesKept+1)
	assert.Equal(t, "panic: the cause", words[0])
}

func TestSecrets_ForgetsTheOldestFirst(t *testing.T) {
	t.Parallel()
	s := &secrets{}
	for i := range secretsKept + 1 {
		s.add([]byte(strings.Repeat("k", 5+i) + "!"))
	}
	assert.Equal(t, "kkkkk!", s.clean("kkkkk!"))
	assert.Equal(t, secretMask, s.clean("kkkkkk!"))
	assert.Len(t, s.known, secretsKept)
}

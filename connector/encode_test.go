package connector_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
)

// What a handler passes on as it came is written as it would be within a struct.
func TestEncode_WhatCameAsJSON(t *testing.T) {
	t.Parallel()
	for _, raw := range []json.RawMessage{
		nil, {}, json.RawMessage(`{`), json.RawMessage(`{} {}`), json.RawMessage(" { \"id\" : 17841405726653027,\n\"caption\":\"<3 & \\u2764 \u2028 \\/ \"} "),
	} {
		got, err := connector.Encode(raw)
		within, wrong := connector.Encode(struct{ V json.RawMessage }{raw})
		if wrong != nil {
			require.Error(t, err, "%q", raw)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, string(within), `{"V":`+string(got)+`}`)
	}
}

func TestCallLogger_WritesTheCallAsWithDoes(t *testing.T) {
	t.Parallel()
	write := func(bind func(*slog.Logger) *slog.Logger) string {
		var b bytes.Buffer
		l := bind(slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		l.Debug("not written")
		l.InfoContext(t.Context(), "said", "pages", 3)
		l.With("a", 1).WithGroup("g").Warn("said", "b", 2)
		l.WithGroup("g").With("a", 1).Error("said", "b", 2)
		return b.String()
	}
	got := write(func(l *slog.Logger) *slog.Logger { return connector.CallLogger(l, "call-1") })
	assert.Equal(t, write(func(l *slog.Logger) *slog.Logger { return l.With("call", "call-1") }), got)
	assert.Contains(t, got, `"call":"call-1"`)
}

func FuzzEncode_WritesJSONAsCompactDoes(f *testing.F) {
	for _, raw := range []string{
		`{"id":17841405726653027,"caption":"a b"}`, `{"id": 1}`, "[1,\n2]", `{"a":"\" "} `, `"\\" `, `"\\\" "`, `{"a":"\`, `{} {}`, ` `, "\"\u2028\"", "\"\xff\"", "\v1",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want bytes.Buffer
		wrong := json.Compact(&want, raw)
		got, err := connector.Encode(json.RawMessage(raw))
		require.Equal(t, wrong == nil, err == nil)
		if err == nil {
			require.Equal(t, want.String(), string(got))
		}
	})
}

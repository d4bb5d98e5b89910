package plugin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestLog_NoLineHarmsTheHost(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	for _, line := range []string{
		`{"@message":1}`,
		`{"@message":"m","@level":7}`,
		`{"@message":{"@message":null},"@level":"info","@timestamp":12}`,
		`{"@message":"m","@level":"info","@timestamp":"yesterday"}`,
		`{"@level":"info"`,
		`{}`, `null`, `[`, `"`,
		"\x00\xff\xfe\x1b[31m",
		`{"a":` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + `}`,
	} {
		require.Nil(t, invoke(context.Background(), c, "say", line).GetFailure(), "%.40q", line)
	}
	invoke(context.Background(), c, "say", "the last line")
	log.await(t, "the last line")
	log.await(t, "@message")
	assert.Equal(t, 1, c.Status().Starts)
}

func TestLog_KeepsLevelsAndLongNumbers(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	for level, want := range map[string]string{"trace": "DEBUG", "debug": "DEBUG", "info": "INFO", "warn": "WARN", "error": "ERROR", "?": "DEBUG"} {
		invoke(context.Background(), c, "say", fmt.Sprintf(`{"@level":%q,"@message":"it is %s","@timestamp":"2026-01-02T03:04:05.000000Z","id":17841405726653027}`, level, level))
		log.await(t, fmt.Sprintf(`level=%s msg="it is %s"`, want, level))
	}
	log.await(t, "log.id=17841405726653027")
	log.await(t, "log.timestamp=2026-01-02T03:04:05.000000Z")
	invoke(context.Background(), c, "say", "plain words")
	log.await(t, `level=DEBUG msg="connector wrote" connector=plugin.test line="plain words"`)
}

func TestLog_HasWhatIsPrintedWhileServing(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	invoke(context.Background(), c, "tell", `{}`)
	log.await(t, "told out loud")
	log.await(t, "told in a whisper")
}

func TestLog_FloodIsCut(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	clock := newClock() // No time passes, so there is but the burst.
	cfg.Clock = clock
	c := open(t, cfg)
	require.Nil(t, invoke(context.Background(), c, "flood", `{}`).GetFailure())
	require.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	require.NoError(t, c.Close(context.Background()))
	log.await(t, "lines were dropped")
	assert.LessOrEqual(t, strings.Count(log.String(), "\n"), 1100)
	assert.Less(t, len(log.String()), 1<<20)
}

func TestLog_GoesOnAfterAFlood(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	clock := newClock()
	cfg.Clock = clock
	c := open(t, cfg)
	invoke(context.Background(), c, "flood", `{}`)
	// The pipe may still hold lines of the flood; time is given until it is empty.
	for !strings.Contains(log.String(), "dry land") {
		clock.advance(time.Second)
		require.Nil(t, invoke(within(t, time.Minute), c, "say", "dry land").GetFailure())
	}
	log.await(t, "connector writes too much; lines were dropped")
}

func TestLog_HasNoSecrets(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	escaped, err := json.Marshal(marker)
	require.NoError(t, err)
	raw := `{"token":"` + marker + `"}`
	for _, spelled := range []string{
		marker, raw, string(escaped), url.QueryEscape(marker), url.PathEscape(marker),
		base64.StdEncoding.EncodeToString([]byte(raw)), fmt.Sprint([]byte(raw)), fmt.Sprintf("%x", raw), fmt.Sprintf("%q", raw),
		`{"@level":"error","@message":"bad token ` + marker + `","url":"https://x.test/?t=` + url.QueryEscape(marker) + `"}`,
		strings.Repeat("x", 4090) + marker, // Where a long line is cut.
	} {
		invoke(context.Background(), c, "say", "here: "+spelled)
	}
	invoke(context.Background(), c, "say", "the last line")
	log.await(t, "the last line")
	for _, part := range []string{"marker", "EAAB", base64.StdEncoding.EncodeToString([]byte(raw))[:12], fmt.Sprintf("%x", "marker"), "109 97 114 107 101 114"} {
		assert.NotContains(t, log.String(), part)
	}
	assert.Contains(t, log.String(), "[secret]")
}

func TestFailure_HasNoSecrets(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "leak", `{}`).GetFailure()
	assert.Equal(t, "refused [secret]", f.GetMessage())
	assert.NotContains(t, f.String(), "marker")

	_, err := c.Receive(context.Background(), &connectorv1.ReceiveRequest{
		App: &connectorv1.App{Config: []byte(`{"client_id":"app-1","secrets":["` + marker + `"]}`)}, Body: []byte("exit"),
	})
	var callErr *plugin.CallError
	require.ErrorAs(t, err, &callErr)
	assert.Contains(t, callErr.Failure.GetDiagnostics()[0].GetDetail(), "app is [secret]")
	assert.NotContains(t, callErr.Failure.String(), "marker")
	log.await(t, "connector stopped")
	assert.NotContains(t, log.String(), "marker")
}

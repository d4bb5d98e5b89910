package http_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/apitest"
)

// quiet is an API over an engine with one run that nobody goes on with.
func quiet(t *testing.T, closing chan struct{}) http.Handler {
	t.Helper()
	store := host.NewMemory()
	require.NoError(t, store.PutDefinition(t.Context(), host.Definition{Name: "w", Version: "1", Document: []byte("{}")}))
	_, _, err := store.CreateRun(t.Context(), host.Run{ID: "asleep", Workflow: "w", Version: "1", State: host.RunWaiting, CreatedAt: time.Unix(1, 0)})
	require.NoError(t, err)
	engine := host.NewEngine(host.Setup{Store: store, Connectors: host.ConnectorList{}})
	t.Cleanup(func() { assert.NoError(t, engine.Close(context.WithoutCancel(t.Context()))) })
	api, err := (&hosthttp.API{Engine: engine, Closing: closing, Heartbeat: 20 * time.Millisecond}).Handler()
	require.NoError(t, err)
	return api
}

func TestEvents_AQuietStreamShowsThatItIsAlive(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(quiet(t, nil))
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	srv.Start()
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/api/v1/runs/asleep/events")
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	lines, beats := bufio.NewScanner(resp.Body), 0
	for beats < 20 && lines.Scan() { // longer than the server's own limits
		if lines.Text() == ": alive" {
			beats++
		}
	}
	assert.Equal(t, 20, beats, "the stream ended: %v", lines.Err())
}

func TestEvents_WhoComesBackIsToldOfTheEndOnce(t *testing.T) {
	t.Parallel()
	check := apitest.New(t, hosthttp.OpenAPI, hosthttp.Local{Handler: quiet(t, nil)})
	client := &http.Client{Transport: check}
	cancelled, err := client.Post("http://localhost/api/v1/runs/asleep/cancel", "application/json", nil)
	require.NoError(t, err)
	require.NoError(t, cancelled.Body.Close())
	follow := func(last string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/v1/runs/asleep/events", nil)
		require.NoError(t, err)
		req.Header.Set("Last-Event-ID", last)
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	for _, last := range []string{"", "7", "END"} {
		status, text := follow(last)
		assert.Equal(t, 200, status)
		assert.Contains(t, text, "id: end\nevent: run_ended\n", "after %q", last)
		assert.Equal(t, 1, strings.Count(text, "event: "), "after %q", last)
	}
	status, text := follow("end")
	assert.Equal(t, 204, status)
	assert.Empty(t, text)
}

func TestEvents_EndWhenTheHostEnds(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	srv := httptest.NewServer(quiet(t, closing))
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/api/v1/events")
	require.NoError(t, err)
	defer resp.Body.Close()
	close(closing)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), ": here\n\n"))
}

func TestLocal_StreamsWithoutAPort(t *testing.T) {
	t.Parallel()
	client := &http.Client{Transport: hosthttp.Local{Handler: quiet(t, nil)}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/api/v1/runs/asleep/events", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, ": here\n", line)

	resp, err = client.Post("http://localhost/api/v1/runs", "application/json", strings.NewReader(`{"workflow":"x"}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 404, resp.StatusCode)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `\"x\"`)
}

func TestLocal_AHandlerThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	client := &http.Client{Transport: hosthttp.Local{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })}}
	resp, err := client.Get("http://localhost/")
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	assert.ErrorContains(t, err, "panicked")
}

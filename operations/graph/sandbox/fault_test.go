package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func (c *client) fault(f sandbox.Fault) {
	c.Helper()
	require.NoError(c, c.sb.AddFault(f))
}

func TestFaults_AnswerErrors(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.fault(sandbox.Fault{Kind: sandbox.FaultError, Code: 2, Transient: true})
	r := c.get("/me")
	r.fails(2, 0)
	assert.Contains(t, r.text, `"is_transient":true`)
	c.get("/me").ok()

	c.fault(sandbox.Fault{Kind: sandbox.FaultError, Code: 190, Subcode: 460, Path: "/*/stories", Method: http.MethodGet, Skip: 1, Times: 2})
	c.get("/me").ok()
	c.get("/" + account + "/stories").ok()
	c.get("/"+account+"/stories").fails(190, 460)
	c.get("/"+account+"/stories").fails(190, 460)
	c.get("/" + account + "/stories").ok()

	c.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: "upstream", Times: -1})
	assert.Equal(t, "upstream", c.get("/me").text)
	assert.Equal(t, 502, c.get("/me").status)
	c.sb.ClearFaults()
	c.fault(sandbox.Fault{Kind: sandbox.FaultEmpty})
	assert.Empty(t, c.get("/me").ok())
	c.fault(sandbox.Fault{Kind: sandbox.FaultHTML})
	r = c.get("/me")
	assert.Equal(t, 502, r.status)
	assert.Contains(t, r.text, "<html>")
	c.fault(sandbox.Fault{Kind: sandbox.FaultTruncated})
	assert.NotContains(t, c.get("/me").ok(), "}")
}

func TestFaults_ResetBeforeAndAfterAWrite(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	reply := url.Values{"media_id": {sandbox.SeedMentionMediaID}, "message": {"Hello there"}}
	post := func() error {
		resp, err := c.http.PostForm(c.withToken(c.url+"/"+account+"/mentions"), reply)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	count := func() string {
		return c.get("/" + account + "?fields=mentioned_media.media_id(" + sandbox.SeedMentionMediaID + "){comments_count}").ok()
	}
	c.fault(sandbox.Fault{Kind: sandbox.FaultResetBefore, Route: "POST /{ig-user}/mentions"})
	require.ErrorIs(t, post(), syscall.ECONNRESET)
	assert.Contains(t, count(), `"comments_count":1`)
	c.fault(sandbox.Fault{Kind: sandbox.FaultResetAfter, Route: "POST /{ig-user}/mentions"})
	require.ErrorIs(t, post(), syscall.ECONNRESET)
	assert.Contains(t, count(), `"comments_count":2`)
	c.fault(sandbox.Fault{Kind: sandbox.FaultError, Code: 1, After: true, Route: "POST /{ig-user}/mentions"})
	require.NoError(t, post())
	assert.Contains(t, count(), `"comments_count":3`)

	requests := c.sb.Requests()
	assert.Equal(t, "reset_before", requests[0].Fault)
	assert.Zero(t, requests[0].Status)
}

func TestFaults_HangUntilTheClientIsGone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.fault(sandbox.Fault{Kind: sandbox.FaultHang})
	ctx, cancel := context.WithCancel(context.Background())
	r := c.request(http.MethodGet, c.withToken("/me"), "", "").WithContext(ctx)
	failed := make(chan error, 1)
	go func() {
		resp, err := c.http.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(c.sb.Requests()) == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	c.get("/me").ok()
}

func TestFaults_SlowAndLate(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.fault(sandbox.Fault{Kind: sandbox.FaultLatency, Delay: 30})
	begin := time.Now()
	want := c.get("/me").ok()
	assert.GreaterOrEqual(t, time.Since(begin), 30*time.Millisecond)

	c.fault(sandbox.Fault{Kind: sandbox.FaultSlow, Delay: 1})
	resp, err := c.http.Do(c.request(http.MethodGet, c.withToken("/me"), "", ""))
	require.NoError(t, err)
	defer resp.Body.Close()
	one := make([]byte, 64)
	n, err := resp.Body.Read(one)
	require.NoError(t, err)
	assert.Less(t, n, len(want), "it comes in pieces")
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, want, string(one[:n])+string(rest))
}

func TestFaults_MustMakeSense(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, f := range []sandbox.Fault{
		{}, {Kind: "odd"}, {Kind: sandbox.FaultError}, {Kind: sandbox.FaultStatus, Status: 42}, {Kind: sandbox.FaultSlow}, {Kind: sandbox.FaultHang, Path: "["},
	} {
		assert.Error(t, c.sb.AddFault(f), f)
	}
}

func TestClose_EndsHangingAnswers(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.fault(sandbox.Fault{Kind: sandbox.FaultHang})
	failed := make(chan error, 1)
	go func() {
		resp, err := c.http.Do(c.request(http.MethodGet, c.withToken("/me"), "", ""))
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(c.sb.Requests()) == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, c.sb.Close())
	err := <-failed
	require.Error(t, err)
	assert.False(t, errors.Is(err, context.Canceled))
}

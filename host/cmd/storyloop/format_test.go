package main

import (
	"testing"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
)

func TestShortly_LeavesOutZerosAtTheEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"5m0s": "5m", "1h0m0s": "1h", "1h30m0s": "1h30m", "10m10s": "10m10s", "20s": "20s", "20h0m0s": "20h"} {
		assert.Equal(t, want, shortly(text))
	}
}

func TestDuration_IsNeverNothing(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                        "<1ms",
		400 * time.Microsecond:   "<1ms",
		1499 * time.Microsecond:  "1ms",
		75 * time.Millisecond:    "75ms",
		12345 * time.Millisecond: "12.345s",
		61234 * time.Millisecond: "1m1s",
		3*time.Hour + 90*time.Second + time.Millisecond: "3h1m30s",
	} {
		assert.Equal(t, want, duration(d))
	}
}

func TestFailure_TellsWhatTheRemoteServiceSaid(t *testing.T) {
	t.Parallel()
	f := &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, Message: "The token is dead.",
		Upstream: &connectorv1.Upstream{Status: 200, Code: "190"},
	}
	assert.EqualError(t, failureError(f), "unauthenticated: The token is dead.\n  the remote service said: (HTTP 200, code 190)")
	f.Upstream.Message, f.Upstream.TraceId = "Sign in.", "AbC"
	assert.EqualError(t, failureError(f), "unauthenticated: The token is dead.\n  the remote service said: Sign in. (HTTP 200, code 190, trace AbC)")
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/storyloop/storyloop/proto/telemetry/collectortest"
)

// tracedWorkflow reads stories in a loop and answers a comment.
const tracedWorkflow = `
name: traced
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_stories
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", limit: 15 }
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-1.data, concurrency: 2 }
    steps:
      - id: instagram-2
        connector: instagram
        operation: get_story
        credential: bluebottle
        input: { story_id: $.steps.loop-1.value.id }
  - id: instagram-3
    connector: instagram
    operation: list_comments
    credential: bluebottle
    input: { media_id: "17900001000000001", limit: 1 }
  - id: loop-2
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-3.data }
    steps:
      - id: instagram-4
        connector: instagram
        operation: reply_to_comment
        credential: bluebottle
        input: { comment_id: $.steps.loop-2.value.id, message: "privateword" }
`

const collectorKey = "k3y-of-the-collector"

// process is a command in a process of its own, against a sandbox whose secrets
// are known.
type process struct {
	sandbox *sandbox
	stderr  string
	ending  time.Duration // From its result to its end.
}

func traced(t *testing.T, env ...string) process {
	t.Helper()
	a := &app{getenv: noEnv, stdout: io.Discard, stderr: io.Discard, logLevel: "error", lockFile: lock}
	s, err := a.startSandbox(t.Context(), 0, "")
	require.NoError(t, err)
	t.Cleanup(s.close)
	fault := `{"kind":"status","status":500,"body":"oops","route":"GET /{media}","skip":5,"times":1}`
	resp, err := http.Post(s.URL+"/__sandbox/faults", "application/json", strings.NewReader(fault))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Less(t, resp.StatusCode, 300)

	credentials := fmt.Sprintf("credentials: {bluebottle: {connector: instagram, method: access_token, form: {access_token: %s}}}", s.Accounts[0].UserToken)
	cmd := exec.Command(os.Args[0], "run", write(t, "traced.yaml", tracedWorkflow), "--json", "--log-level", "debug", "--lock", lock,
		"--credentials", write(t, "credentials.yaml", credentials), "--settings", fmt.Sprintf(`{"instagram":{"sandbox_url":%q}}`, s.URL))
	cmd.Env = append([]string{roleEnv + "=storyloop", "PATH=" + os.Getenv("PATH"), "OTEL_EXPORTER_OTLP_HEADERS=api-key=" + collectorKey}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var result struct{ State string }
	require.NoError(t, json.NewDecoder(bufio.NewReader(out)).Decode(&result), "%s", &stderr)
	said := time.Now()
	require.NoError(t, cmd.Wait(), "%s", &stderr)
	require.Equal(t, "succeeded", result.State)
	return process{sandbox: s, stderr: stderr.String(), ending: time.Since(said)}
}

func TestTraces_OneRunIsOneTraceAcrossHostAndConnector(t *testing.T) {
	t.Parallel()
	c := collectortest.Start(t)
	p := traced(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment=test", "OTEL_SERVICE_NAME=my-host")

	spans := map[string]collectortest.Span{}
	children := map[string][]collectortest.Span{}
	var root collectortest.Span
	for _, s := range c.Spans() {
		spans[s.ID] = s
		children[s.Parent] = append(children[s.Parent], s)
		if s.Name == "run traced" {
			root = s
		}
	}
	require.NotEmpty(t, root.ID, "the run has a span")
	assert.Empty(t, root.Parent)
	assert.Equal(t, "my-host", root.Service)
	assert.Equal(t, "succeeded", root.Attributes["storyloop.state"])
	assert.Equal(t, "person", root.Attributes["storyloop.origin"])
	for _, s := range c.Spans() {
		assert.Equal(t, root.TraceID, s.TraceID, "%s is in the run's trace", s.Name)
		if s.ID != root.ID {
			assert.NotEmpty(t, spans[s.Parent].ID, "%s has its parent", s.Name)
		}
	}

	steps, retried := 0, 0
	for _, loop := range children[root.ID] {
		if loop.Attributes["storyloop.path"] != "loop-1" {
			continue
		}
		for _, step := range children[loop.ID] {
			steps++
			assert.Equal(t, "instagram get_story", step.Name)
			assert.Regexp(t, `^loop-1\[\d+\]/instagram-2$`, step.Attributes["storyloop.path"])
			calls := children[step.ID]
			assert.Equal(t, fmt.Sprint(len(calls)), step.Attributes["storyloop.attempts"])
			if len(calls) > 1 {
				retried++
				assert.Contains(t, step.Events, "attempt failed")
				assert.False(t, step.Failed, "the step succeeded at last")
			}
			for _, call := range calls {
				assertCall(t, call, children)
			}
		}
	}
	assert.Equal(t, 15, steps)
	assert.Equal(t, 1, retried)

	sent := c.Bytes()
	for _, secret := range []string{p.sandbox.Accounts[0].UserToken, p.sandbox.AppSecret, p.sandbox.VerifyToken, collectorKey, "privateword", "access_token", "appsecret_proof", "oops"} {
		assert.False(t, strings.Contains(sent, secret), "%s was sent", secret)
	}
	for _, h := range c.Headers() {
		assert.Equal(t, collectorKey, h.Get("Api-Key"), "both processes know the collector's key")
	}
	assert.NotContains(t, p.stderr, collectorKey)
}

// assertCall checks an attempt's way: from the host to the connector to Meta.
func assertCall(t *testing.T, call collectortest.Span, children map[string][]collectortest.Span) {
	t.Helper()
	assert.Equal(t, tracev1.Span_SPAN_KIND_CLIENT, call.Kind)
	assert.Equal(t, "my-host", call.Service)
	require.Len(t, children[call.ID], 1)
	served := children[call.ID][0]
	assert.Equal(t, tracev1.Span_SPAN_KIND_SERVER, served.Kind)
	assert.Equal(t, "connector-instagram", served.Service)
	assert.Equal(t, "read", served.Attributes["storyloop.effect"])
	assert.Equal(t, call.Attributes["storyloop.call"], served.Attributes["storyloop.call"])
	assert.Equal(t, call.Failed, served.Failed)
	require.NotEmpty(t, children[served.ID])
	request := children[served.ID][0]
	assert.Equal(t, tracev1.Span_SPAN_KIND_CLIENT, request.Kind)
	assert.Equal(t, "GET /{id}", request.Name)
	if call.Failed {
		assert.Equal(t, "unavailable", call.Attributes["error.type"])
		assert.Equal(t, "no", served.Attributes["storyloop.applied"])
		assert.Equal(t, "500", request.Attributes["http.response.status_code"])
		return
	}
	assert.Equal(t, "200", request.Attributes["http.response.status_code"])
}

func TestTraces_ByGRPC(t *testing.T) {
	t.Parallel()
	c := collectortest.Start(t)
	traced(t, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.GRPC)
	services := map[string]int{}
	for _, s := range c.Spans() {
		services[s.Service]++
	}
	assert.Greater(t, services["storyloop"], 30)
	assert.Greater(t, services["connector-instagram"], 30)
	assert.Equal(t, collectorKey, c.Headers()[0].Get("Api-Key"))
}

func TestTraces_OffSendsNothing(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{"no traces": "OTEL_TRACES_EXPORTER=none", "nothing at all": "OTEL_SDK_DISABLED=true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := collectortest.Start(t)
			traced(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, env)
			assert.Empty(t, c.Headers())
		})
	}
}

func TestTraces_ACollectorThatIsAwayStopsNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for name, env := range map[string][]string{
		"gone":           {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + gone.Addr().String()},
		"gone, gRPC":     {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + gone.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		"silent":         {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + silent.Addr().String()},
		"silent, gRPC":   {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + silent.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		"no certificate": {"OTEL_EXPORTER_OTLP_ENDPOINT=https://" + gone.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := traced(t, append(env, "OTEL_BSP_SCHEDULE_DELAY=50")...)
			assert.Less(t, p.ending, 10*time.Second)
			assert.Contains(t, p.stderr, "traces", "somebody is told")
			assert.NotContains(t, p.stderr, collectorKey)
		})
	}
}

func TestTraces_WrongVariables(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift",
		"OTEL_EXPORTER_OTLP_HEADERS": collectorKey,
	}
	code := run(t.Context(), []string{"run", example("every-story.yaml"), "--sandbox", "--lock", lock, "--credentials", emptyVault(t)},
		func(name string) string { return env[name] }, io.Discard, &stderr)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr.String(), `OTEL_EXPORTER_OTLP_PROTOCOL: "thrift" is not known here; use http/protobuf, http/json or grpc`)
	assert.Contains(t, stderr.String(), "OTEL_EXPORTER_OTLP_HEADERS: pair 1 is not of the form name=value")
	assert.NotContains(t, stderr.String(), collectorKey)
}

// It runs alone: the daemon takes its variables from this process.
func TestTraces_OfAWebhookLeadToItsRun(t *testing.T) {
	c := collectortest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	d := up(t, example("reply-to-mention.yaml"))
	require.Equal(t, http.StatusOK, d.deliver(t, []byte(commentMention)))
	d.ended(t)
	hook := c.Await(t, func(s collectortest.Span) bool { return s.Name == "POST /webhooks/{connector}/{name}" })
	assert.Equal(t, "200", hook.Attributes["http.response.status_code"])
	c.Await(t, func(s collectortest.Span) bool {
		return s.Name == "instagram Receive" && s.Service == "connector-instagram" && s.TraceID == hook.TraceID
	})
	ran := c.Await(t, func(s collectortest.Span) bool { return s.Name == "run reply-to-mention" })
	assert.NotEqual(t, hook.TraceID, ran.TraceID, "a run may outlive its webhook by days")
	assert.Equal(t, []string{hook.TraceID}, ran.Links)
	assert.Equal(t, "event", ran.Attributes["storyloop.origin"])
	for _, secret := range []string{d.Sandbox.AppSecret, d.Sandbox.VerifyToken} {
		assert.False(t, strings.Contains(c.Bytes(), secret), "%s was sent", secret)
	}
}

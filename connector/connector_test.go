package connector_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/storyloop/storyloop/connector"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func request(op, input string) *connectorv1.InvokeRequest {
	return &connectorv1.InvokeRequest{
		Call:      &connectorv1.Call{Id: "call-1", Credential: &connectorv1.Credential{Method: "token", Secret: []byte(`{"token":"s3cr3t-m4rk3r"}`)}},
		Operation: op, Input: []byte(input),
	}
}

func TestMain_ServesAHost(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx := t.Context()
	invoke := func(t *testing.T, op, input string) *connectorv1.InvokeResponse {
		t.Helper()
		resp, err := p.Invoke(ctx, request(op, input))
		require.NoError(t, err)
		return resp
	}

	t.Run("the catalog is complete and its schemas stand alone", func(t *testing.T) {
		resp, err := p.GetCatalog(ctx, &connectorv1.GetCatalogRequest{})
		require.NoError(t, err)
		c := resp.GetCatalog()
		assert.Equal(t, "shop", c.GetName())
		require.Len(t, c.GetOperations(), 3)
		assert.Equal(t, "list_items", c.GetOperations()[0].GetName(), "the author's order")
		out := string(c.GetOperations()[0].GetOutputSchema())
		assert.Contains(t, out, `"$ref":"#/$defs/item"`)
		assert.Contains(t, out, `"id":{"type":"string","pattern":"^[0-9]+$"}`, "what a shared shape uses comes along")
		assert.True(t, c.GetOperations()[2].GetReconcilable())
		assert.Equal(t, connectorv1.AuthFlow_AUTH_FLOW_FORM, c.GetAuthMethods()[0].GetFlow())
		assert.True(t, c.GetTriggers()[0].GetPollable())
		assert.Equal(t, []string{"token"}, c.GetTriggers()[0].GetAuthMethods())
	})

	t.Run("settings are checked", func(t *testing.T) {
		resp, err := p.Configure(ctx, &connectorv1.ConfigureRequest{Settings: []byte(`{"shout":1}`)})
		require.NoError(t, err)
		require.Len(t, resp.GetDiagnostics(), 1)
		assert.Equal(t, "/shout", resp.GetDiagnostics()[0].GetPointer())
		resp, err = p.Configure(ctx, &connectorv1.ConfigureRequest{Host: "test/1"})
		require.NoError(t, err)
		assert.Empty(t, resp.GetDiagnostics())
	})

	t.Run("an output keeps every digit and every byte", func(t *testing.T) {
		resp := invoke(t, "get_item", `{"mode":"odd"}`)
		assert.Equal(t, `{"id":17841405726653027,"html":"<&>"}`, string(resp.GetResult().GetOutput()))
		require.Len(t, resp.GetResult().GetDiagnostics(), 1, "a surprise in the output is a warning")
		assert.Equal(t, connectorv1.Severity_SEVERITY_WARNING, resp.GetResult().GetDiagnostics()[0].GetSeverity())
	})

	t.Run("a page brings the next page's token and its cost", func(t *testing.T) {
		resp := invoke(t, "list_items", `{}`)
		assert.Equal(t, "2", resp.GetResult().GetNextToken())
		assert.Equal(t, int32(1), resp.GetReport().GetRequests())
		assert.InDelta(t, 0.5, resp.GetReport().GetQuotas()[0].GetUsed(), 0)
	})

	t.Run("what is wrong with a call is said where and how", func(t *testing.T) {
		for _, tt := range []struct{ op, input, pointer, message string }{
			{"get_item", `{"id":"x1"}`, "/id", "/id does not match the pattern ^[0-9]+$"},
			{"get_item", `{"idd":"1"}`, "/idd", "is no property here"},
			{"get_item", `{"id":`, "", "not JSON: line 1, column 7"},
			{"get_itm", `{}`, "", `no operation "get_itm". Did you mean "get_item"?`},
			{"sell_item", `{"id":"13"}`, "/id", "is not for sale"},
		} {
			f := invoke(t, tt.op, tt.input).GetFailure()
			assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), tt.input)
			assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied(), tt.input)
			assert.Contains(t, f.GetMessage(), tt.message)
			require.NotEmpty(t, f.GetDiagnostics())
			assert.Equal(t, tt.pointer, f.GetDiagnostics()[0].GetPointer())
		}
	})

	t.Run("at design time nothing is said about what is not known yet", func(t *testing.T) {
		check := func(input string, unknown ...string) []*connectorv1.Diagnostic {
			resp, err := p.Validate(ctx, &connectorv1.ValidateRequest{Target: &connectorv1.ValidateRequest_Operation{Operation: "sell_item"}, Input: []byte(input), Unknown: unknown})
			require.NoError(t, err)
			return resp.GetDiagnostics()
		}
		assert.Empty(t, check(`{"id":"$.steps.a-1.id","size":"$.steps.a-1.size"}`, "/id", "/size"))
		assert.Len(t, check(`{"id":"13","size":"$.steps.a-1.size"}`, "/size"), 1, "the operation's own rule")
		assert.Len(t, check(`{"id":"13"}`), 1)
	})

	t.Run("a handler's error says who acts, a bug says nothing secret", func(t *testing.T) {
		f := invoke(t, "get_item", `{"mode":"dead"}`).GetFailure()
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, f.GetKind())
		assert.Equal(t, "190/463", f.GetUpstream().GetCode())
		assert.Equal(t, time.Minute, f.GetRetryAfter().AsDuration())
		f = invoke(t, "get_item", `{"mode":"bug"}`).GetFailure()
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, f.GetKind())
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
		assert.NotContains(t, f.String(), "s3cr3t")
	})

	t.Run("the secret reaches the handler", func(t *testing.T) {
		assert.JSONEq(t, `{"id":"1","length":13}`, string(invoke(t, "get_item", `{"mode":"secret"}`).GetResult().GetOutput()))
	})

	t.Run("messages above gRPC's default pass both ways", func(t *testing.T) {
		assert.Greater(t, len(invoke(t, "get_item", `{"id":"1","size":6000000}`).GetResult().GetOutput()), 6_000_000)
		padded := `{"id":"1"` + strings.Repeat(" ", 6_000_000) + `}`
		assert.NotNil(t, invoke(t, "get_item", padded).GetResult())
		f := invoke(t, "get_item", `{"id":"1","size":17000000}`).GetFailure()
		assert.Contains(t, f.GetMessage(), "Ask for fewer items")
	})

	t.Run("an input may be larger than gRPC lets through by itself", func(t *testing.T) {
		assert.NotNil(t, invoke(t, "get_item", `{"id":"`+strings.Repeat("1", 5<<20)+`"}`).GetResult())
	})

	t.Run("a panic spares the other calls", func(t *testing.T) {
		waiting, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() {
			_, err := p.Invoke(waiting, request("get_item", `{"mode":"wait"}`))
			done <- err
		}()
		for _, op := range []string{"get_item", "list_items"} {
			_, err := p.Invoke(ctx, request(op, `{"mode":"panic"}`))
			assert.Equal(t, codes.Internal, status.Code(err))
			assert.NotContains(t, err.Error(), "s3cr3t")
			stream, err := p.InvokeStream(ctx, request(op, `{"mode":"panic"}`))
			require.NoError(t, err)
			_, err = stream.Recv()
			assert.Equal(t, codes.Internal, status.Code(err))
		}
		assert.Eventually(t, func() bool { return strings.Count(p.stderr.String(), `,"call":"call-1","panic":`) == 4 }, time.Minute, 10*time.Millisecond,
			"each is logged under its call: %s", p.stderr)
		cancel()
		assert.Equal(t, codes.Canceled, status.Code(<-done), "the waiting call was still there")
		assert.NotNil(t, invoke(t, "get_item", `{"id":"1"}`).GetResult())
	})

	t.Run("a stream brings pages, progress and where to go on", func(t *testing.T) {
		read := func(req *connectorv1.InvokeRequest) (got []string, last *connectorv1.InvokeStreamResponse) {
			stream, err := p.InvokeStream(ctx, req)
			require.NoError(t, err)
			for {
				m, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					return got, last
				}
				require.NoError(t, err)
				last = m
				switch {
				case m.GetPage() != nil:
					got = append(got, string(m.GetPage().GetOutput()))
				case m.GetProgress() != nil:
					got = append(got, m.GetProgress().GetMessage()+"@"+m.GetProgress().GetResumeToken())
				default:
					got = append(got, "failure@"+m.GetFailure().GetResumeToken())
				}
			}
		}
		got, _ := read(request("list_items", `{}`))
		assert.Equal(t, []string{`{"data":[{"id":"17841405726653027"}]}`, `{"data":[]}`}, got)
		got, _ = read(request("sell_item", `{"id":"1"}`))
		assert.Equal(t, []string{"wrapped@wrapped", `{"from":""}`}, got)
		got, last := read(request("sell_item", `{"mode":"fail"}`))
		assert.Equal(t, []string{"wrapped@wrapped", "failure@wrapped"}, got)
		assert.Equal(t, connectorv1.Applied_APPLIED_UNSPECIFIED, last.GetFailure().GetApplied(), "unsaid means unknown")
		resumed := request("sell_item", `{"id":"1"}`)
		resumed.ResumeToken = "wrapped"
		got, _ = read(resumed)
		assert.Equal(t, []string{`{"from":"wrapped"}`}, got)
	})

	t.Run("a lost write can be looked up", func(t *testing.T) {
		reconcile := func(op, input string) *connectorv1.ReconcileResponse {
			resp, err := p.Reconcile(ctx, &connectorv1.ReconcileRequest{Operation: op, Input: []byte(input), AttemptedAt: timestamppb.New(time.Unix(0, 0))})
			require.NoError(t, err)
			return resp
		}
		assert.JSONEq(t, `{"at":"1970-01-01T00:00:00Z"}`, string(reconcile("sell_item", `{"id":"1"}`).GetHappened().GetOutput()))
		assert.NotNil(t, reconcile("sell_item", `{"id":"2"}`).GetNotHappened())
		assert.Contains(t, reconcile("get_item", `{}`).GetFailure().GetMessage(), "cannot be told")
	})

	t.Run("options, credentials and triggers answer", func(t *testing.T) {
		options, err := p.ListOptions(ctx, &connectorv1.ListOptionsRequest{List: "modes", Search: "a"})
		require.NoError(t, err)
		assert.Equal(t, "Search a", options.GetPage().GetOptions()[0].GetLabel())
		options, err = p.ListOptions(ctx, &connectorv1.ListOptionsRequest{List: "mode"})
		require.NoError(t, err)
		assert.Contains(t, options.GetFailure().GetMessage(), `Did you mean "modes"?`)

		completed, err := p.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{Method: "token", Reply: []byte(`{"token":"s3cr3t"}`)})
		require.NoError(t, err)
		assert.Equal(t, int64(1_800_000_000), completed.GetCredential().GetValidity().GetExpiresAt().GetSeconds())
		assert.JSONEq(t, `{"token":"s3cr3t"}`, string(completed.GetCredential().GetSecret()))
		completed, err = p.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{Method: "token", Reply: []byte(`{"token":"s3"}`)})
		require.NoError(t, err)
		assert.Contains(t, completed.GetFailure().GetMessage(), "/token has 2 characters; at least 3 needed")
		inspected, err := p.InspectCredential(ctx, &connectorv1.InspectCredentialRequest{Credential: &connectorv1.Credential{Method: "token"}})
		require.NoError(t, err)
		assert.Equal(t, []string{"sell"}, inspected.GetCredential().GetScopes())
		refreshed, err := p.RefreshCredential(ctx, &connectorv1.RefreshCredentialRequest{Credential: &connectorv1.Credential{Method: "token"}})
		require.NoError(t, err)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, refreshed.GetFailure().GetKind())
		begun, err := p.BeginAuthorization(ctx, &connectorv1.BeginAuthorizationRequest{Method: "token"})
		require.NoError(t, err)
		assert.NotNil(t, begun.GetFailure())
		revoked, err := p.RevokeCredential(ctx, &connectorv1.RevokeCredentialRequest{Credential: &connectorv1.Credential{Method: "token"}})
		require.NoError(t, err)
		assert.Nil(t, revoked.GetFailure())

		subscribed, err := p.Subscribe(ctx, &connectorv1.SubscribeRequest{Trigger: "sold", CallbackUrl: "https://x"})
		require.NoError(t, err)
		assert.Equal(t, "https://x", string(subscribed.GetSubscription().GetState()))
		subscribed, err = p.Subscribe(ctx, &connectorv1.SubscribeRequest{Trigger: "sold", Input: []byte(`{"floor":"x"}`)})
		require.NoError(t, err)
		assert.Equal(t, "/floor", subscribed.GetFailure().GetDiagnostics()[0].GetPointer())
		gone, err := p.Unsubscribe(ctx, &connectorv1.UnsubscribeRequest{Trigger: "sold"})
		require.NoError(t, err)
		assert.Nil(t, gone.GetFailure())
		polled, err := p.Poll(ctx, &connectorv1.PollRequest{Trigger: "sold", Cursor: "1"})
		require.NoError(t, err)
		assert.Equal(t, "11", polled.GetPage().GetCursor())
		received, err := p.Receive(ctx, &connectorv1.ReceiveRequest{Method: "POST", Body: []byte(`{"name":"no id"}`)})
		require.NoError(t, err)
		assert.Len(t, received.GetEvents(), 1)
		assert.Equal(t, "/id", received.GetDiagnostics()[0].GetPointer())
		for _, unsound := range []string{"{\"id\":1e999999999}", "{\"id\":\"\xff\"}", "{"} {
			received, err = p.Receive(ctx, &connectorv1.ReceiveRequest{Method: "POST", Body: []byte(unsound)})
			require.NoError(t, err)
			assert.Empty(t, received.GetEvents(), "an event that nobody can read is dropped")
			assert.Equal(t, "unsound_payload", received.GetDiagnostics()[0].GetCode())
		}
	})

	t.Run("fifty calls for fifty accounts never mix", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				req := request("get_item", `{"mode":"secret"}`)
				req.Call.Credential.Secret = fmt.Appendf(nil, `{"token":%q}`, strings.Repeat("x", i))
				resp, err := p.Invoke(ctx, req)
				if assert.NoError(t, err) {
					assert.JSONEq(t, fmt.Sprintf(`{"id":"1","length":%d}`, i), string(resp.GetResult().GetOutput()))
				}
			})
		}
		wg.Wait()
	})

	assert.NotContains(t, p.stderr.String(), "s3cr3t", "no secret reaches the log")
	var warned bool
	for _, l := range strings.Split(strings.TrimSpace(p.stderr.String()), "\n") {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(l), &entry), "every line of the log is JSON: %s", l)
		warned = warned || entry["@level"] == "warn" && entry["@message"] == "waiting"
	}
	assert.True(t, warned, "the log carries levels:\n%s", p.stderr)
}

func TestMain_TerminationSignalIsTheHostsBusiness(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		require.NoError(t, p.cmd.Process.Signal(s))
	}
	resp, err := p.Invoke(t.Context(), request("get_item", `{"id":"1"}`))
	require.NoError(t, err)
	assert.NotNil(t, resp.GetResult())
	p.client.Kill()
	assert.True(t, p.client.Exited())
}

func TestMain_EndsWhenItsHostWasKilled(t *testing.T) {
	t.Parallel()
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), roleEnv+"=host")
	out, err := host.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, host.Start())
	pid, err := strconv.Atoi(line(t, bufio.NewScanner(out)))
	require.NoError(t, err)
	require.NoError(t, host.Process.Kill())
	_ = host.Wait()
	require.Eventually(t, func() bool { return !running(pid) }, time.Minute, 50*time.Millisecond, "the connector outlived its host")
}

// running looks at /proc, since where nobody reaps a zombie answers to signals.
func running(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(raw), "State:\tZ")
}

func TestMain_ByHand(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := exec.Command(os.Args[0], "--debug")
	cmd.Env = []string{roleEnv + "=connector", "TMPDIR=" + dir, connectorv1.Handshake.MagicCookieKey + "=" + connectorv1.Handshake.MagicCookieValue}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })

	fields := strings.Split(line(t, bufio.NewScanner(out)), "|")
	require.GreaterOrEqual(t, len(fields), 5)
	require.Equal(t, []string{"1", "1", "unix"}, fields[:3])
	require.Equal(t, "grpc", fields[4])

	cc, err := grpc.NewClient("unix://"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer cc.Close()
	stream, err := reflectionv1.NewServerReflectionClient(cc).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
	resp, err := stream.Recv()
	require.NoError(t, err)
	var services []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		services = append(services, s.GetName())
	}
	for _, want := range []string{"connector.v1.ConnectorService", "connector.v1.OperationService", "connector.v1.AuthService", "connector.v1.TriggerService", "grpc.health.v1.Health"} {
		assert.True(t, slices.Contains(services, want), "%s in %v", want, services)
	}
}

func TestMain_WithoutACookieSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"":                    {2, "is started by a workflow host"},
		"help":                {0, "describe"},
		"version":             {0, "shop 1.2.3 (protocol 1)"},
		"frobnicate":          {2, `no command "frobnicate"`},
		"describe":            {0, "sell_item   write   Sells an item."},
		"describe --json":     {0, `"effect": "write"`},
		"describe --markdown": {0, "- Only with: `token`."},
		"describe --xml":      {2, "-xml"},
		"describe all":        {2, `unexpected argument "all"`},
	} {
		cmd := exec.Command(os.Args[0], strings.Fields(args)...)
		cmd.Env = []string{roleEnv + "=connector"}
		out, _ := cmd.CombinedOutput()
		assert.Equal(t, want.code, cmd.ProcessState.ExitCode(), "%q: %s", args, out)
		assert.Contains(t, string(out), want.text, "%q", args)
	}
}

func TestCheck_FindsAllThatIsUnsound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(shop()))

	spec := shop()
	spec.Version = "one"
	files := spec.Schemas.(fstest.MapFS)
	files["orphan.input.json"] = &fstest.MapFile{Data: []byte(`{}`)}
	files["items/get_item.input.json"] = &fstest.MapFile{Data: []byte(`{"type":"object","properties":{"id":{"type":"string","lookup":{"operation":"ids"}},"colour":{}}}`)}
	delete(files, "sold.output.json")
	spec.Operations[0].Items = "/items"
	spec.Operations[2].Scopes = []string{"steal"}
	spec.Operations[2].AuthMethods = []string{"wink"}
	spec.Triggers[0].AuthMethods = []string{"nod"}
	spec.Operations = append(spec.Operations, spec.Operations[0])
	err := connector.Check(spec)
	require.Error(t, err)
	for _, want := range []string{
		`version "one"`, "orphan.input.json belongs to nothing", "get_item: the input schema is not a closed object",
		"/id looks up ids, which is no option list", `the handler reads "mode"`, `the input schema has "colour"`,
		"no schema sold.output.json", "no array at /items", "the scope steal",
		"sell_item names the auth method wink", "trigger sold names the auth method nod", "list_items is declared twice",
	} {
		assert.Contains(t, err.Error(), want)
	}
}

func TestSecret_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := connector.Secret("s3cr3t-m4rk3r")
	raw, err := json.Marshal(map[string]any{"secret": s})
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprintf("%v %s %d %x %+v %#v", s, s, s, s, connector.Credential{Secret: s}, &connector.Credential{Secret: s}), string(raw)} {
		assert.NotContains(t, text, "s3cr3t")
		assert.NotContains(t, text, fmt.Sprintf("%x", "s3cr3t"))
		assert.NotContains(t, text, fmt.Sprint([]byte("s3cr3t"))[1:10])
	}
	var out struct{ A string }
	err = s.Decode(&out)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "s3cr3t")
}

func TestFailure_HidesSecretsAndNothingElse(t *testing.T) {
	t.Parallel()
	p := start(t)
	req := request("get_item", `{"id":17841405726653027}`)
	req.Call.Credential.Secret = []byte(`{"host":"facebook","user_id":"17841405726653027","token":"s3cr3t-m4rk3r"}`)
	resp, err := p.Invoke(t.Context(), req)
	require.NoError(t, err)
	assert.Contains(t, resp.GetFailure().GetMessage(), "must be a string, not a number")
	req.Input = []byte(`{"mode":"leak"}`)
	resp, err = p.Invoke(t.Context(), req)
	require.NoError(t, err)
	f := resp.GetFailure()
	assert.NotContains(t, f.String(), "s3cr3t")
	assert.Equal(t, "graph.facebook.com refused 17841405726653027 with [secret]", f.GetMessage(), "ids and host names stay")
}

func TestDescribe_GoldenShape(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "describe", "--json")
	cmd.Env = []string{roleEnv + "=connector", "HOME=" + filepath.Join(t.TempDir(), "none")}
	out, err := cmd.Output()
	require.NoError(t, err)
	var d struct {
		Operations []struct {
			Name        string
			InputSchema struct{ Type string } `json:"input_schema"`
		}
		Triggers []struct {
			AuthMethods []string `json:"auth_methods"`
		}
		OptionLists []string `json:"option_lists"`
	}
	require.NoError(t, json.Unmarshal(out, &d))
	assert.Equal(t, "object", d.Operations[0].InputSchema.Type, "schemas are values, not text")
	assert.Equal(t, []string{"token"}, d.Triggers[0].AuthMethods)
	assert.Equal(t, []string{"modes"}, d.OptionLists)
}

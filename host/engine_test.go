package host_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lab is an engine on a store in memory, with a world to act on.
type lab struct {
	*host.Engine
	store *host.Memory
	world *enginetest.World
	log   *bytes.Buffer
}

func newLab(t *testing.T, change func(*host.Setup)) *lab {
	t.Helper()
	l := &lab{store: host.NewMemory(), world: &enginetest.World{}, log: &bytes.Buffer{}}
	setup := host.Setup{
		Store: l.store, Connectors: append(host.ConnectorList{l.world}, core.Connectors()...),
		Clock: enginetest.NewClock().Hurry(), Log: slog.New(slog.NewTextHandler(l.log, nil)),
	}
	if change != nil {
		change(&setup)
	}
	l.Engine = host.NewEngine(setup)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, l.Close(ctx))
	})
	return l
}

// run runs steps to where they come to rest.
func (l *lab) run(t *testing.T, steps string) host.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: manual}\nsteps:\n"+steps))
	require.NoError(t, err)
	_, err = l.Define(ctx, doc, true, "")
	require.NoError(t, err)
	_, _, err = l.Start(ctx, host.StartRequest{Workflow: "w", ID: "r"})
	require.NoError(t, err)
	run, err := l.Wait(ctx, "r")
	require.NoError(t, err)
	return run
}

func TestRun_WrongInputIsNotSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ steps, want string }{
		"wrong type":       {"- {id: a, connector: world, operation: get}\n- {id: b, connector: world, operation: get, input: {id: $.steps.a.likes}}", "w: step b (world get): /id: must be a string, not a number. For example:"},
		"too large":        {"- {id: a, connector: world, operation: get, input: {id: " + strings.Repeat("x", 1<<19) + "}}\n- {id: b, connector: world, operation: get, input: {text: \"" + strings.Repeat("{$.steps.a.id}", 40) + "\"}}", "the input has 20971531 bytes; at most 16711680 can be sent"},
		"unknown property": {"- {id: a, connector: world, operation: get, input: {idd: x}}", `/idd: is no property here. Did you mean "id"?`},
		"no connector":     {"- {id: a, connector: nowhere, operation: get}", `the connector "nowhere" is not loaded. Install it`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			run := l.run(t, c.steps)
			require.Equal(t, host.RunFailed, run.State)
			assert.ErrorContains(t, run.Failure, c.want)
			for _, call := range l.world.Calls("get") {
				assert.NotContains(t, call.Key, "/b")
			}
		})
	}
}

func TestResume_LeavesAloneWhatHasBegun(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	l := newLab(t, nil)
	l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
		close(entered)
		<-leave
		return nil
	}
	doc, err := workflow.Parse("w.yaml", []byte("{name: w, trigger: {connector: manual}, steps: [{id: a, connector: world, operation: get}]}"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	_, _, err = l.Start(t.Context(), host.StartRequest{Workflow: "w", ID: "r"})
	require.NoError(t, err)
	<-entered
	n, err := l.Resume(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	close(leave)
	run, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	assert.Len(t, l.world.Calls("get"), 1)
}

func TestRun_SecretsStayOutOfHistoryAndLog(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(s *host.Setup) { s.Vault = vault{"shop": "m4rker-token"} })
	run := l.run(t, "- {id: a, connector: world, operation: send, credential: shop, input: {id: '1', password: m4rker-password}}")
	require.Equal(t, host.RunSucceeded, run.State)
	calls := l.world.Calls("send")
	assert.Contains(t, calls[0].Input, "m4rker-password", "the connector gets it")
	assert.Equal(t, "m4rker-token", calls[0].Token)
	entry, found, err := l.store.Entry(context.Background(), "r", "a")
	require.NoError(t, err)
	require.True(t, found)
	assert.JSONEq(t, `{"id":"1","password":"(hidden)"}`, string(entry.Input))
	assert.NotContains(t, l.log.String(), "m4rker")
}

type vault map[string]string

func (v vault) Credential(_ context.Context, name string) (*connectorv1.Credential, error) {
	secret, ok := v[name]
	if !ok {
		return nil, &host.NotFoundError{Kind: "credential", Name: name}
	}
	return &connectorv1.Credential{Secret: []byte(secret)}, nil
}

func (v vault) App(context.Context, string, string) (*connectorv1.App, error) {
	return nil, errors.New("not asked for here")
}

// renewing is a vault that renews once.
type renewing struct {
	vault
	renewed int
}

func (r *renewing) Refresh(ctx context.Context, name string) (*connectorv1.Credential, error) {
	if r.renewed++; r.renewed > 1 {
		return nil, errors.New("the owner must sign in")
	}
	r.vault[name] = "new"
	return r.Credential(ctx, name)
}

func TestRun_DeadCredential(t *testing.T) {
	t.Parallel()
	const steps = "- {id: a, connector: world, operation: get, credential: shop, input: {id: '1'}}"
	dead := func(l *lab, works string) {
		l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
			if c.Token == works {
				return nil
			}
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, "The token is dead.")
		}
	}
	t.Run("renewed", func(t *testing.T) {
		t.Parallel()
		v := &renewing{vault: vault{"shop": "old"}}
		l := newLab(t, func(s *host.Setup) { s.Vault = v })
		dead(l, "new")
		assert.Equal(t, host.RunSucceeded, l.run(t, steps).State)
		assert.Len(t, l.world.Calls("get"), 2)
	})
	t.Run("renewed in vain", func(t *testing.T) {
		t.Parallel()
		v := &renewing{vault: vault{"shop": "old"}}
		l := newLab(t, func(s *host.Setup) { s.Vault = v })
		dead(l, "none works")
		run := l.run(t, steps)
		require.Equal(t, host.RunParked, run.State)
		assert.Equal(t, host.AskCredential, run.Question.Kind)
		assert.Equal(t, 1, v.renewed, "once a step")
	})
	t.Run("a person signs in", func(t *testing.T) {
		t.Parallel()
		v := vault{"shop": "old"}
		l := newLab(t, func(s *host.Setup) { s.Vault = v })
		dead(l, "newest")
		run := l.run(t, steps)
		require.Equal(t, host.RunParked, run.State)
		assert.Contains(t, run.Question.Text, `The credential "shop" does not work: The token is dead. Sign in again`)
		v["shop"] = "newest"
		require.NoError(t, l.Resolve(context.Background(), "r", "", host.Repeat))
		run, err := l.Wait(context.Background(), "r")
		require.NoError(t, err)
		assert.Equal(t, host.RunSucceeded, run.State)
	})
	t.Run("none in the vault", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, func(s *host.Setup) { s.Vault = vault{} })
		run := l.run(t, steps)
		require.Equal(t, host.RunParked, run.State)
		assert.Contains(t, run.Question.Text, `The vault has no credential "shop".`)
		assert.Empty(t, l.world.Calls(""))
	})
}

// storing is a world whose gets store that they have happened.
type storing struct {
	*enginetest.World
	storage host.Storage
}

func (s storing) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	caller, ok := host.CallerOf(ctx)
	if ok {
		if _, err := s.storage.Increment(ctx, caller, "workflow", "gets", "1"); err != nil {
			panic(err)
		}
	}
	return s.World.Invoke(ctx, req)
}

func TestRun_BuiltInConnectorsKnowTheirCaller(t *testing.T) {
	t.Parallel()
	world, store := &enginetest.World{}, host.NewMemory()
	l := newLab(t, func(s *host.Setup) {
		s.Store, s.Connectors = store, append(host.ConnectorList{storing{world, host.Storage{Values: store}}}, core.Connectors()...)
	})
	world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			return enginetest.Failed(unavailable, "Down.")
		}
		return nil
	}
	require.Equal(t, host.RunSucceeded, l.run(t, oneGet).State)
	assert.Len(t, world.Calls("get"), 2)
	value, _, err := store.Value(t.Context(), host.WorkflowScope("w"), "gets")
	require.NoError(t, err)
	assert.Equal(t, "1", string(value), "another attempt of a step changes nothing again")
}

func TestRun_ConnectorThatBreaksItsContract(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure { panic("boom m4rker") }
	run := l.run(t, "- {id: a, connector: world, operation: get, input: {id: '1'}}")
	require.Equal(t, host.RunFailed, run.State)
	assert.Equal(t, workflow.Internal, run.Failure.Kind)
	assert.NotContains(t, run.Failure.Error(), "m4rker", "the panic is for the log")
	assert.Len(t, l.world.Calls("get"), 2, "a read is tried once more")
}

func TestRun_AttemptHasATimeout(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		<-ctx.Done() // hangs until the deadline
		return enginetest.Lost()
	}
	run := l.run(t, "- {id: a, connector: world, operation: get, timeout: 20ms, retry: {max_attempts: 2}, input: {id: '1'}}")
	require.Equal(t, host.RunFailed, run.State)
	assert.Equal(t, "unavailable", run.Failure.Kind)
	assert.Len(t, l.world.Calls("get"), 2)
}

func TestWatch_TellsWhatHappens(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	w := l.Watch("r")
	defer w.Close()
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Operation == "get" && c.Nth == 1 {
			return enginetest.Failed(unavailable, "Down.")
		}
		return nil
	}
	l.run(t, `
- {id: list, connector: world, operation: list}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: "$.steps.list.data[0:2]"}
  steps: [{id: get, title: Get it, connector: world, operation: get, input: {id: $.steps.loop.value.id}}]
`)
	var told []string
	for {
		p, ok := w.Next(context.Background())
		if !ok {
			break
		}
		told = append(told, strings.TrimSpace(string(p.Kind)+" "+p.Path))
		switch p.Kind {
		case host.Waiting:
			assert.Contains(t, p.Message, "Down.")
			assert.Equal(t, 2, p.Attempt)
		case host.Iterated:
			assert.Equal(t, 2, p.Count)
		case host.RunEnded:
			assert.Equal(t, host.RunSucceeded, p.State)
		}
	}
	assert.Equal(t, []string{
		"run_started",
		"step_started list", "attempt list", "step_finished list",
		"step_started loop", "loop_started loop",
		"step_started loop[0]/get", "attempt loop[0]/get", "waiting loop[0]/get", "attempt loop[0]/get", "step_finished loop[0]/get", "iteration loop",
		"step_started loop[1]/get", "attempt loop[1]/get", "step_finished loop[1]/get", "iteration loop",
		"step_finished loop", "run_ended",
	}, told)

	late := l.Watch("r")
	defer late.Close()
	p, ok := late.Next(context.Background())
	assert.True(t, ok)
	assert.Equal(t, host.RunEnded, p.Kind, "who comes late learns how it ended")
}

func TestRuns_QueueBehindEachOther(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(s *host.Setup) { s.MaxRuns = 2 })
	release := make(chan struct{})
	l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
		<-release
		return nil
	}
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: manual}\nsteps: [{id: a, connector: world, operation: get, input: {id: '1'}}]"))
	require.NoError(t, err)
	_, err = l.Define(context.Background(), doc, true, "")
	require.NoError(t, err)
	ids := []string{"1", "2", "3", "4", "5"}
	for _, id := range ids {
		_, _, err := l.Start(context.Background(), host.StartRequest{Workflow: "w", ID: id})
		require.NoError(t, err)
	}
	require.NoError(t, l.Cancel(context.Background(), "5"), "also one that waits in the queue")
	close(release)
	for _, id := range ids {
		run, err := l.Wait(context.Background(), id)
		require.NoError(t, err)
		assert.True(t, run.State.Ended())
	}
	assert.LessOrEqual(t, l.world.AtOnce(), 2)
}

func TestStart_PayloadThatIsNotJSON(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.Equal(t, host.RunSucceeded, l.run(t, "- {id: a, connector: world, operation: get, input: {id: '1'}}").State)
	_, _, err := l.Start(context.Background(), host.StartRequest{Workflow: "w", Trigger: []byte("{")})
	require.ErrorContains(t, err, "starting a run of w: /trigger: the payload is not JSON: line 1, column 2")
}

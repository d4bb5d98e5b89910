package host_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func pollFailure(kind connectorv1.FailureKind, after time.Duration) *connectorv1.PollResponse {
	f := &connectorv1.Failure{Kind: kind, Message: "Not now."}
	if after > 0 {
		f.RetryAfter = durationpb.New(after)
	}
	return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Failure{Failure: f}}
}

func TestPoll_BacksOff(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, c := range map[string]struct {
		answer *connectorv1.PollResponse
		waits  []time.Duration
		level  string
	}{
		"unavailable":      {pollFailure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, 0), []time.Duration{minute / 2, minute, 2 * minute, 4 * minute, 5 * minute, 5 * minute}, "WARN"},
		"rate limited":     {pollFailure(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, 17*minute), []time.Duration{17 * minute, 17 * minute}, "WARN"},
		"limited for ever": {pollFailure(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, 24*365*100*time.Hour), []time.Duration{24 * time.Hour, 24 * time.Hour}, "WARN"},
		"unauthenticated":  {pollFailure(connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, 0), []time.Duration{5 * minute, 10 * minute, 20 * minute, 40 * minute, 80 * minute, 160 * minute, 320 * minute, 360 * minute, 360 * minute}, "ERROR"},
		"denied":           {pollFailure(connectorv1.FailureKind_FAILURE_KIND_PERMISSION_DENIED, 0), []time.Duration{5 * minute, 10 * minute}, "ERROR"},
		"wrong input":      {pollFailure(connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, 0), []time.Duration{5 * minute, 10 * minute}, "ERROR"},
		"no answer":        {&connectorv1.PollResponse{}, []time.Duration{5 * minute, 10 * minute}, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPollLab(t, nil)
			p.on("w", published, "")
			p.poll()
			p.settle(1)
			p.world.Happen("published", "shop", "1")
			p.world.Polled = func(int, *connectorv1.PollRequest) *connectorv1.PollResponse { return c.answer }
			p.after(5*minute, 1)
			for i, wait := range c.waits {
				require.Equal(t, p.clock.Now().Add(wait), p.state().Next, "after %d failures", i+1)
				assert.Equal(t, i+1, p.state().Failures)
				p.after(wait, 1)
			}
			for _, req := range p.world.Polls()[1:] {
				assert.Equal(t, "0", req.GetCursor(), "the cursor stands")
			}
			p.world.Polled = nil
			p.after(24*time.Hour, 1)
			assert.Equal(t, map[string]int{"w": 1}, p.runs(), "nothing is lost")
			assert.Zero(t, p.state().Failures)
			p.end()
			assert.Equal(t, 1, strings.Count(p.log.String(), "level="+c.level+` msg="events cannot be looked for"`), "it is said once: %s", p.log)
			assert.Contains(t, p.log.String(), "events can be looked for again")
		})
	}
}

// refreshing is a vault that renews what is dead.
type refreshing struct {
	vault
	times *int
}

func (r refreshing) Refresh(context.Context, string) (*connectorv1.Credential, error) {
	*r.times++
	return nil, nil
}

func TestPoll_RefreshesADeadCredentialOnce(t *testing.T) {
	t.Parallel()
	times := 0
	p := newPollLab(t, func(s *host.Setup) { s.Vault = refreshing{vault{"shop": "x"}, &times} })
	p.world.Polled = func(nth int, _ *connectorv1.PollRequest) *connectorv1.PollResponse {
		if nth == 2 {
			return nil
		}
		return pollFailure(connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, 0)
	}
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	assert.Len(t, p.world.Polls(), 2)
	assert.Zero(t, p.state().Failures)
	p.after(5*time.Minute, 1)
	assert.Len(t, p.world.Polls(), 4)
	assert.Equal(t, 1, p.state().Failures)
	assert.Equal(t, 2, times)
}

func TestPoll_NoCredential(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.on("w", "{connector: world, trigger: published, credential: nobody}", "")
	p.poll()
	p.settle(1)
	assert.Empty(t, p.world.Polls())
	assert.Equal(t, "unauthenticated", p.state().Kind)
	assert.Contains(t, p.state().Message, `no credential "nobody"`)
}

func TestPoll_SurvivesAPanic(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.world.Polled = func(nth int, _ *connectorv1.PollRequest) *connectorv1.PollResponse {
		if nth == 1 {
			panic("a fault")
		}
		return nil
	}
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	assert.Equal(t, "internal", p.state().Kind)
	p.after(5*time.Minute, 1)
	assert.Zero(t, p.state().Failures)
}

func TestPoll_IsNeverBusy(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	page := func(cursor string) *connectorv1.PollResponse {
		return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Page{Page: &connectorv1.EventPage{Cursor: cursor, More: true}}}
	}
	p.world.Polled = func(int, *connectorv1.PollRequest) *connectorv1.PollResponse { return page("same") }
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	assert.Len(t, p.world.Polls(), 2, "who promises more and does not move is not asked on")
	p.world.Polled = func(nth int, _ *connectorv1.PollRequest) *connectorv1.PollResponse { return page(fmt.Sprint(nth)) }
	p.after(5*time.Minute, 1)
	assert.Len(t, p.world.Polls(), 102, "nor is who always has more")
}

func TestPoll_WaitsForItsBudget(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	blocked := p.clock.Now().Add(30 * time.Minute)
	p.world.Polled = func(nth int, req *connectorv1.PollRequest) *connectorv1.PollResponse {
		if nth > 1 {
			return nil
		}
		resp := pollFailure(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, time.Minute)
		resp.Report = &connectorv1.Report{Quotas: []*connectorv1.Quota{{Name: "calls", Subject: "1", Used: 1, BlockedUntil: timestamppb.New(blocked)}}}
		return resp
	}
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	p.after(time.Minute, 1)
	require.Len(t, p.world.Polls(), 1, "the budget is that of all calls")
	assert.Equal(t, "100 % of world calls of @shop used", p.state().Waits)
	assert.True(t, blocked.Equal(p.state().Next))
	p.after(29*time.Minute, 1)
	assert.Len(t, p.world.Polls(), 2)
	assert.Empty(t, p.state().Waits)
}

// dying is a store of a process that dies after so many writes.
type dying struct {
	host.Store
	left atomic.Int32
}

var errDead = errors.New("dead")

func (d *dying) write() error {
	if d.left.Add(-1) < 0 {
		return errDead
	}
	return nil
}

func (d *dying) AddPolled(ctx context.Context, events []host.Event, where host.ScopedValue) ([]host.Event, error) {
	if err := d.write(); err != nil {
		return nil, err
	}
	return d.Store.AddPolled(ctx, events, where)
}

func (d *dying) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	if err := d.write(); err != nil {
		return host.Run{}, false, err
	}
	return d.Store.CreateRun(ctx, r)
}

func (d *dying) DoneEvent(ctx context.Context, key string) error {
	if err := d.write(); err != nil {
		return err
	}
	return d.Store.DoneEvent(ctx, key)
}

func TestPoll_KilledAnywhere(t *testing.T) {
	t.Parallel()
	const happened = 5
	for writes := range 2 + 2*happened + 3 {
		store := host.NewMemory()
		mortal := &dying{Store: store}
		mortal.left.Store(int32(writes))
		first := newPollLab(t, func(s *host.Setup) { s.Store = mortal })
		first.on("w", published, "")
		first.poll()
		first.settle(1)
		for i := range happened {
			first.world.Happen("published", "shop", fmt.Sprint(i))
		}
		first.after(5*time.Minute, 1)
		_ = first.Dispatch(t.Context())
		first.stop()

		second := newPollLab(t, func(s *host.Setup) { s.Store, s.Connectors, s.Clock = store, first.Connectors, first.clock })
		second.clock = first.clock
		second.poll()
		second.settle(1)
		second.after(5*time.Minute, 1)
		want := map[string]int{"w": happened}
		if writes == 0 {
			want = map[string]int{} // it never learned from where on
		}
		assert.Equal(t, want, second.runs(), "after %d writes", writes)
		second.stop()
	}
}

func TestPoll_LeavesOutWhatIsUnsound(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	p.world.Happen("published", "shop", "1").Payload = []byte("{")
	p.world.Happen("published", "shop", "2")
	p.after(5*time.Minute, 1)
	assert.Equal(t, map[string]int{"w": 1}, p.runs(), "it keeps nothing else out")
	assert.Zero(t, p.state().Failures)
	p.after(5*time.Minute, 1)
	assert.Equal(t, "2", p.world.Polls()[2].GetCursor(), "and is not looked for again")
}

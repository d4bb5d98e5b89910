package host_test

import (
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestPoll_AStartTriesWhatAPersonMayHaveMended(t *testing.T) {
	t.Parallel()
	for kind, polls := range map[connectorv1.FailureKind]int{
		connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED: 2,
		connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED:    1,
	} {
		store := host.NewMemory()
		p := newPollLab(t, func(s *host.Setup) { s.Store = store })
		p.world.Polled = func(int, *connectorv1.PollRequest) *connectorv1.PollResponse { return pollFailure(kind, time.Hour) }
		p.on("w", published, "")
		p.poll()
		p.settle(1)
		p.stop()
		next := newPollLab(t, func(s *host.Setup) { s.Store, s.Connectors, s.Clock = store, p.Connectors, p.clock })
		next.clock, p.world.Polled = p.clock, nil
		next.poll()
		next.settle(1)
		assert.Len(t, p.world.Polls(), polls, "%s", kind)
		next.stop()
	}
}

// restart ends the polls, and begins them again with what the store holds.
func (p *pollLab) restart(store host.Store) *pollLab {
	p.t.Helper()
	p.stop()
	next := newPollLab(p.t, func(s *host.Setup) { s.Store, s.Connectors, s.Clock = store, p.Connectors, p.clock })
	next.clock = p.clock
	next.poll()
	next.settle(1)
	return next
}

func TestPoll_AStartBelievesNoTimeThatIsFarAhead(t *testing.T) {
	t.Parallel()
	store := host.NewMemory()
	p := newPollLab(t, func(s *host.Setup) { s.Store = store })
	p.world.Polled = func(int, *connectorv1.PollRequest) *connectorv1.PollResponse {
		return pollFailure(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, time.Hour)
	}
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	p.clock.Advance(-100 * 24 * time.Hour) // it was wrong
	next := p.restart(store)
	assert.Equal(t, p.clock.Now().Add(24*time.Hour), next.state().Next)
	p.world.Polled = nil
	next.after(24*time.Hour, 1)
	assert.Zero(t, next.state().Failures)
}

func TestPoll_UnreadableStateKeepsNoOtherFromBeingPolled(t *testing.T) {
	t.Parallel()
	store, ctx := host.NewMemory(), t.Context()
	p := newPollLab(t, func(s *host.Setup) { s.Store = store })
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	saved, err := store.Values(ctx, "polls")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	p.stop()
	require.NoError(t, store.PutValue(ctx, "polls", saved[0].Key, []byte(`{"cursor":7}`), host.Written))
	assert.Zero(t, p.state().Last, "it is told of nonetheless")

	p.on("v", "{connector: world, trigger: published, credential: fair}", "")
	next := newPollLab(t, func(s *host.Setup) { s.Store, s.Connectors, s.Clock = store, p.Connectors, p.clock })
	next.clock = p.clock
	next.poll()
	next.settle(2)
	p.world.Happen("published", "shop", "1")
	next.after(5*time.Minute, 2)
	assert.Equal(t, map[string]int{"w": 1, "v": 1}, next.runs())
	next.end()
	assert.Contains(t, next.log.String(), "connector=world trigger=published credential=shop")
}

func TestPoll_AStartForgetsWhatItHasWaitedFor(t *testing.T) {
	t.Parallel()
	store := host.NewMemory()
	p := newPollLab(t, func(s *host.Setup) { s.Store = store })
	p.world.Polled = func(int, *connectorv1.PollRequest) *connectorv1.PollResponse {
		resp := pollFailure(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, time.Minute)
		blocked := timestamppb.New(p.clock.Now().Add(30 * time.Minute))
		resp.Report = &connectorv1.Report{Quotas: []*connectorv1.Quota{{Name: "calls", Subject: "1", Used: 1, BlockedUntil: blocked}}}
		return resp
	}
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	p.after(time.Minute, 1)
	require.NotEmpty(t, p.state().Waits)
	assert.Empty(t, p.restart(store).state().Waits)
}

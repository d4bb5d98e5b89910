package host_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pollLab is a lab whose engine polls.
type pollLab struct {
	*lab
	t     *testing.T
	clock *enginetest.Clock
	stop  func() // Ends the polls, and returns when they have ended.
}

func newPollLab(t *testing.T, change func(*host.Setup)) *pollLab {
	t.Helper()
	p := &pollLab{t: t, clock: enginetest.NewClock()}
	p.lab = newLab(t, func(s *host.Setup) {
		s.Clock, s.Random, s.Vault = p.clock, func() float64 { return 0.5 }, vault{"shop": "m4rker-token", "fair": "other"}
		if change != nil {
			change(s)
		}
	})
	return p
}

// poll begins to poll.
func (p *pollLab) poll() {
	p.t.Helper()
	ctx, halt := context.WithCancel(p.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		assert.NoError(p.t, p.RunPolls(ctx, func() {}))
	}()
	p.stop = func() { halt(); <-done }
	p.t.Cleanup(p.stop)
}

// end ends polls and runs, so that nobody writes to the log any more.
func (p *pollLab) end() {
	p.t.Helper()
	p.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(p.t, p.Close(ctx))
}

// on turns a workflow on.
func (p *pollLab) on(name, trigger, subject string) {
	p.t.Helper()
	doc, err := workflow.Parse(name+".yaml", fmt.Appendf(nil, "{name: %s, trigger: %s, steps: []}", name, trigger))
	require.NoError(p.t, err)
	_, err = p.Define(p.t.Context(), doc, true, subject)
	require.NoError(p.t, err)
}

// settle returns when so many polls wait for their time, beside who arranges them.
func (p *pollLab) settle(polls int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	_, err := p.clock.BlockUntil(ctx, polls+1)
	require.NoError(p.t, err, "polls: %d", len(p.world.Polls()))
}

// after turns the clock and lets the polls have their time.
func (p *pollLab) after(d time.Duration, polls int) {
	p.t.Helper()
	p.clock.Advance(d)
	p.settle(polls)
}

// runs returns how often each workflow has run.
func (p *pollLab) runs() map[string]int {
	p.t.Helper()
	require.NoError(p.t, p.Dispatch(p.t.Context()))
	runs, err := p.Store.Runs(p.t.Context(), host.RunFilter{})
	require.NoError(p.t, err)
	counts := map[string]int{}
	for _, r := range runs {
		counts[r.Workflow]++
	}
	return counts
}

func (p *pollLab) state() host.Poll {
	p.t.Helper()
	all, err := p.Polls(p.t.Context())
	require.NoError(p.t, err)
	require.Len(p.t, all, 1)
	return all[0]
}

const published = "{connector: world, trigger: published, credential: shop}"

func TestPoll_FindsWhatHappensFromNowOn(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.world.Happen("published", "shop", "before")
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	require.Len(t, p.world.Polls(), 1, "at once, to know from where on")
	first := p.world.Polls()[0]
	assert.Empty(t, first.GetCursor())
	assert.Equal(t, "m4rker-token", string(first.GetCall().GetCredential().GetSecret()))
	assert.Empty(t, p.runs())

	for _, id := range []string{"17841405726653027", "2", "3", "4", "5"} {
		p.world.Happen("published", "shop", id)
	}
	p.after(4*time.Minute, 1)
	assert.Len(t, p.world.Polls(), 1)
	p.after(time.Minute, 1)
	assert.Len(t, p.world.Polls(), 4, "page after page, without a wait")
	assert.Equal(t, map[string]int{"w": 5}, p.runs())
	p.after(5*time.Minute, 1)
	assert.Equal(t, map[string]int{"w": 5}, p.runs())

	s := p.state()
	assert.Equal(t, p.clock.Now(), s.Last)
	assert.Equal(t, p.clock.Now().Add(5*time.Minute), s.Next)
	assert.Equal(t, host.Poll{Connector: "world", Trigger: "published", Credential: "shop", Workflows: []string{"w"}, Every: "5m0s", PollState: s.PollState}, s)
	p.end()
	assert.NotContains(t, p.log.String(), "m4rker")
}

func TestPoll_Interval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trigger string
		jitter  float64
		want    time.Duration
	}{
		"polled only":       {published, 0.5, 5 * time.Minute},
		"early":             {published, 0, 270 * time.Second},
		"late":              {published, 1, 330 * time.Second},
		"by webhook too":    {"{connector: world, trigger: commented, credential: shop}", 0.5, time.Hour},
		"said":              {"{connector: world, trigger: published, credential: shop, poll: 90s}", 0.5, 90 * time.Second},
		"said, by webhook":  {"{connector: world, trigger: commented, credential: shop, poll: 1d}", 0.5, 24 * time.Hour},
		"webhook alone":     {"{connector: world, trigger: mentioned, credential: shop}", 0.5, 0},
		"left to webhooks":  {"{connector: world, trigger: commented, credential: shop, poll: never}", 0.5, 0},
		"one of several is": {"{connector: world, trigger: [mentioned, published], credential: shop}", 0.5, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPollLab(t, func(s *host.Setup) { s.Random = func() float64 { return c.jitter } })
			p.on("w", c.trigger, "")
			p.poll()
			if c.want == 0 {
				p.settle(0)
				assert.Empty(t, p.world.Polls())
				return
			}
			p.settle(1)
			assert.Equal(t, p.clock.Now().Add(c.want), p.state().Next)
		})
	}
}

func TestPoll_IsSharedByWhoWantsTheSame(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.on("one", "{connector: world, trigger: published, credential: shop, input: {a: 1, b: 2}}", "")
	p.on("two", "{connector: world, trigger: published, credential: shop, input: {b: 2, a: 1}, poll: 2m}", "")
	p.on("other", "{connector: world, trigger: published, credential: shop, input: {a: 3}}", "")
	p.on("fair", "{connector: world, trigger: published, credential: fair, input: {a: 1, b: 2}}", "")
	p.poll()
	p.settle(3)
	require.Len(t, p.world.Polls(), 3)
	p.world.Polled = func(_ int, req *connectorv1.PollRequest) *connectorv1.PollResponse {
		if strings.Contains(string(req.GetInput()), "3") || string(req.GetCall().GetCredential().GetSecret()) == "other" {
			return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Page{Page: &connectorv1.EventPage{Cursor: req.GetCursor()}}}
		}
		return nil
	}
	p.world.Happen("published", "shop", "1")
	p.after(2*time.Minute, 3)
	assert.Len(t, p.world.Polls(), 4, "as often as the one that wants it most")
	assert.Equal(t, map[string]int{"one": 1, "two": 1}, p.runs(), "and for nobody else")
	p.world.Polled = nil
	p.after(3*time.Minute, 3)
	assert.Equal(t, map[string]int{"one": 1, "two": 1, "other": 1, "fair": 1}, p.runs(), "the same event in another poll is for its own workflows")

	all, err := p.Polls(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, []string{"fair"}, all[0].Workflows)
	assert.Equal(t, []string{"one", "two"}, all[1].Workflows)
	assert.Equal(t, "2m0s", all[1].Every)
}

func TestPoll_FindsLostWebhooks(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.on("w", "{connector: world, trigger: commented, credential: shop}", "shop")
	p.on("elsewhere", "{connector: world, trigger: commented, credential: shop, poll: never}", "fair")
	p.on("beside", "{connector: world, trigger: commented, credential: fair, poll: never}", "shop")
	p.poll()
	p.settle(1)
	came := p.world.Happen("commented", "shop", "came")
	n, err := p.Accept(t.Context(), "world", []*connectorv1.Event{came})
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	lost := p.world.Happen("commented", "shop", "lost")
	p.after(time.Hour, 1)
	assert.Equal(t, map[string]int{"w": 2, "beside": 2}, p.runs(), "the same workflows as by webhook, each once")
	n, err = p.Accept(t.Context(), "world", []*connectorv1.Event{lost})
	require.NoError(t, err)
	assert.Zero(t, n, "a webhook that comes late is known")
}

func TestPoll_FollowsTheWorkflows(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.poll()
	p.settle(0)
	p.on("w", published, "") // while it polls
	p.settle(1)
	require.Len(t, p.world.Polls(), 1)
	p.on("w", "{connector: world, trigger: published, credential: shop, poll: 1m}", "")
	require.Eventually(t, func() bool { // it is arranged anew
		waits, err := p.clock.BlockUntil(t.Context(), 2)
		return err == nil && slices.Contains(waits, p.clock.Now().Add(time.Minute))
	}, time.Minute, time.Millisecond)
	p.after(time.Minute, 1)
	require.Len(t, p.world.Polls(), 2, "the new interval counts at once")
	assert.Equal(t, "0", p.world.Polls()[1].GetCursor(), "it goes on where it was")

	_, err := p.Enable(t.Context(), "w", false)
	require.NoError(t, err)
	p.settle(0)
	require.Eventually(t, func() bool { // what nobody wants is forgotten once it has ended
		values, err := p.Store.Values(t.Context(), "polls")
		return err == nil && len(values) == 0
	}, time.Minute, time.Millisecond)
	p.world.Happen("published", "shop", "while off")
	p.clock.Advance(time.Hour)
	require.Len(t, p.world.Polls(), 2)
	_, err = p.Enable(t.Context(), "w", true)
	require.NoError(t, err)
	p.settle(1)
	require.Len(t, p.world.Polls(), 3)
	p.world.Happen("published", "shop", "after")
	p.after(time.Minute, 1)
	assert.Equal(t, map[string]int{"w": 1}, p.runs())
}

func TestPoll_GoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	store := host.NewMemory()
	p := newPollLab(t, func(s *host.Setup) { s.Store = store })
	p.on("w", published, "")
	p.poll()
	p.settle(1)
	p.stop()
	p.world.Happen("published", "shop", "meanwhile")
	p.clock.Advance(time.Minute)

	next := newPollLab(t, func(s *host.Setup) { s.Store, s.Connectors, s.Clock = store, p.Connectors, p.clock })
	next.world, next.clock = p.world, p.clock
	next.poll()
	next.settle(1)
	assert.Len(t, p.world.Polls(), 1, "a start is no reason to poll")
	next.after(4*time.Minute, 1)
	assert.Len(t, p.world.Polls(), 2)
	assert.Equal(t, map[string]int{"w": 1}, next.runs())
}

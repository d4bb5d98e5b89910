package host

import (
	"context"
	"fmt"
	"time"
)

// pollsAtOnce is how many polls are made at once; more wait.
const pollsAtOnce = 4

// RunPolls looks for the events of triggers that can be polled, until ctx ends or
// the engine closes. It calls stored, which must not block, when new events wait for
// [Engine.Dispatch]. Run it once, beside [Engine.Resume].
func (e *Engine) RunPolls(ctx context.Context, stored func()) error {
	ctx, halt := context.WithCancel(ctx)
	defer halt()
	defer context.AfterFunc(e.stop, halt)()
	p := &poller{e: e, stored: stored, places: make(chan struct{}, pollsAtOnce), going: map[string]*polling{}}
	defer p.end()
	for ctx.Err() == nil {
		changed := e.definitionsChanged()
		look := e.Clock.Now().Add(24 * time.Hour)
		if err := p.arrange(ctx); err != nil && ctx.Err() == nil {
			e.Log.Error("polls could not be arranged; that is tried again in a minute", "error", err)
			look = e.Clock.Now().Add(time.Minute)
		}
		sleep, wake := context.WithCancel(ctx)
		stop := context.AfterFunc(changed, wake)
		_ = e.Clock.SleepUntil(sleep, look)
		stop()
		wake()
	}
	return nil
}

// poller knows the polls that go on.
type poller struct {
	e      *Engine
	stored func()
	places chan struct{} // Taken by polls that are being made.
	going  map[string]*polling
}

// arrange begins the polls that enabled workflows want, and ends the others. What
// nobody wants is forgotten: who wants it again gets what happens from then on, as
// with webhooks.
func (p *poller) arrange(ctx context.Context) error {
	wishes, whole, err := p.e.wishes(ctx)
	if err != nil {
		return err
	}
	for key, g := range p.going {
		if w := wishes[key]; w == nil || w.every != g.every {
			g.end()
			delete(p.going, key)
		}
	}
	values, err := p.e.Store.Values(ctx, pollScope)
	if err != nil {
		return fmt.Errorf("reading where polls stopped: %w", err)
	}
	states := map[string]savedPoll{}
	for _, v := range values {
		switch w := wishes[v.Key]; {
		case w != nil && p.going[v.Key] == nil:
			states[v.Key] = p.e.savedPoll(w, v.Value)
		case w == nil && whole:
			if err := p.e.Store.PutValue(ctx, pollScope, v.Key, nil, Written); err != nil {
				return fmt.Errorf("forgetting a poll: %w", err)
			}
		}
	}
	for key, w := range wishes {
		if p.going[key] == nil {
			p.going[key] = p.begin(ctx, *w, states[key])
		}
	}
	return nil
}

// begin polls until it is told to end.
func (p *poller) begin(ctx context.Context, w wish, state savedPoll) *polling {
	ctx, halt := context.WithCancel(ctx)
	g := &polling{e: p.e, stored: p.stored, places: p.places, wish: w, state: state, halt: halt, done: make(chan struct{})}
	go func() {
		defer close(g.done)
		g.run(ctx)
	}()
	return g
}

func (p *poller) end() {
	for _, g := range p.going {
		g.halt()
	}
	for _, g := range p.going {
		g.end()
	}
}

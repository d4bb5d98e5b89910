package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options configures New. The zero value is a deterministic sandbox with the seed world and a
// clock that stands still.
type Options struct {
	// World is what exists at the start; nil: Seed{}.World() at the clock's time.
	World *World
	// Clock tells the time; nil: one that stands still at SeedTime.
	Clock *Clock
	// HTTP delivers webhooks and asks the verification question; nil: a client that gives up
	// after ten seconds.
	HTTP *http.Client
	// Log gets what happens to webhooks; nil: nothing is logged.
	Log *slog.Logger
}

// A Sandbox is one local Instagram. All methods may be called concurrently.
type Sandbox struct {
	clock    *Clock
	http     *http.Client
	log      *slog.Logger
	pristine []byte // the world at the start, as JSON; Reset goes back to it
	kinds    *kinds
	routes   map[routeKey]*route

	ctx     context.Context // ends with Close: hanging answers and deliveries
	cancel  context.CancelFunc
	done    sync.WaitGroup
	buffers sync.Pool     // of answers
	wake    chan struct{} // has the sender look for due deliveries

	mu sync.Mutex
	// guarded by mu

	app     *App
	st      *state
	usage   *usage
	journal journal
	faults  []*activeFault
	traces  uint64
	sender  sender

	members   []member // room for the objects of one answer
	addresses []byte   // room for its file addresses
}

// New makes a sandbox. Close ends it.
func New(o Options) (*Sandbox, error) {
	if o.Clock == nil {
		o.Clock = NewClock(SeedTime)
	}
	if o.World == nil {
		o.World = Seed{At: o.Clock.Now()}.World()
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.World.check(); err != nil {
		return nil, fmt.Errorf("checking the world: %w", err)
	}
	pristine, err := json.Marshal(o.World)
	if err != nil {
		return nil, fmt.Errorf("copying the world: %w", err)
	}
	s := &Sandbox{
		clock: o.Clock, http: o.HTTP, log: o.Log, pristine: pristine,
		kinds: newKinds(), routes: routeTable(), wake: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.Reset(); err != nil {
		return nil, err
	}
	s.clock.onChange(s.tick)
	s.done.Add(1)
	go s.sendLoop()
	return s, nil
}

// Reset goes back to the world of the start: state, journal, faults, budgets and deliveries.
// The clock stays where it is.
func (s *Sandbox) Reset() error {
	var w World
	d := json.NewDecoder(bytes.NewReader(s.pristine))
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("restoring the world: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st = newState(&w)
	now := s.clock.Now()
	for _, m := range w.Media {
		if m.Product == "STORY" && !now.Before(m.At.Add(storyLife+insightsAfter)) {
			s.st.reported[m.ID] = true // ended before the world began
		}
	}
	s.app = &w.App
	s.usage = newUsage(w.Limits)
	s.journal = journal{counts: map[string]int{}}
	s.faults = nil
	s.sender.reset()
	return nil
}

// Close ends hanging answers and deliveries and waits for the sandbox's goroutines.
func (s *Sandbox) Close() error {
	s.cancel()
	s.done.Wait()
	return nil
}

// Clock returns the sandbox's clock.
func (s *Sandbox) Clock() *Clock { return s.clock }

// tick does what the passing of time does: stories expire, deliveries become due.
func (s *Sandbox) tick() {
	s.mu.Lock()
	s.expireStories(s.clock.Now())
	s.mu.Unlock()
	s.wakeSender()
}

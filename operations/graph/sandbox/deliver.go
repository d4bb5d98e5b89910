package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// maxBatch is the documented number of updates in one POST.
const maxBatch = 1000

// Rules say how webhooks are sent. The zero value sends each update at once and alone.
type Rules struct {
	// Hold keeps updates back until it is false again; they leave together then.
	Hold bool `json:"hold,omitempty"`
	// Batch is how many updates at most go into one POST; 0 is 1.
	Batch int `json:"batch,omitempty"`
	// Duplicate is how many more times each POST is sent.
	Duplicate int `json:"duplicate,omitempty"`
	// Reorder sends what is waiting in the opposite order.
	Reorder bool `json:"reorder,omitempty"`
	// DelaySeconds of sandbox time pass before a POST is sent.
	DelaySeconds int `json:"delay_seconds,omitempty"`
	// WrongSignature signs with a secret that nobody has.
	WrongSignature bool `json:"wrong_signature,omitempty"`
	// Array prints the envelope inside [ ], as Meta's example pages do.
	Array bool `json:"array,omitempty"`
	// Direct puts field and value of a change right into its entry, as Meta's examples for
	// Instagram Login do, instead of into changes.
	Direct bool `json:"direct,omitempty"`
}

// A Delivery is one POST to the callback, sent or waiting.
type Delivery struct {
	ID       int       `json:"id"`
	Flavour  string    `json:"flavour"`
	URL      string    `json:"url"`
	Body     string    `json:"body"`
	Updates  int       `json:"updates"`
	Queued   time.Time `json:"queued"`
	Due      time.Time `json:"due"` // of the next attempt, while State is waiting
	Attempts int       `json:"attempts"`
	Status   int       `json:"status"` // HTTP status of the last attempt, 0 without an answer
	Error    string    `json:"error,omitempty"`
	State    string    `json:"state"` // waiting, delivered, dropped
}

// States of a delivery.
const (
	DeliveryWaiting = "waiting"
	DeliveryDone    = "delivered"
	DeliveryDropped = "dropped"
)

// keptDeliveries is how many finished deliveries stay readable.
const keptDeliveries = 10_000

type sender struct {
	rules      Rules
	pending    []update // not in a delivery yet
	deliveries []*queuedDelivery
	sending    bool
	changed    chan struct{} // closed and replaced whenever something was sent
	lastID     int
}

type queuedDelivery struct {
	Delivery
	flavour flavour
	wrong   bool
	busy    bool
}

func (q *sender) reset() {
	if q.changed != nil {
		close(q.changed)
	}
	*q = sender{changed: make(chan struct{}), lastID: q.lastID}
}

// SetCallback sets the app's webhook without asking the callback the verification question:
// every field, or the named ones.
func (s *Sandbox) SetCallback(callback, verifyToken string, fields ...string) error {
	if err := checkCallback(callback); err != nil {
		return fmt.Errorf("setting the callback: %w", err)
	}
	for _, f := range fields {
		if !slices.Contains(webhookFields, f) {
			return fmt.Errorf("setting the callback: %q is no field of object instagram", f)
		}
	}
	if len(fields) == 0 {
		fields = slices.Clone(webhookFields)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st.subscription = &subscription{url: callback, verifyToken: verifyToken, fields: fields, values: true, version: defaultVersion}
	return nil
}

func checkCallback(callback string) error {
	u, err := url.Parse(callback)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the callback must be an http or https URL")
	}
	return nil
}

// SetRules changes how webhooks are sent from now on.
func (s *Sandbox) SetRules(r Rules) error {
	if r.Batch < 0 || r.Batch > maxBatch || r.Duplicate < 0 || r.DelaySeconds < 0 {
		return fmt.Errorf("setting the delivery rules: batch is from 0 to %d, duplicate and delay_seconds are not negative", maxBatch)
	}
	s.mu.Lock()
	s.sender.rules = r
	s.formDeliveries()
	s.mu.Unlock()
	s.wakeSender()
	return nil
}

// Deliveries returns the POSTs to the callback, oldest first.
func (s *Sandbox) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Delivery, len(s.sender.deliveries))
	for i, d := range s.sender.deliveries {
		list[i] = d.Delivery
	}
	return list
}

// Flush waits until no delivery is due any more: all were answered with 200, were dropped, or
// wait for a later time of the sandbox's clock. It fails when ctx ends first.
func (s *Sandbox) Flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		busy := s.sender.sending || s.sender.due(s.clock.Now()) != nil
		changed := s.sender.changed
		s.mu.Unlock()
		if !busy {
			return nil
		}
		s.wakeSender()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for webhook deliveries: %w", ctx.Err())
		case <-s.ctx.Done():
			return errors.New("waiting for webhook deliveries: the sandbox is closed")
		}
	}
}

// Deliver sends one more POST with a body of the caller's to the callback, signed for a
// flavour ("facebook" or "instagram"): for payloads that the sandbox does not make itself.
// It is sent and retried as all others are; Flush waits for it.
func (s *Sandbox) Deliver(flavourName string, body []byte) error {
	f, ok := map[string]flavour{"facebook": flavourFacebook, "instagram": flavourInstagram}[flavourName]
	if !ok {
		return fmt.Errorf("delivering a webhook: the flavour is %q, not facebook or instagram", flavourName)
	}
	s.mu.Lock()
	if s.st.subscription == nil {
		s.mu.Unlock()
		return errors.New("delivering a webhook: no callback is set")
	}
	s.enqueue(f, body, 1)
	s.mu.Unlock()
	s.wakeSender()
	return nil
}

// formDeliveries puts pending updates into deliveries, as the rules say.
func (s *Sandbox) formDeliveries() {
	q := &s.sender
	sub := s.st.subscription
	if q.rules.Hold || sub == nil || len(q.pending) == 0 {
		return
	}
	pending := q.pending
	q.pending = nil
	if q.rules.Reorder {
		slices.Reverse(pending)
	}
	size := max(1, q.rules.Batch)
	for _, f := range []flavour{flavourFacebook, flavourInstagram} {
		mine := slices.DeleteFunc(slices.Clone(pending), func(u update) bool { return u.flavour != f })
		for part := range slices.Chunk(mine, size) {
			s.enqueue(f, envelope(part, sub.values, q.rules.Direct), len(part))
		}
	}
}

func (s *Sandbox) enqueue(f flavour, body []byte, updates int) {
	q := &s.sender
	if q.rules.Array {
		body = append(append([]byte{'['}, body...), ']')
	}
	now := s.clock.Now()
	for range 1 + q.rules.Duplicate {
		q.lastID++
		q.deliveries = append(q.deliveries, &queuedDelivery{flavour: f, wrong: q.rules.WrongSignature, Delivery: Delivery{
			ID: q.lastID, Flavour: f.String(), URL: s.st.subscription.url, Body: string(body), Updates: updates,
			Queued: now, Due: now.Add(time.Duration(q.rules.DelaySeconds) * time.Second), State: DeliveryWaiting,
		}})
	}
	if over := len(q.deliveries) - keptDeliveries; over > 0 {
		q.deliveries = slices.DeleteFunc(q.deliveries, func(d *queuedDelivery) bool {
			over--
			return over >= 0 && d.State != DeliveryWaiting
		})
	}
}

// due returns the first delivery whose time has come.
func (q *sender) due(now time.Time) *queuedDelivery {
	for _, d := range q.deliveries {
		if d.State == DeliveryWaiting && !d.busy && !d.Due.After(now) {
			return d
		}
	}
	return nil
}

// next is when the next waiting delivery is due.
func (q *sender) next() (at time.Time, ok bool) {
	for _, d := range q.deliveries {
		if d.State == DeliveryWaiting && (!ok || d.Due.Before(at)) {
			at, ok = d.Due, true
		}
	}
	return at, ok
}

package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// World is a small remote service with a connector to it, named "world". It has
//
//	list     READ, three pages of items with ids of 17 digits
//	get      READ of one item
//	post     WRITE that happens again if it is repeated; can be looked up afterwards
//	send     WRITE that happens again if it is repeated, and nobody can tell
//	publish  WRITE in two stages, with a resume token after the first
//	delete   DESTRUCTIVE, harmless to repeat
//
// and events: "mentioned" and "followed" come by webhook, "published" is found by
// polls, "commented" is both.
type World struct {
	host.Connector // What a workflow does not ask for.

	// Before is asked before a call has its effect; an answer takes the place of the
	// effect. It may be nil.
	Before func(ctx context.Context, call Call) *connectorv1.Failure
	// After is asked once a call has had its effect; an answer hides that. It may be
	// nil.
	After func(ctx context.Context, call Call) *connectorv1.Failure
	// Report goes with each answer. It may be nil.
	Report func(call Call) *connectorv1.Report
	// Items is how many there are. Zero means 7.
	Items int
	// Polled is asked before a poll, from 1; an answer takes the place of what would be
	// found. It may be nil.
	Polled func(nth int, req *connectorv1.PollRequest) *connectorv1.PollResponse

	mu sync.Mutex
	// Guarded by mu.
	calls   []Call
	feed    []*connectorv1.Event // What polls find.
	polls   []*connectorv1.PollRequest
	done    []Call // Writes that have happened.
	at      int    // Calls under way,
	highest int    // and the most at once.
}

// Call is one call as the world saw it.
type Call struct {
	Operation string
	Input     string
	ID        string
	Key       string
	Resume    string
	Token     string // Secret of the credential.
	Nth       int    // Of this operation, from 1.
}

var _ host.Connector = (*World)(nil)

// Catalog returns what the world offers.
func (w *World) Catalog() *connectorv1.Catalog {
	const (
		read, write = connectorv1.Effect_EFFECT_READ, connectorv1.Effect_EFFECT_WRITE
		once        = connectorv1.Idempotency_IDEMPOTENCY_NONE
	)
	input := []byte(`{"type":"object","additionalProperties":false,"properties":{
		"id":{"type":"string","examples":["17841405726653027"]},"text":{"type":"string"},"n":{"type":"integer"},"password":{"type":"string","x-secret":true}}}`)
	item := `{"type":"object","additionalProperties":false,"properties":{"id":{"type":"string"},"likes":{"type":"integer"}}}`
	page := []byte(`{"type":"object","additionalProperties":false,"properties":{"data":{"type":"array","items":` + item + `},"total":{"type":"integer"}}}`)
	written := []byte(`{"type":"object","properties":{"id":{"type":"string"}}}`)

	return &connectorv1.Catalog{
		Name: "world", Version: "1.2.0", Title: "World",
		Operations: []*connectorv1.Operation{
			{Name: "list", Effect: read, Paginated: true, ItemsPointer: "/data", InputSchema: input, OutputSchema: page},
			{Name: "get", Effect: read, InputSchema: input, OutputSchema: []byte(item)},
			{Name: "post", Effect: write, Idempotency: once, Reconcilable: true, InputSchema: input, OutputSchema: written},
			{Name: "send", Effect: write, Idempotency: once, InputSchema: input, OutputSchema: written},
			{Name: "publish", Effect: write, Idempotency: once, LongRunning: true, InputSchema: input, OutputSchema: written},
			{Name: "delete", Effect: connectorv1.Effect_EFFECT_DESTRUCTIVE, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_INHERENT, InputSchema: input, OutputSchema: written},
		},
		Triggers: []*connectorv1.Trigger{
			{Name: "mentioned", Webhook: true, InputSchema: []byte(`{"type":"object"}`), OutputSchema: []byte(`{"type":"object","properties":{"media_id":{"type":"string"}}}`)},
			{Name: "followed", Webhook: true, InputSchema: []byte(`{"type":"object"}`)},
			{Name: "commented", Webhook: true, Pollable: true, InputSchema: []byte(`{"type":"object"}`)},
			{Name: "published", Pollable: true, InputSchema: []byte(`{"type":"object"}`)},
		},
	}
}

// Validate finds nothing wrong.
func (w *World) Validate(context.Context, *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	return &connectorv1.ValidateResponse{}, nil
}

// Invoke makes a call.
func (w *World) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	c := w.enter(req)
	defer w.leave()
	resp := &connectorv1.InvokeResponse{}
	if w.Report != nil {
		resp.Report = w.Report(c)
	}
	if f := w.before(ctx, c); f != nil {
		resp.Outcome = &connectorv1.InvokeResponse_Failure{Failure: f}
		return resp
	}
	result := w.effect(c)
	if f := w.after(ctx, c); f != nil {
		resp.Outcome = &connectorv1.InvokeResponse_Failure{Failure: f}
		return resp
	}
	resp.Outcome = &connectorv1.InvokeResponse_Result{Result: result}
	return resp
}

// InvokeStream makes a call that tells when its first stage is done.
func (w *World) InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse)) {
	c := w.enter(req)
	defer w.leave()
	fail := func(f *connectorv1.Failure) {
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{Failure: f}})
	}
	if c.Resume == "" {
		w.happen(Call{Operation: "container", Key: c.Key})
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Progress{
			Progress: &connectorv1.Progress{Message: "uploaded", ResumeToken: "container"},
		}})
	}
	if ctx.Err() != nil {
		fail(Lost())
		return
	}
	if f := w.before(ctx, c); f != nil {
		fail(f)
		return
	}
	result := w.effect(c)
	if f := w.after(ctx, c); f != nil {
		fail(f)
		return
	}
	each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Page{Page: result}})
}

// Reconcile looks whether a post has happened.
func (w *World) Reconcile(_ context.Context, req *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, Call{Operation: "reconcile", Key: req.GetCall().GetIdempotencyKey(), Input: string(req.GetInput())})
	for _, c := range w.done {
		if c.Operation == req.GetOperation() && c.Key == req.GetCall().GetIdempotencyKey() {
			return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Happened{Happened: written(c)}}
		}
	}
	return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_NotHappened{NotHappened: &connectorv1.NotHappened{}}}
}

func (w *World) enter(req *connectorv1.InvokeRequest) Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := Call{
		Operation: req.GetOperation(), Input: string(req.GetInput()), ID: req.GetCall().GetId(),
		Key: req.GetCall().GetIdempotencyKey(), Resume: req.GetResumeToken(), Token: string(req.GetCall().GetCredential().GetSecret()), Nth: 1,
	}
	for _, old := range w.calls {
		if old.Operation == c.Operation {
			c.Nth++
		}
	}
	w.calls = append(w.calls, c)
	w.at++
	w.highest = max(w.highest, w.at)
	return c
}

func (w *World) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at--
}

func (w *World) before(ctx context.Context, c Call) *connectorv1.Failure {
	if w.Before == nil {
		return nil
	}
	return w.Before(ctx, c)
}

func (w *World) after(ctx context.Context, c Call) *connectorv1.Failure {
	if w.After == nil {
		return nil
	}
	return w.After(ctx, c)
}

// effect does what a call is for.
func (w *World) effect(c Call) *connectorv1.Result {
	switch c.Operation {
	case "list":
		return w.page(c.Resume)
	case "get":
		var in struct {
			ID string `json:"id"`
		}
		if json.Unmarshal([]byte(c.Input), &in) != nil {
			return nil
		}
		return &connectorv1.Result{Output: fmt.Appendf(nil, `{"id":%q,"likes":17841405726653027}`, in.ID)}
	}
	if c.Operation != "publish" || !w.published(c.Key) {
		w.happen(c)
	}
	return written(c)
}

// published reports whether a container has been published: that happens once.
func (w *World) published(key string) bool {
	for _, c := range w.Happened("publish") {
		if c.Key == key {
			return true
		}
	}
	return false
}

func written(c Call) *connectorv1.Result {
	return &connectorv1.Result{Output: fmt.Appendf(nil, `{"id":%q}`, "new "+c.Key)}
}

func (w *World) happen(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, c)
}

// page returns three items at a time.
func (w *World) page(token string) *connectorv1.Result {
	const size = 3
	all := w.Items
	if all == 0 {
		all = 7
	}
	from, err := strconv.Atoi(token)
	if err != nil {
		from = 0
	}
	b := []byte(`{"data":[`)
	for i := from; i < min(from+size, all); i++ {
		if i > from {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"likes":1.50, "id":"1784140572665%04d"}`, i)
	}
	result := &connectorv1.Result{Output: fmt.Appendf(b, `],"total":%d}`, all)}
	if from+size < all {
		result.NextToken = strconv.Itoa(from + size)
	}
	return result
}

// Calls returns all calls of an operation, or of all for "".
func (w *World) Calls(operation string) []Call { return w.only(&w.calls, operation) }

// Happened returns the writes of an operation that have happened.
func (w *World) Happened(operation string) []Call { return w.only(&w.done, operation) }

// AtOnce returns the most calls that were under way at the same time.
func (w *World) AtOnce() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.highest
}

func (w *World) only(from *[]Call, operation string) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Call
	for _, c := range *from {
		if operation == "" || c.Operation == operation {
			out = append(out, c)
		}
	}
	return out
}

// Lost is the failure of a call whose answer never came.
func Lost() *connectorv1.Failure {
	return &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, Applied: connectorv1.Applied_APPLIED_UNKNOWN, Message: "The connection broke."}
}

// Failed is a failure of a call that certainly had no effect.
func Failed(kind connectorv1.FailureKind, message string) *connectorv1.Failure {
	return &connectorv1.Failure{Kind: kind, Applied: connectorv1.Applied_APPLIED_NO, Message: message}
}

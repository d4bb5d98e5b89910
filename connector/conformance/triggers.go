package conformance

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

func (k *kit) triggersHaveCases(r Reporter) {
	for _, t := range k.catalog.GetTriggers() {
		c, ok := k.Triggers[t.GetName()]
		switch {
		case !ok:
			r.Errorf("trigger %s has no case: add one to Config.Triggers", t.GetName())
		case c.Happen == nil:
			r.Errorf("trigger %s has a case in which nothing happens: give Happen", t.GetName())
		}
	}
}

// receive hands a webhook request to a connector, as a host does.
func (k *kit) receive(r Reporter, p *process, req *connectorv1.ReceiveRequest) *connectorv1.ReceiveResponse {
	r.Helper()
	req = proto.CloneOf(req)
	if req.App == nil {
		req.App = k.app()
	}
	if req.ReceivedAt == nil {
		req.ReceivedAt = timestamppb.Now()
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := p.Receive(ctx, req)
	if err != nil {
		r.Fatalf("Receive: %v", err)
	}
	if status := resp.GetReply().GetStatus(); status < 200 || status > 599 {
		r.Errorf("Receive replies with HTTP status %d", status)
	}
	return resp
}

func (k *kit) handshake(r Reporter) {
	k.front.set(pass, 0)
	right := k.receive(r, k.process(r), k.Handshake.Request)
	if reply := right.GetReply(); !welcome(right) || string(reply.GetBody()) != k.Handshake.Reply {
		r.Errorf("the handshake should be answered with 200 and %q; it was %d and %q", k.Handshake.Reply, reply.GetStatus(), reply.GetBody())
	}
	wrong := k.receive(r, k.process(r), k.Handshake.Wrong)
	if welcome(wrong) {
		r.Errorf("a handshake with a wrong token is answered with %d", wrong.GetReply().GetStatus())
	}
	if len(right.GetEvents())+len(wrong.GetEvents()) > 0 {
		r.Errorf("a handshake brings events")
	}
	k.noNetwork(r)
}

func (k *kit) noNetwork(r Reporter) {
	if sent, _, _ := k.front.counts(); sent > 0 {
		r.Errorf("Receive sent %d requests: it must do without the network, since the service waits for the reply", sent)
	}
}

func welcome(resp *connectorv1.ReceiveResponse) bool { return resp.GetReply().GetStatus() < 300 }

// strayWebhooks sends what scanners and the confused send.
func (k *kit) strayWebhooks(r Reporter) {
	k.front.set(pass, 0)
	p := k.process(r)
	for _, req := range []*connectorv1.ReceiveRequest{
		{Method: "GET"},
		{Method: "GET", Query: "hub.mode=subscribe&%zz"},
		{Method: "PUT", Body: []byte("{}")},
		{Method: "POST"},
		{Method: "POST", Body: []byte("{}")},
		{Method: "POST", Body: []byte("[[[[[[[[")},
		{Method: "POST", Body: []byte{0xff, 0xfe, 0x00}},
		{Method: "POST", Headers: []*connectorv1.Header{{Name: "X-Hub-Signature-256", Value: "sha256=zz"}}, Body: []byte(`{"entry":[{"id":1e999}]}`)},
	} {
		if resp := k.receive(r, p, req); len(resp.GetEvents()) > 0 {
			r.Errorf("a stray %s %q brings events", req.GetMethod(), req.GetBody())
		}
	}
	k.noNetwork(r)
}

// triggersTell has something happen for each trigger, and looks that it is told
// once: by webhook, by its second delivery, after a restart, and by poll.
func (k *kit) triggersTell(r Reporter) {
	var restarted *process
	if slices.ContainsFunc(k.catalog.GetTriggers(), (*connectorv1.Trigger).GetWebhook) {
		var err error
		if restarted, err = k.launch(r.Context()); err != nil {
			r.Fatalf("%v", err)
		}
		defer restarted.end()
	}
	for _, t := range k.catalog.GetTriggers() {
		c, ok := k.Triggers[t.GetName()]
		if !ok || c.Happen == nil {
			continue // Another check has failed.
		}
		r.Run(t.GetName(), func(r Reporter) { k.triggerTells(r, t, c, restarted) })
	}
}

func (k *kit) triggerTells(r Reporter, t *connectorv1.Trigger, c Trigger, restarted *process) {
	if k.Reset != nil {
		k.Reset()
	}
	p := k.process(r)
	subscription := k.subscribe(r, p, t, c)
	cursor := ""
	if t.GetPollable() {
		_, cursor = k.poll(r, p, t, c, "")
	}
	delivery := c.Happen()
	var told []*connectorv1.Event
	switch {
	case t.GetWebhook() && delivery == nil:
		r.Errorf("its events come by webhook, and Happen returned no request")
	case t.GetWebhook():
		told = k.delivered(r, p, t, c, delivery, restarted)
	}
	if t.GetPollable() && c.NotPolled == "" {
		found, next := k.poll(r, p, t, c, cursor)
		k.checkEvents(r, t, found, subscription)
		if len(found) == 0 {
			r.Errorf("a poll does not find what happened: say in NotPolled why, if it cannot")
		}
		for _, e := range told {
			if len(found) > 0 && !slices.Contains(ids(found), e.GetId()) {
				r.Errorf("the event is %q by webhook, and a poll finds %q: a host would take it for two", e.GetId(), ids(found))
			}
		}
		if again, _ := k.poll(r, p, t, c, next); len(again) > 0 {
			r.Errorf("a poll from its last cursor finds the same again: %q", ids(again))
		}
	}
	k.checkEvents(r, t, told, subscription)
	k.unsubscribe(r, p, t, c, subscription)
}

// delivered hands a delivery in twice, to two processes, and then forged.
func (k *kit) delivered(r Reporter, p *process, t *connectorv1.Trigger, c Trigger, d *connectorv1.ReceiveRequest, restarted *process) []*connectorv1.Event {
	k.front.set(pass, 0)
	resp := k.receive(r, p, d)
	all := resp.GetEvents()
	var mine []*connectorv1.Event
	for _, e := range all {
		if e.GetTrigger() == t.GetName() {
			mine = append(mine, e)
		}
	}
	if !welcome(resp) || len(mine) == 0 {
		r.Errorf("a delivery should be answered with 200 and bring an event; it was %d with %d events of the trigger", resp.GetReply().GetStatus(), len(mine))
	}
	later := proto.CloneOf(d)
	later.ReceivedAt = timestamppb.New(time.Now().Add(time.Hour))
	for what, again := range map[string]*connectorv1.ReceiveResponse{
		"a second delivery":          k.receive(r, p, later),
		"a delivery after a restart": k.receive(r, restarted, later),
	} {
		if !slices.Equal(ids(all), ids(again.GetEvents())) {
			r.Errorf("%s has other ids: %q, and %q at first: the host could not drop it", what, ids(again.GetEvents()), ids(all))
		}
	}
	k.noNetwork(r)

	if c.Unsigned != "" {
		r.Logf("no forgery was tried: %s", c.Unsigned)
		return mine
	}
	forged := proto.CloneOf(d)
	forged.Body = append(slices.Clone(d.GetBody()), ' ') // Still JSON, but not what was signed.
	if resp := k.receive(r, p, forged); welcome(resp) || len(resp.GetEvents()) > 0 {
		r.Errorf("a forged delivery is answered with %d and brings %d events", resp.GetReply().GetStatus(), len(resp.GetEvents()))
	}
	unsigned := proto.CloneOf(d)
	unsigned.Headers = nil
	if resp := k.receive(r, p, unsigned); welcome(resp) || len(resp.GetEvents()) > 0 {
		r.Errorf("a delivery without any header, and so without a signature, is answered with %d and brings %d events", resp.GetReply().GetStatus(), len(resp.GetEvents()))
	}
	return mine
}

func (k *kit) checkEvents(r Reporter, t *connectorv1.Trigger, events []*connectorv1.Event, s *connectorv1.Subscription) {
	payload, err := validate.Compile(t.GetOutputSchema())
	if err != nil {
		r.Fatalf("the payload's schema: %v", err)
	}
	seen := map[string]bool{}
	for _, e := range events {
		if e.GetId() == "" || seen[e.GetId()] {
			r.Errorf("an event has no id of its own: %q", e.GetId())
		}
		seen[e.GetId()] = true
		if e.GetTrigger() != t.GetName() {
			r.Errorf("event %s is of the trigger %q", e.GetId(), e.GetTrigger())
		}
		if s != nil && e.GetSubject() != s.GetSubject() {
			r.Errorf("event %s has the subject %q, and its subscription %q: a host could not tell whose it is", e.GetId(), e.GetSubject(), s.GetSubject())
		}
		problems, err := payload.Check(e.GetPayload())
		if err != nil {
			r.Errorf("event %s: its payload is %v", e.GetId(), err)
		}
		for _, p := range problems {
			r.Errorf("event %s: its payload does not fit its schema: %s %s", e.GetId(), pointerOr(p.Pointer), p.Message)
		}
	}
}

// subscribe asks for events. The service may make sure of the receiver at once,
// so a receiver stands behind the URL for as long as it takes.
func (k *kit) subscribe(r Reporter, p *process, t *connectorv1.Trigger, c Trigger) *connectorv1.Subscription {
	if !t.GetWebhook() {
		return nil
	}
	url, stop := k.serveCallback(r, p)
	defer stop()
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := p.Subscribe(ctx, &connectorv1.SubscribeRequest{
		Call: k.call(c.Credential), App: k.app(), Trigger: t.GetName(), Input: orEmpty(c.Input), CallbackUrl: url,
	})
	if err != nil {
		r.Fatalf("Subscribe: %v", err)
	}
	if f := resp.GetFailure(); f != nil {
		r.Fatalf("Subscribe: %s", told(f))
	}
	if resp.GetSubscription().GetSubject() == "" {
		r.Errorf("the subscription has no subject: a host could not tell whose events are meant")
	}
	return resp.GetSubscription()
}

// unsubscribe does it twice: there may be nothing to undo.
func (k *kit) unsubscribe(r Reporter, p *process, t *connectorv1.Trigger, c Trigger, s *connectorv1.Subscription) {
	if s == nil {
		return
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	for _, when := range []string{"Unsubscribe", "Unsubscribe a second time"} {
		resp, err := p.Unsubscribe(ctx, &connectorv1.UnsubscribeRequest{Call: k.call(c.Credential), App: k.app(), Trigger: t.GetName(), Subscription: s})
		if err != nil {
			r.Fatalf("%s: %v", when, err)
		}
		if f := resp.GetFailure(); f != nil {
			r.Errorf("%s: %s", when, told(f))
		}
	}
}

// poll looks for all that is new since a cursor.
func (k *kit) poll(r Reporter, p *process, t *connectorv1.Trigger, c Trigger, cursor string) (events []*connectorv1.Event, next string) {
	for range maxPages {
		ctx, cancel := k.bound(r.Context())
		resp, err := p.Poll(ctx, &connectorv1.PollRequest{Call: k.call(c.Credential), Trigger: t.GetName(), Input: orEmpty(c.Input), Cursor: cursor})
		cancel()
		if err != nil {
			r.Fatalf("Poll: %v", err)
		}
		if f := resp.GetFailure(); f != nil {
			r.Fatalf("Poll: %s", told(f))
		}
		events = append(events, resp.GetPage().GetEvents()...)
		if cursor = resp.GetPage().GetCursor(); cursor == "" {
			r.Errorf("a poll returns no cursor: the next would begin anew")
		}
		if !resp.GetPage().GetMore() {
			return events, cursor
		}
	}
	r.Fatalf("after %d polls there is still more", maxPages)
	return nil, ""
}

// serveCallback serves a host's webhook endpoint on loopback.
func (k *kit) serveCallback(r Reporter, p *process) (url string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatalf("serving the webhook endpoint: %v", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // The service has given it up.
		}
		in := &connectorv1.ReceiveRequest{App: k.app(), Method: req.Method, Query: req.URL.RawQuery, Body: body, ReceivedAt: timestamppb.Now()}
		for name, values := range req.Header {
			for _, v := range values {
				in.Headers = append(in.Headers, &connectorv1.Header{Name: name, Value: v})
			}
		}
		ctx, cancel := context.WithTimeout(req.Context(), k.CallTimeout)
		defer cancel()
		out, err := p.Receive(ctx, in)
		if err != nil {
			http.Error(w, "the connector is broken", http.StatusBadGateway)
			return
		}
		for _, h := range out.GetReply().GetHeaders() {
			w.Header().Add(h.GetName(), h.GetValue())
		}
		w.WriteHeader(int(out.GetReply().GetStatus()))
		_, _ = w.Write(out.GetReply().GetBody())
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // It ends when stop closes it.
	}()
	return "http://" + l.Addr().String() + "/webhook", func() { _ = server.Close(); <-done }
}

func ids(events []*connectorv1.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.GetId())
	}
	return all
}

func orEmpty(input []byte) []byte {
	if len(input) == 0 {
		return []byte("{}")
	}
	return input
}

package operations

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// session is one call's way to Meta: whom it acts for, and what it has spent.
type session struct {
	api   *api
	call  *connector.Call
	key   key
	graph *graph.Client
	poll  time.Duration
	ahead time.Duration // How far Meta's clock is ahead of ours, by its last answer.
}

// open reads the credential of a call.
func (a *api) open(c *connector.Call) (*session, error) {
	k, err := readKey(c.Credential.Secret)
	if err != nil {
		return nil, err
	}
	conf := a.current.Load()
	return &session{api: a, call: c, key: k, graph: conf.graph, poll: conf.poll}, nil
}

// handle binds a handler that wants a session. It refuses a credential of the
// wrong login before anything is sent.
func handle[In, Out any](a *api, op connector.Operation, h func(context.Context, *session, In) (Out, string, error)) connector.Operation {
	return connector.Handle(op, func(ctx context.Context, c *connector.Call, in In) (out Out, next string, err error) {
		s, err := a.openFor(c, op.AuthMethods)
		if err != nil {
			return out, "", err
		}
		out, next, err = h(ctx, s, in)
		return out, next, failure(err)
	})
}

// reconcile binds a look-up that wants a session.
func reconcile[In, Out any](a *api, op connector.Operation, look func(context.Context, *session, In, time.Time) (Out, bool, error)) connector.Operation {
	return connector.Reconcile(op, func(ctx context.Context, c *connector.Call, in In, at time.Time) (out Out, happened bool, err error) {
		s, err := a.openFor(c, op.AuthMethods)
		if err != nil {
			return out, false, err
		}
		out, happened, err = look(ctx, s, in, at)
		return out, happened, failure(err)
	})
}

// openFor is open for what works with some auth methods only; none means all. A
// pasted token is of one login or the other, so that its host decides.
func (a *api) openFor(c *connector.Call, methods []string) (*session, error) {
	s, err := a.open(c)
	if err != nil {
		return nil, err
	}
	have, want, suits := "Facebook Login", "Instagram Login", facebookLogin
	if s.instagram() {
		have, want, suits = want, have, instagramLogin
	}
	if len(methods) > 0 && !slices.Contains(methods, suits) {
		return nil, &connector.Error{
			Kind: connector.Precondition, Applied: connector.AppliedNo,
			Message: "This needs a credential of " + want + "; this one is of " + have + ".",
		}
	}
	return s, nil
}

// instagram reports whether the credential is of Instagram Login.
func (s *session) instagram() bool { return s.key.Host == graph.Instagram }

// do sends a request with the credential's token, unless it has one already, and
// keeps the books.
func (s *session) do(ctx context.Context, r graph.Request) (*graph.Response, error) {
	if r.Host == "" {
		r.Host = s.key.Host
	}
	if r.Token == "" {
		r.Token, r.Proof = s.key.Token, s.key.Proof
	}
	resp, err := s.graph.Do(ctx, r)
	s.call.Spend(1, quotas(resp, err)...)
	if err != nil {
		return nil, err
	}
	s.ahead = time.Until(resp.At)
	return resp, nil
}

// fields reads fields of a node into out.
func (s *session) fields(ctx context.Context, path, fields string, out any) error {
	return s.read(ctx, graph.Request{Path: path, Fields: fields}, out)
}

// get reads a node or an edge into out.
func (s *session) get(ctx context.Context, path string, params url.Values, out any) error {
	return s.read(ctx, graph.Request{Path: path, Params: params}, out)
}

// post sends a form and reads the answer into out.
func (s *session) post(ctx context.Context, path string, params url.Values, out any) error {
	return s.read(ctx, graph.Request{Method: http.MethodPost, Path: path, Params: params}, out)
}

// change does something that Meta answers with {"success":true}. The Messenger
// Platform says {"result":"success"} now and then.
func (s *session) change(ctx context.Context, r graph.Request) (done, string, error) {
	var answer struct {
		Success *bool  `json:"success"`
		Result  string `json:"result"`
	}
	if err := s.read(ctx, r, &answer); err != nil {
		return done{}, "", err
	}
	if answer.Success != nil && !*answer.Success {
		return done{}, "", &connector.Error{Kind: connector.Refused, Applied: connector.AppliedNo, Message: "Instagram says that it did not succeed."}
	}
	return done{Success: true}, "", nil
}

func (s *session) read(ctx context.Context, r graph.Request, out any) error {
	resp, err := s.do(ctx, r)
	if err != nil {
		return err
	}
	return resp.Decode(out)
}

// page reads one page of an edge: the one that the call asks for, or the first.
func (s *session) page(ctx context.Context, path string, params url.Values) (list, string, error) {
	return s.pageOf(ctx, graph.Request{Path: path, Params: params})
}

func (s *session) pageOf(ctx context.Context, r graph.Request) (list, string, error) {
	r.Params = with(r.Params, graph.Cursor(s.call.Resume))
	resp, err := s.do(ctx, r)
	if err != nil {
		return list{}, "", err
	}
	page, err := resp.Page()
	if err != nil {
		return list{}, "", err
	}
	return list{Data: page.Data}, page.Next.Encode(), nil
}

// with returns parameters with others added or put in their place.
func with(params, more url.Values) url.Values {
	out := maps.Clone(params)
	if out == nil {
		out = url.Values{}
	}
	maps.Copy(out, more)
	return out
}

// metaTime translates a time of our clock into Meta's, as far as its answers tell.
func (s *session) metaTime(t time.Time) time.Time { return t.Add(s.ahead) }

// now is the time by Meta's clock, as far as its answers tell.
func (s *session) now() time.Time { return s.metaTime(time.Now()) }

// fieldsOr joins the fields that a user chose, or else the usual ones. Meta always
// adds the id.
func fieldsOr(chosen []string, usual string) string {
	if len(chosen) == 0 {
		return usual
	}
	return strings.Join(chosen, ",")
}

// quotas takes what an answer said about budgets, whether it was good or not.
func quotas(resp *graph.Response, err error) []connector.Quota {
	var from []graph.Quota
	if e, ok := graphError(err); ok {
		from = e.Quotas
	} else if resp != nil {
		from = resp.Quotas
	}
	var out []connector.Quota
	for _, q := range from {
		out = append(out, connector.Quota{Name: q.Name, Subject: q.Subject, Used: q.Used, BlockedUntil: q.BlockedUntil})
	}
	return out
}

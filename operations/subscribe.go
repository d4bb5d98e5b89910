package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// subscription is what Unsubscribe needs to know.
type subscription struct {
	PageID   string `json:"page_id,omitempty"`
	IGUserID string `json:"ig_user_id"`
}

// subscribe returns a function that has Meta send the updates of fields for an
// account: the app subscribes to the fields, and the account to the app. It refuses
// a credential of the wrong login before anything is sent.
// Source: developers.facebook.com/docs/instagram-platform/webhooks.
func (a *api) subscribe(methods []string, of fieldsOf) func(context.Context, *connector.Call, connector.SubscribeRequest) (connector.Subscription, error) {
	return func(ctx context.Context, c *connector.Call, r connector.SubscribeRequest) (connector.Subscription, error) {
		var sub subscription
		if err := json.Unmarshal(r.Input, &sub); err != nil {
			return connector.Subscription{}, connector.Invalid("", "bad_json", "The trigger's input cannot be read.")
		}
		s, err := a.openFor(c, methods)
		if err != nil {
			return connector.Subscription{}, err
		}
		app, err := readApp(r.App)
		if err != nil {
			return connector.Subscription{}, err
		}
		fields := of(s.instagram())
		if err := s.subscribeApp(ctx, app, fields, r.CallbackURL); err != nil {
			return connector.Subscription{}, failure(err)
		}
		if err := s.subscribeAccount(ctx, &sub, fields); err != nil {
			return connector.Subscription{}, failure(err)
		}
		state, err := json.Marshal(sub)
		return connector.Subscription{Subject: sub.IGUserID, State: state}, err
	}
}

// subscribeApp adds the fields to those that Meta sends to the app's callback URL.
// Without the app's id and secret the operator has done so at Meta's dashboard.
func (s *session) subscribeApp(ctx context.Context, a app, wanted []string, callback string) error {
	if a.ID == "" || a.Secret == "" || a.VerifyToken == "" || callback == "" {
		s.call.Warn(connector.Problem{
			Code: "app_not_subscribed", Summary: "The app itself was not subscribed, for lack of its id, secret, verify token or a callback URL.",
			Detail: "Subscribe to " + strings.Join(wanted, ", ") + " of the object “instagram” at Meta's dashboard.",
		})
		return nil
	}
	asApp := graph.Request{Host: graph.Facebook, Path: "/" + a.ID + "/subscriptions", Token: a.ID + "|" + a.Secret}
	var current struct {
		Data []struct {
			Object   string `json:"object"`
			Callback string `json:"callback_url"`
			Fields   []struct {
				Name string `json:"name"`
			} `json:"fields"`
		} `json:"data"`
	}
	if err := s.read(ctx, asApp, &current); err != nil {
		return err
	}
	var fields []string
	for _, object := range current.Data {
		if object.Object != "instagram" {
			continue
		}
		for _, f := range object.Fields {
			fields = append(fields, f.Name)
		}
		if object.Callback == callback && containsAll(fields, wanted) {
			return nil
		}
	}
	fields = append(fields, wanted...)
	slices.Sort(fields)
	asApp.Method = http.MethodPost
	asApp.Params = url.Values{
		"object": {"instagram"}, "callback_url": {callback}, "verify_token": {a.VerifyToken},
		"fields": {strings.Join(slices.Compact(fields), ",")}, "include_values": {"true"},
	}
	var out json.RawMessage // {"success":true}, or "true" as a string
	return s.read(ctx, asApp, &out)
}

// subscribeAccount installs the app: on the Page with Facebook Login, where any
// field of the Page will do, or on the account with Instagram Login.
func (s *session) subscribeAccount(ctx context.Context, sub *subscription, wanted []string) error {
	var out done
	if !s.instagram() {
		page, err := s.pageKey(ctx, sub.PageID, sub.IGUserID)
		if err != nil {
			return err
		}
		sub.PageID = page.ID
		return s.read(ctx, page.asPage(graph.Request{
			Method: http.MethodPost, Path: "/" + page.ID + "/subscribed_apps", Params: url.Values{"subscribed_fields": {"feed"}},
		}), &out)
	}
	fields, err := s.subscribedFields(ctx)
	if err != nil {
		return err
	}
	wanted = accountFields(wanted)
	if containsAll(fields, wanted) {
		return nil
	}
	fields = append(fields, wanted...)
	slices.Sort(fields)
	return s.post(ctx, "/me/subscribed_apps", url.Values{"subscribed_fields": {strings.Join(slices.Compact(fields), ",")}}, &out)
}

func containsAll(have, wanted []string) bool {
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

// accountFields is what fields are called where an account subscribes to them with
// Instagram Login, which reports mentions as comments.
func accountFields(fields []string) []string {
	var out []string
	for _, f := range fields {
		if f == "mentions" {
			f = "comments"
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// subscribedFields lists what an account of Instagram Login subscribes to.
func (s *session) subscribedFields(ctx context.Context) ([]string, error) {
	var current struct {
		Data []struct {
			Fields []string `json:"subscribed_fields"`
		} `json:"data"`
	}
	if err := s.get(ctx, "/me/subscribed_apps", nil, &current); err != nil {
		return nil, err
	}
	var fields []string
	for _, a := range current.Data {
		fields = append(fields, a.Fields...)
	}
	return fields, nil
}

// unsubscribe returns a function that undoes subscribe for the account. With
// Facebook Login that ends all of the Page's events, since a Page has the app
// installed or not; the app's own subscription serves other accounts and stays.
func (a *api) unsubscribe(of fieldsOf) func(context.Context, *connector.Call, connector.UnsubscribeRequest) error {
	return func(ctx context.Context, c *connector.Call, r connector.UnsubscribeRequest) error {
		var sub subscription
		if err := json.Unmarshal(r.Subscription.State, &sub); err != nil {
			return connector.Invalid("", "bad_state", "The subscription's state cannot be read.")
		}
		s, err := a.open(c)
		if err != nil {
			return err
		}
		if s.instagram() {
			return failure(s.unsubscribeAccount(ctx, of(true)))
		}
		return failure(s.uninstall(ctx, sub))
	}
}

func (s *session) uninstall(ctx context.Context, sub subscription) error {
	page, err := s.pageKey(ctx, sub.PageID, sub.IGUserID)
	if err != nil {
		return err
	}
	var out done
	err = s.read(ctx, page.asPage(graph.Request{Method: http.MethodDelete, Path: "/" + page.ID + "/subscribed_apps"}), &out)
	if isCode(err, 100, 0) {
		return nil // nothing to undo
	}
	return err
}

func (s *session) unsubscribeAccount(ctx context.Context, unwanted []string) error {
	fields, err := s.subscribedFields(ctx)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return slices.Contains(accountFields(unwanted), f) })
	var out done
	switch {
	case len(left) == len(fields):
		return nil
	case len(left) > 0:
		return s.post(ctx, "/me/subscribed_apps", url.Values{"subscribed_fields": {strings.Join(left, ",")}}, &out)
	}
	return s.read(ctx, graph.Request{Method: http.MethodDelete, Path: "/me/subscribed_apps"}, &out)
}

package operations_test

import (
	"encoding/json"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// facts is what Meta's machine-readable specs know: an extract, see
// graph/testdata/facts.go.
type facts struct {
	Nodes map[string]struct {
		Fields map[string]string
		Calls  map[string]struct {
			Params  map[string]string
			Returns string
		}
	}
	Enums map[string][]string
}

// specOf names the spec of a kind of node, with Facebook Login and with Instagram
// Login.
var specOf = map[string][2]string{
	"{ig-user}":      {"IGUser", "IGUserForIGOnlyAPI"},
	"{media}":        {"IGMedia", "IGMediaForIGOnlyAPI"},
	"{comment}":      {"IGComment", "IGComment"},
	"{page}":         {"Page", ""},
	"{user}":         {"User", ""},
	"{container}":    {"ShadowIGMediaBuilder", "ShadowIGMediaBuilder"},
	"{hashtag}":      {"ShadowIGHashtag", ""},
	"{conversation}": {"UnifiedThread", "UnifiedThread"},
	"{app}":          {"Application", ""},

	"access_token":         {"", "IGAccessTokenForIGOnlyAPI"},
	"refresh_access_token": {"", "IGRefreshAccessTokenForIGOnlyAPI"},
}

// returned names the spec of what a call returns, where the specs name it otherwise.
var returned = map[string]string{
	"Media": "IGMediaForIGOnlyAPI", "Comment": "IGComment", "IGGraphMedia": "", "InsightsResult": "InstagramInsightsResult",
	"ApplicationSubscriptions": "", "UserAvailableCatalogs": "", "ContentPublishingLimitResponse": "", "PageThreadOwner": "",
	"UserProfile": "MessengerProfile", "UserSubscribedAppsData": "", "Permission": "",
}

// everywhere are parameters of every call, which no spec repeats.
var everywhere = []string{"fields", "limit", "after", "access_token", "appsecret_proof"}

// exceptions are what the connector sends although the specs do not know it, and
// where it is documented instead.
var exceptions = map[string]string{
	"GET /{message}": "no spec of messages is published; conversations-api",
	"GET /{igsid}":   "no spec of people is published; messaging-api/user-profile",

	"GET /debug_token":                           "no spec of the sign-in endpoints is published; graph-api/reference/debug_token",
	"GET /oauth/access_token":                    "no spec; facebook-login/guides/access-tokens/get-long-lived",
	"POST /api.instagram.com/oauth/access_token": "no spec; instagram-api-with-instagram-login/business-login",
	"GET /ig_hashtag_search":                     "a root edge; instagram-graph-api/reference/ig-hashtag-search",

	"POST /{ig-user}/media_publish":          "the spec of Instagram Login writes mediapublish; content-publishing",
	"POST /{ig-user}/message_attachments":    "the spec of Instagram Login writes messageattachments; messaging-api/send-message",
	"POST /{ig-user}/moderate_conversations": "missing from the spec of Instagram Login; messaging-api",

	"POST /{ig-user}/subscribed_apps ?subscribed_fields=message_echoes": "missing from the spec of Instagram Login; instagram-platform/webhooks",

	"Page.tasks": "missing from the spec; Meta's own Postman collection asks for it with me/accounts",
}

// contract collects what the requests of a test do that the specs do not know.
type contract struct {
	facts  facts
	used   map[string]bool // exceptions that were needed
	wrongs map[string]bool
}

func (c *contract) wrong(what string) {
	if _, ok := exceptions[what]; ok {
		c.used[what] = true
		return
	}
	c.wrongs[what] = true
}

// check compares a request with the specs.
func (c *contract) check(r sandbox.Request) {
	if strings.HasPrefix(r.Host, "www.") {
		return // a page for people
	}
	method, path, _ := strings.Cut(r.Route, " /")
	kind, edge, _ := strings.Cut(path, "/")
	flavour := 0
	if r.Host == "graph.instagram.com" {
		flavour = 1
	}
	name := specOf[kind][flavour]
	if name == "" {
		c.wrong(r.Route)
		return
	}
	call, ok := c.facts.Nodes[name].Calls[method+" "+edge]
	if !ok && !(method == "GET" && edge == "") {
		c.wrong(r.Route)
		return
	}
	for param, value := range r.Params {
		if slices.Contains(everywhere, param) {
			continue
		}
		kind, ok := call.Params[param]
		if !ok {
			c.wrong(r.Route + " ?" + param)
			continue
		}
		c.checkEnum(r.Route+" ?"+param, kind, value)
	}
	target := name // an update returns the node, too
	if edge != "" {
		target = call.Returns
		if renamed, ok := returned[target]; ok {
			target = renamed
		}
	}
	c.checkFields(target, r.Params["fields"])
}

// checkEnum compares the value of a parameter with the values that the specs list.
func (c *contract) checkEnum(where, kind, value string) {
	list := strings.HasPrefix(kind, "list<")
	allowed, ok := c.facts.Enums[strings.TrimSuffix(strings.TrimPrefix(kind, "list<"), ">")]
	if !ok {
		return
	}
	values := []string{value}
	if list {
		if json.Unmarshal([]byte(value), &values) != nil {
			values = strings.Split(value, ",")
		}
	}
	for _, v := range values {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, v) }) {
			c.wrong(where + "=" + v)
		}
	}
}

// checkFields compares a list of fields, and what is nested in it, with a spec.
func (c *contract) checkFields(name, fields string) {
	spec, ok := c.facts.Nodes[name]
	if !ok {
		return // nor of this
	}
	for _, f := range splitFields(fields) {
		plain, rest, _ := strings.Cut(f, "{")
		field, _, _ := strings.Cut(plain, ".")
		kind, ok := spec.Fields[field]
		if edge, isEdge := spec.Calls["GET "+field]; isEdge {
			kind, ok = edge.Returns, true
			if renamed, known := returned[kind]; known {
				kind = renamed
			}
		}
		if !ok && field != "id" {
			c.wrong(name + "." + field)
			continue
		}
		if nested := strings.TrimSuffix(rest, "}"); nested != "" {
			if _, known := c.facts.Nodes[kind]; known {
				c.checkFields(kind, nested)
			}
		}
	}
}

// splitFields splits at the commas outside of braces and parentheses.
func splitFields(fields string) []string {
	var out []string
	depth, start := 0, 0
	for i, r := range fields {
		switch r {
		case '{', '(':
			depth++
		case '}', ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, fields[start:i])
				start = i + 1
			}
		}
	}
	if start < len(fields) {
		out = append(out, fields[start:])
	}
	return out
}

// No operation sends a path, parameter, field or value that Meta's specs do not
// know, but for a few that are listed with where they are documented.
func TestContract(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("graph/testdata/facts.json")
	require.NoError(t, err)
	c := &contract{used: map[string]bool{}, wrongs: map[string]bool{}}
	require.NoError(t, json.Unmarshal(raw, &c.facts))
	n := 0
	check := func(r *rig) {
		for _, request := range r.Requests() {
			n++
			c.check(request)
		}
	}
	eachExample(t, func(t *testing.T, r *rig, e example) {
		_, _, failure := r.follow(t, e.GetName(), e.input, "")
		require.Nil(t, failure, "%v", failure)
		check(r)
	})
	eachExampleAs(t, func(r *rig) *connectorv1.Credential { return r.instagram }, func(t *testing.T, r *rig, e example) {
		if len(e.GetAuthMethods()) > 0 {
			return // Facebook Login only
		}
		_, _, failure := r.follow(t, e.GetName(), e.input, "")
		require.Nil(t, failure, "%v", failure)
		check(r)
	})
	r := newRig(t, rigOptions{})
	r.login(t, "facebook_login", nil)
	instagram := r.login(t, "instagram_login", nil).GetCredential()
	r.Clock().Advance(25 * time.Hour)
	_, err = r.auth().RefreshCredential(t.Context(), &connectorv1.RefreshCredentialRequest{App: r.app(), Credential: instagram})
	require.NoError(t, err)
	for _, credential := range []*connectorv1.Credential{r.facebook, r.instagram} {
		for _, list := range []string{"pages", "ig_users", "media", "stories", "comments", "conversations", "hashtags_searched", "catalogs", "insight_metrics"} {
			r.options(t, credential, list, `{"page_id":"134895793791914","ig_user_id":"17841405726653026","media_id":"17900001000000001"}`, "", "")
		}
		for _, trigger := range r.catalog(t).GetTriggers() {
			if trigger.GetPollable() {
				r.poll(t, credential, trigger.GetName(), `{"ig_user_id":"17841405726653026"}`, "")
			}
		}
		e := r.endpoint(t)
		sub := r.subscribe(t, credential, "any_event", e.URL)
		r.unsubscribe(t, credential, "any_event", sub)
	}
	r.auth().RevokeCredential(t.Context(), &connectorv1.RevokeCredentialRequest{App: r.app(), Credential: r.facebook})
	check(r)
	for what := range exceptions {
		if !c.used[what] {
			c.wrongs["an exception that nothing needs: "+what] = true
		}
	}
	wrongs := make([]string, 0, len(c.wrongs))
	for w := range c.wrongs {
		wrongs = append(wrongs, w)
	}
	sort.Strings(wrongs)
	assert.Empty(t, wrongs, strings.Join(wrongs, "\n"))
	assert.Greater(t, n, 100)
}

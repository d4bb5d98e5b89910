package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

type rawInput struct {
	Method   string  `json:"method"`
	Endpoint string  `json:"endpoint"`
	Query    []pair  `json:"query"`
	Headers  []pair  `json:"headers"`
	Body     rawBody `json:"body"`
	PageID   string  `json:"page_id"`
}

// rawBody is one of three: the schema sees to it.
type rawBody struct {
	JSON json.RawMessage `json:"json"`
	Form []pair          `json:"form"`
}

type pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type rawOutput struct {
	StatusCode int               `json:"status_code"`
	Headers    map[string]string `json:"headers"`
	Body       json.RawMessage   `json:"body"`
}

func rawHTTPRequest(a *api) connector.Operation {
	op := handle(a, connector.Operation{
		Name:        "raw_http_request",
		Title:       "Raw HTTP request",
		Summary:     "Calls any endpoint of the Graph API that has no operation of its own.",
		Description: "Give the suffix of the endpoint, such as `/17900001000000001`. Address, version and token are added; the token goes to Meta and nowhere else, and never into the output.",
		Effect:      connector.Destructive,
		Idempotency: connector.NotIdempotent,
		Timeout:     time.Minute,
	}, func(ctx context.Context, s *session, in rawInput) (rawOutput, string, error) {
		r, err := s.rawRequest(ctx, in)
		if err != nil {
			return rawOutput{}, "", err
		}
		resp, err := s.do(ctx, r)
		if err != nil {
			return rawOutput{}, "", err
		}
		body, err := withoutSecrets(resp.Body, r.Token, s.key.Token)
		return rawOutput{StatusCode: resp.Status, Headers: rawHeaders(resp.Header, r.Token, s.key.Token), Body: body}, "", err
	})
	return connector.Validate(op, checkRaw)
}

func (s *session) rawRequest(ctx context.Context, in rawInput) (graph.Request, error) {
	path, query, _ := strings.Cut(in.Endpoint, "?")
	params, _ := url.ParseQuery(query) // checked before
	for _, p := range in.Query {
		params.Add(p.Name, p.Value)
	}
	r := graph.Request{
		Host: s.key.Host, Token: s.key.Token, Proof: s.key.Proof,
		Method: in.Method, Path: path, Query: params, Header: http.Header{},
	}
	for _, p := range in.Headers {
		r.Header.Add(p.Name, p.Value)
	}
	if len(in.Body.JSON) > 0 {
		r.JSON = in.Body.JSON
	}
	if len(in.Body.Form) > 0 {
		r.Params = url.Values{}
		for _, p := range in.Body.Form {
			r.Params.Add(p.Name, p.Value)
		}
	}
	if in.PageID == "" {
		return r, nil
	}
	page, err := s.pageKey(ctx, in.PageID, "")
	if err != nil {
		return graph.Request{}, err
	}
	return page.asPage(r), nil
}

// checkRaw keeps the token where it belongs: one host, and no place in a URL.
func checkRaw(in rawInput, known connector.Known) []connector.Problem {
	var found []connector.Problem
	if known("/endpoint") {
		found = append(found, checkEndpoint(in.Endpoint)...)
	}
	for i, p := range in.Query {
		if pointer := pointerTo("/query", i, "name"); known(pointer) && graph.SecretParam(p.Name) {
			found = append(found, secretParam(pointer))
		}
	}
	for i, p := range in.Body.Form {
		if pointer := pointerTo("/body/form", i, "name"); known(pointer) && graph.SecretParam(p.Name) {
			found = append(found, secretParam(pointer))
		}
	}
	if known("/body/json") {
		found = append(found, checkRawJSON(in.Body.JSON)...)
	}
	for i, p := range in.Headers {
		pointer := pointerTo("/headers", i, "name")
		if value := pointerTo("/headers", i, "value"); known(value) && !httpguts.ValidHeaderFieldValue(p.Value) {
			found = append(found, problem(value, "wrong_form", "A header's value has no line breaks and no control characters.", "Leave them out."))
		}
		if known(pointer) && !httpguts.ValidHeaderFieldName(p.Name) {
			found = append(found, problem(pointer, "wrong_form", "This is no name of a header.", "Use letters, digits and hyphens."))
			continue
		}
		switch http.CanonicalHeaderKey(p.Name) {
		case "Host", "Authorization", "Cookie", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization":
			if known(pointer) {
				found = append(found, problem(pointer, "not_allowed", "This header is the connector's.", "Leave it out."))
			}
		}
	}
	return found
}

// checkRawJSON looks for parameters that hold secrets: Meta takes parameters from
// a JSON body too.
func checkRawJSON(body json.RawMessage) []connector.Problem {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	var found []connector.Problem
	for name := range members {
		if graph.SecretParam(name) {
			found = append(found, secretParam("/body/json/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name)))
		}
	}
	return found
}

func checkEndpoint(endpoint string) []connector.Problem {
	wrong := func(summary, detail string) []connector.Problem {
		return []connector.Problem{problem("/endpoint", "bad_endpoint", summary, detail)}
	}
	path, query, _ := strings.Cut(endpoint, "?")
	plain, err := url.PathUnescape(path)
	switch {
	case err != nil:
		return wrong("The endpoint is not a path.", "Write % as %25.")
	case strings.Contains(path, "://") || !strings.HasPrefix(path, "/"):
		return wrong("The endpoint must begin with “/”; address and version are added to it.", "Give the suffix alone, such as /17900001000000001.")
	case strings.HasPrefix(plain, "//") || strings.Contains(plain, "//"):
		return wrong("The endpoint has an empty part.", "Use single slashes.")
	case strings.ContainsAny(plain, "\\#@\r\n\t "):
		return wrong("The endpoint has a character that no endpoint has.", "Leave out spaces, “#”, “@” and backslashes.")
	case strings.Contains(plain, "/../") || strings.Contains(plain, "/./") || strings.HasSuffix(plain, "/..") || strings.HasSuffix(plain, "/."):
		return wrong("The endpoint leads upwards.", "Leave out “.” and “..”.")
	case strings.Contains(strings.ToLower(path), "%2f") || strings.Contains(strings.ToLower(path), "%5c"):
		return wrong("The endpoint has an encoded slash.", "Use plain slashes.")
	case strings.Contains(path, "{"):
		return wrong("The endpoint still has a placeholder.", "Put the id in place of the braces.")
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return wrong("The query of the endpoint cannot be read.", "Use the property “query” instead.")
	}
	for name := range params {
		if graph.SecretParam(name) {
			return []connector.Problem{secretParam("/endpoint")}
		}
	}
	return nil
}

func secretParam(pointer string) connector.Problem {
	return problem(pointer, "not_allowed", "Tokens and secrets are the connector's to add.", "Leave this parameter out.")
}

// rawHeaders keeps what a workflow may want to see, without the tokens.
func rawHeaders(h http.Header, tokens ...string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"Content-Type", "Date", "Etag", "Last-Modified", "Facebook-Api-Version", "X-Fb-Trace-Id", "X-Fb-Request-Id", "X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage"} {
		if v := h.Get(name); v != "" {
			for _, token := range tokens {
				v = strings.ReplaceAll(v, token, hiddenValue)
			}
			out[strings.ToLower(name)] = v
		}
	}
	return out
}

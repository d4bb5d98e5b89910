package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBatchItems is the documented number of calls in one batch.
const maxBatchItems = 50

type batchItem struct {
	Method    string `json:"method"`
	URL       string `json:"relative_url"`
	Body      string `json:"body"`
	Name      string `json:"name"`
	DependsOn string `json:"depends_on"`
	Omit      *bool  `json:"omit_response_on_success"`
}

// runBatch does the calls of a batch one after the other. Each is a call of its own: it is
// charged, written down and can be struck by a fault; one that would not get an answer is null.
func runBatch(c *call) (any, error) {
	var items []batchItem
	if err := c.params.decode("batch", &items); err != nil {
		return nil, batchFailure("batch parameter must be a JSON array")
	}
	if len(items) == 0 || len(items) > maxBatchItems {
		return nil, batchFailure("Too many requests in batch message. Maximum batch size is " + strconv.Itoa(maxBatchItems))
	}
	headers := true
	if v, ok := c.params.truth("include_headers"); ok {
		headers = v
	}
	list := []any{}
	results := map[string]json.RawMessage{}
	for _, item := range items {
		a, omitted := c.runItem(item, results)
		switch {
		case omitted || a == nil:
			list = append(list, nil)
		default:
			list = append(list, batchAnswer(a, headers))
		}
	}
	return list, nil
}

// batchFailure is the shape of an error for the batch as a whole.
func batchFailure(text string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: 3, message: text, raw: encode(nil, object{{"error", 3}, {"error_description", text}})}
}

// An itemAnswer is the answer to one call of a batch, by the version that it named.
type itemAnswer struct {
	answer
	version string
}

// runItem does one call; nil is one that got no answer.
func (c *call) runItem(item batchItem, results map[string]json.RawMessage) (a *itemAnswer, omitted bool) {
	if item.DependsOn != "" && results[item.DependsOn] == nil {
		return nil, true
	}
	sub, err := c.item(item, results)
	one := sub.locked(err)
	sub.record(one)
	if one.fault != nil && !one.fault.answers() {
		return nil, false
	}
	good := one.status < 400
	if good && item.Name != "" {
		results[item.Name] = one.body
	}
	named := item.Name != "" && good
	return &itemAnswer{one, sub.usedVersion()}, item.Omit != nil && *item.Omit && named || item.Omit == nil && named && c.referenced(item.Name)
}

// referenced says whether another item of the batch uses the result, whose answer is left out
// then unless it is asked for.
func (c *call) referenced(name string) bool {
	return strings.Contains(c.params.get("batch"), "{result="+name+":")
}

// item makes the call of an item. It inherits the token of the batch.
func (c *call) item(item batchItem, results map[string]json.RawMessage) (*call, error) {
	sub := &call{
		s: c.s, r: c.r, now: c.now, host: c.host, origin: c.origin, named: c.named, flavour: c.flavour,
		method: strings.ToUpper(item.Method), params: params{}, batch: true,
	}
	if sub.method == "" {
		sub.method = http.MethodGet
	}
	u, err := url.Parse(fillIn(item.URL, results))
	if err != nil {
		return sub, badParam("relative_url is not a URL")
	}
	parts := splitPath(u.Path)
	if u.Host != "" && hosts[u.Host] == "" {
		return sub, badParam("relative_url must be relative")
	}
	sub.takeVersion(parts)
	if sub.version == "" {
		sub.version, sub.number = c.version, c.number
	}
	sub.params.merge(u.Query())
	if err := sub.params.mergeText("application/x-www-form-urlencoded", []byte(fillIn(item.Body, results))); err != nil {
		return sub, badParam("%s", upperFirst(err.Error()))
	}
	if m := strings.ToUpper(sub.params.get("method")); sub.method == http.MethodPost && m == http.MethodDelete {
		sub.method = m
	}
	for _, key := range []string{"access_token", "appsecret_proof", "appsecret_time"} {
		if !sub.params.has("access_token") || key != "access_token" && sub.params.get("access_token") == c.params.get("access_token") {
			if c.params.has(key) && !sub.params.has(key) {
				sub.params[key] = slices.Clone(c.params[key])
			}
		}
	}
	return sub, nil
}

func batchAnswer(a *itemAnswer, headers bool) object {
	out := object{{"code", a.status}}
	if headers {
		list := []object{
			{{"name", "Content-Type"}, {"value", "text/javascript; charset=UTF-8"}},
			{{"name", "Facebook-API-Version"}, {"value", a.version}},
		}
		if a.tag != "" {
			list = append(list, object{{"name", "ETag"}, {"value", a.tag}})
		}
		for _, name := range sortedKeys(a.header) {
			list = append(list, object{{"name", name}, {"value", a.header.Get(name)}})
		}
		out = append(out, member{"headers", list})
	}
	return append(out, member{"body", string(a.body)})
}

// fillIn replaces references such as {result=name:$.data.0.id} by what they lead to.
func fillIn(text string, results map[string]json.RawMessage) string {
	for from := 0; ; {
		i := strings.Index(text[from:], "{result=")
		if i < 0 {
			return text
		}
		i += from
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return text
		}
		name, path, ok := strings.Cut(text[i+len("{result="):i+end], ":")
		value := ""
		if ok && results[name] != nil {
			value = url.QueryEscape(strings.Join(pick(results[name], strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")), ","))
		}
		text = text[:i] + value + text[i+end+1:]
		from = i + len(value)
	}
}

// pick follows a path such as data.*.id through JSON and returns the texts at its end.
func pick(raw json.RawMessage, path string) []string {
	if path == "" {
		return []string{jsonText(raw)}
	}
	path = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
	key, rest, _ := strings.Cut(path, ".")
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) == nil {
		if v, ok := members[key]; ok {
			return pick(v, rest)
		}
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var out []string
	for i, item := range items {
		if key == "*" || key == strconv.Itoa(i) {
			out = append(out, pick(item, rest)...)
		}
	}
	return out
}

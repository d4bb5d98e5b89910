package sandbox

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A query is what one listing was asked for, by parameters or by an expanded field.
type query struct {
	fields               []field
	limit, after, before string
	since, until         string
	expanded             bool
}

func (c *call) query() (query, error) {
	fields, err := c.fields()
	p := c.params
	return query{
		fields: fields, limit: p.get("limit"), after: p.get("after"), before: p.get("before"),
		since: p.get("since"), until: p.get("until"),
	}, err
}

// fields are what the call's `fields` parameter asks for.
func (c *call) fields() ([]field, error) {
	list, err := parseFields(c.params.get("fields"))
	if err != nil {
		return nil, fail(2500, "Syntax error in the fields parameter: %s", err)
	}
	return list, nil
}

func queryOf(f *field) query {
	return query{
		fields: f.sub, limit: f.arg("limit"), after: f.arg("after"), before: f.arg("before"),
		since: f.arg("since"), until: f.arg("until"), expanded: true,
	}
}

const (
	defaultPageSize = 25
	maxPageSize     = 100
)

// A listing is an edge: items, what they are, and how Meta pages them.
type listing[T any] struct {
	kind   *kind[T]
	items  []T
	path   string // of the edge, such as 1784.../media
	size   int    // default page size; 0: 25
	max    int    // largest page; 0: 100
	whole  bool   // never paged
	noURLs bool   // cursors only (business_discovery)
}

// render makes {"data":[...],"paging":{...}}. The paging key is left out where everything
// fits.
func (l listing[T]) render(c *call, q query) (object, error) {
	from, to, err := l.window(q)
	if err != nil {
		return nil, err
	}
	steps, err := l.kind.plan(c, q.fields)
	if err != nil {
		return nil, err
	}
	data := make([]object, 0, to-from)
	for _, item := range l.items[from:to] {
		one, err := l.kind.follow(c, item, steps)
		if err != nil {
			return nil, err
		}
		data = append(data, one)
	}
	out := object{{"data", data}}
	if l.whole || from == 0 && to == len(l.items) || to == from {
		return out, nil
	}
	return append(out, member{"paging", l.paging(c, q, from, to)}), nil
}

// window finds the part of the items that a query asks for.
func (l listing[T]) window(q query) (from, to int, err error) {
	if l.whole {
		return 0, len(l.items), nil
	}
	size, err := l.pageSize(q.limit)
	if err != nil {
		return 0, 0, err
	}
	switch {
	case q.after != "":
		i, err := l.position(q.after)
		if err != nil {
			return 0, 0, err
		}
		from = min(i+1, len(l.items))
	case q.before != "":
		i, err := l.position(q.before)
		if err != nil {
			return 0, 0, err
		}
		to = max(0, min(i, len(l.items)))
		return max(0, to-size), to, nil
	}
	return from, min(from+size, len(l.items)), nil
}

func (l listing[T]) pageSize(limit string) (int, error) {
	size, most := l.size, l.max
	if size == 0 {
		size = defaultPageSize
	}
	if most == 0 {
		most = maxPageSize
	}
	if limit == "" {
		return min(size, most), nil
	}
	n, err := strconv.Atoi(limit)
	if err != nil || n < 1 {
		return 0, badParam("Param limit must be an integer greater than zero")
	}
	return min(n, most), nil
}

// position finds the item of a cursor. The item's index is in the cursor; if the list has
// changed since, the id in it finds the item again.
func (l listing[T]) position(cursor string) (int, error) {
	at, id, ok := readCursor(cursor)
	if !ok {
		return 0, badParam("Invalid cursor")
	}
	if at < len(l.items) && l.kind.id(l.items[at]) == id {
		return at, nil
	}
	for i, item := range l.items {
		if l.kind.id(item) == id {
			return i, nil
		}
	}
	return min(at, len(l.items)) - 1, nil // the item is gone: go on where it was
}

func (l listing[T]) paging(c *call, q query, from, to int) object {
	first, last := l.cursor(from), l.cursor(to-1)
	out := object{{"cursors", object{{"before", first}, {"after", last}}}}
	if l.noURLs {
		cursors := object{}
		if from > 0 {
			cursors = append(cursors, member{"before", first})
		}
		if to < len(l.items) {
			cursors = append(cursors, member{"after", last})
		}
		return object{{"cursors", cursors}}
	}
	if to < len(l.items) {
		out = append(out, member{"next", l.url(c, q, "after", last)})
	}
	if from > 0 {
		out = append(out, member{"previous", l.url(c, q, "before", first)})
	}
	return out
}

func (l listing[T]) cursor(i int) string { return makeCursor(i, l.kind.id(l.items[i])) }

// url is the complete address of another page, with the access token in it, and without the
// proof: huandu/facebook appends that again for each page.
func (l listing[T]) url(c *call, q query, param, cursor string) string {
	values := url.Values{}
	if q.expanded {
		if fields := fieldsText(q.fields); fields != "" {
			values.Set("fields", fields)
		}
		if q.since != "" {
			values.Set("since", q.since)
		}
		if q.until != "" {
			values.Set("until", q.until)
		}
	} else {
		for _, key := range slices.Sorted(maps.Keys(c.params)) {
			values.Set(key, c.params.get(key))
		}
	}
	for _, key := range []string{"after", "before", "appsecret_proof", "appsecret_time", "method", "batch", "ids"} {
		values.Del(key)
	}
	size, _ := l.pageSize(q.limit)
	values.Set("access_token", c.token.Value)
	values.Set("pretty", "0")
	values.Set("limit", strconv.Itoa(size))
	values.Set(param, cursor)
	return c.base(c.host) + "/" + c.usedVersion() + "/" + l.path + "?" + values.Encode()
}

// makeCursor writes a cursor in Meta's alphabet: base64 in which Z and = are written ZA and
// ZD, so that the cursor of "0" is MAZDZD.
func makeCursor(at int, id string) string {
	return metaBase64(strconv.Itoa(at) + ":" + id)
}

func readCursor(cursor string) (at int, id string, ok bool) {
	text, ok := metaUnbase64(cursor)
	if !ok {
		return 0, "", false
	}
	number, id, found := strings.Cut(text, ":")
	at, err := strconv.Atoi(number)
	if err != nil || !found || at < 0 {
		return 0, "", false
	}
	return at, id, true
}

var (
	toMeta   = strings.NewReplacer("Z", "ZA", "=", "ZD", "+", "ZB", "/", "ZC")
	fromMeta = strings.NewReplacer("ZA", "Z", "ZD", "=", "ZB", "+", "ZC", "/")
)

func metaBase64(text string) string {
	return toMeta.Replace(base64.StdEncoding.EncodeToString([]byte(text)))
}

func metaUnbase64(text string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(fromMeta.Replace(text))
	return string(b), err == nil
}

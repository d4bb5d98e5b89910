package tray

import (
	"encoding/json"
	"regexp"
	"strings"
)

const instagram = "instagram"

// instagramInputs are the properties of Tray's Instagram connector 1.1 that have
// another name here. Those of the same name are not listed.
var instagramInputs = map[string]string{
	"user_id":     "ig_user_id",
	"ig_story_id": "story_id",
	"ig_media_id": "media_id",
}

// instagramOperations are those that Tray's documentation names. Others are kept
// by their names, for checks to decide.
var instagramOperations = map[string]bool{"list_stories": true, "get_story": true, "get_media": true}

func (c *converter) instagram(p *properties) converted {
	s := p.s
	if s.version != "" && !strings.HasPrefix(s.version, "1.") {
		c.note(Warning, s.id, join(join(s.pointer, "connector"), "version"), "", "the step was made for version %s of Tray's Instagram connector; 1.1 is the one that is known", quoted(s.version))
	}
	if s.properties.get("access_token") != nil {
		p.mark("access_token")
		c.note(Info, s.id, p.at("access_token").pointer, "", "the token comes with the credential")
	}
	to := converted{connector: instagram, operation: s.operationName(), account: true}
	if s.operation == "raw_http_request" {
		to.input = c.rawRequest(p)
		return to
	}
	if !instagramOperations[s.operation] {
		c.note(Warning, s.id, join(s.pointer, "operation"), "see that it is what was meant", "the operation %s is not documented for Tray's connector; it was kept by its name", quoted(s.operation))
	}
	// Where the name is not taken by another property, "id" is that of the story
	// or media that is asked for.
	if s.operation == "get_story" || s.operation == "get_media" {
		want := strings.TrimPrefix(s.operation, "get_") + "_id"
		if v := p.take(want, "ig_"+want, "id"); v != nil {
			to.input = c.instagramInput(p)
			to.input.members = append([]member{pair(want, v)}, to.input.members...)
			return to
		}
	}
	to.input = c.instagramInput(p)
	return to
}

func (c *converter) instagramInput(p *properties) *node {
	in, out := p.all(), object()
	if in.kind != objectKind {
		return in
	}
	for _, m := range in.members {
		name := m.name
		if ours, ok := instagramInputs[name]; ok && in.get(ours) == nil {
			name = ours
		}
		if m.value.kind == numberKind && strings.HasSuffix(name, "_id") {
			m.value = text(m.value.text) // ids are texts
		}
		out.set(name, m.value)
	}
	return out
}

// ownURL matches what stands before the endpoint in a full URL of Meta's API.
var ownURL = regexp.MustCompile(`^https://graph\.(?:facebook|instagram)\.com(?:/v[0-9]+\.[0-9]+)?(/.*)$`)

// rawRequest converts the input of a raw request: its endpoint, query, headers
// and body.
func (c *converter) rawRequest(p *properties) *node {
	out := object()
	method := p.take("method")
	if m, ok := method.literal(); ok && m != "GET" && m != "POST" && m != "DELETE" {
		c.note(Error, p.s.id, p.at("method").pointer, "Meta's API takes GET, POST and DELETE", "the method %s has no counterpart", quoted(m))
	}
	if method != nil {
		out.set("method", method)
	}
	out.set("endpoint", c.endpoint(p))
	if q := c.pairs(p, "query_parameters", "queries"); !q.empty() {
		out.set("query", q)
	}
	if h := c.pairs(p, "headers"); !h.empty() {
		out.set("headers", h)
	}
	if b := c.body(p, false); b != nil {
		out.set("body", b)
	}
	p.usual("include_raw_body", "false")
	p.usual("parse_response", "true", "json", "")
	return out
}

func (c *converter) endpoint(p *properties) *node {
	url := c.required(p, "url")
	if e := url.get("endpoint"); e != nil {
		if e.kind == textKind && !isReference(e) && !strings.HasPrefix(e.text, "/") {
			return &node{kind: textKind, text: "/" + e.text, dynamic: e.dynamic}
		}
		return e
	}
	at := p.at("url")
	if full := url.get("full_url"); full != nil && full.kind == textKind {
		if m := ownURL.FindStringSubmatch(full.text); m != nil {
			c.note(Warning, p.s.id, at.pointer, "", "the address and version of the API are the connector's; only the endpoint was taken")
			return &node{kind: textKind, text: m[1], dynamic: full.dynamic}
		}
	}
	c.lose(at, "call other services with http-client", "a raw request goes to Meta's API only, and its endpoint must be known")
	return c.unconverted(at.step, at.pointer)
}

// pairs converts a list of {key, value} to one of {name, value}; values are texts.
func (c *converter) pairs(p *properties, names ...string) *node {
	v := p.take(names...)
	if v == nil || v.kind != listKind {
		return v
	}
	out := list()
	for _, item := range v.items {
		if item.kind != objectKind || item.get("key") == nil {
			out.items = append(out.items, item)
			continue
		}
		value := item.get("value")
		if value == nil {
			value = text("")
		}
		out.items = append(out.items, object(pair("name", asText(item.get("key"))), pair("value", asText(value))))
	}
	return out
}

// asText makes a text of a number, a boolean or a reference.
func asText(n *node) *node {
	switch {
	case n.kind == numberKind || n.kind == boolKind:
		return text(n.text)
	case isReference(n):
		return &node{kind: textKind, text: "{" + n.text + "}", dynamic: true}
	}
	return n
}

// body converts the body of a request: one of raw, form_urlencoded, form_data,
// binary and none. A raw one is JSON, or also text.
func (c *converter) body(p *properties, texts bool) *node {
	v := p.take("body")
	if v == nil || v.get("none") != nil || v.empty() {
		return nil
	}
	at := p.at("body")
	switch {
	case v.get("raw") != nil:
		return c.rawBody(v.get("raw"), at, texts)
	case v.get("form_urlencoded").constantForm(), v.get("form_data").constantForm():
		form := v.get("form_urlencoded")
		if form == nil {
			form = v.get("form_data")
			c.note(Warning, at.step, at.pointer, "", "the form is sent urlencoded here; it cannot hold files")
		}
		out := list()
		for _, m := range form.members {
			out.items = append(out.items, object(pair("name", c.text(m.name, at)), pair("value", asText(m.value))))
		}
		return object(pair("form", out))
	}
	c.lose(at, "", "a body of this kind has no counterpart")
	return c.unconverted(at.step, at.pointer)
}

// constantForm reports whether the names of a form are known and its values are
// no files.
func (n *node) constantForm() bool {
	if n == nil || n.kind != objectKind || n.get("$ref") != nil {
		return false
	}
	for _, m := range n.members {
		if m.value.kind == objectKind || m.value.kind == listKind {
			return false
		}
	}
	return true
}

// rawBody converts a body that is JSON, or also text. In Tray it is mostly a text.
func (c *converter) rawBody(raw *node, at place, texts bool) *node {
	if raw.kind == objectKind || raw.kind == listKind || isReference(raw) {
		return object(pair("json", raw))
	}
	if s, ok := raw.literal(); ok && json.Valid([]byte(s)) {
		if n, err := parse([]byte(s)); err == nil {
			return object(pair("json", c.escaped(n, at)))
		}
	}
	if texts && raw.kind == textKind && !secretName.MatchString(raw.text) {
		return object(pair("text", raw))
	}
	c.lose(at, "write the body as an object under json", "a body that is text with values in it has no counterpart")
	return c.unconverted(at.step, at.pointer)
}

// escaped returns JSON from a text as a value of a document, in which a text may
// not look like a reference.
func (c *converter) escaped(n *node, at place) *node {
	out := &node{kind: n.kind, text: n.text}
	if n.kind == textKind {
		return c.text(n.text, at)
	}
	for _, m := range n.members {
		out.set(m.name, c.secretless(m.name, c.escaped(m.value, at), at))
	}
	for _, item := range n.items {
		out.items = append(out.items, c.escaped(item, at))
	}
	if out.get("$ref") != nil {
		c.lose(at, "", "an object with a member $ref would be taken for a reference here")
		return c.unconverted(at.step, at.pointer)
	}
	return out
}

// outputs returns how the output of a step differs from what it is in Tray.
// Nothing means that it does not, or that nothing is known.
func (c *converter) outputs(s *step) []rename {
	switch {
	case s.connector == instagram && s.operation == "raw_http_request", s.connector == "http-client":
		return []rename{{".response", ""}}
	case s.connector == "call-workflow":
		return []rename{{".response", ".output"}}
	}
	return nil
}

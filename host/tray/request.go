package tray

import "strings"

// request converts a call of another service over HTTP.
func (c *converter) request(p *properties) converted {
	method, ok := strings.CutSuffix(p.s.operation, "_request")
	switch method {
	case "get", "post", "put", "patch", "delete", "head", "options":
	default:
		ok = false
	}
	if !ok {
		return c.unknownOperation(p, "http-client")
	}
	in := object(pair("url", c.required(p, "url")))
	if q := c.pairs(p, "queries", "query_parameters"); !q.empty() {
		in.set("query", c.byName(q, p.at("queries"), true))
	}
	if h := c.pairs(p, "headers"); !h.empty() {
		in.set("headers", c.byName(h, p.at("headers"), false))
	}
	c.requestBody(p, in)
	c.requestAuth(p)
	c.redirects(p, in)
	p.usual("follow_keep_method", "false")
	p.usual("follow_authorization_header", "false")
	p.usual("reject_unauthorized", "true")
	p.usual("case_sensitive_headers", "false")
	p.usual("include_raw_body", "false")
	p.usual("parse_response", "true", "json", "")
	c.expectedStatus(p)
	if method == "get" && in.get("body") == nil {
		return converted{connector: "http-client", operation: "get", input: in}
	}
	in.members = append([]member{pair("method", text(strings.ToUpper(method)))}, in.members...)
	return converted{connector: "http-client", operation: "request", input: in}
}

// byName converts a list of {name, value} to an object. A name may come again if
// lists are taken.
func (c *converter) byName(v *node, at place, lists bool) *node {
	if v.kind == objectKind && v.get("$ref") == nil {
		return v
	}
	if v.kind != listKind {
		c.lose(at, "build an object of names and values with the connector transform", "names and values are known only at run time")
		return c.unconverted(at.step, at.pointer)
	}
	out := object()
	for _, item := range v.items {
		name, ok := item.get("name").literal()
		value := item.get("value")
		if !ok || value == nil || name == "$ref" {
			c.lose(at, "build an object of names and values with the connector transform", "a name is known only at run time")
			return c.unconverted(at.step, at.pointer)
		}
		switch former := out.get(name); {
		case former == nil:
			out.set(name, value)
		case lists && former.kind == listKind:
			former.items = append(former.items, value)
		case lists:
			first := *former
			*former = node{kind: listKind, items: []*node{&first, value}}
		default:
			c.note(Error, at.step, at.pointer, "put the values into one, with commas between", "%s is there more than once; the first was kept", quoted(name))
		}
	}
	return out
}

// requestBody sets the body of a request, and how it is sent.
func (c *converter) requestBody(p *properties, in *node) {
	b := c.body(p, true)
	switch at := p.at("body"); {
	case b == nil:
	case b.get("json") != nil:
		in.set("body", b.get("json"))
	case b.get("form") != nil:
		in.set("body", c.byName(b.get("form"), at, true))
		in.set("body_type", text("form"))
	case b.get("text") != nil:
		in.set("body", b.get("text"))
		in.set("body_type", text("text"))
		if !hasName(in.get("headers"), "Content-Type") {
			c.note(Warning, at.step, at.pointer, "set the header Content-Type", "the body is sent as the text that it is, as text/plain")
		}
	default: // It could not be converted.
		in.set("body", b)
	}
}

func hasName(n *node, name string) bool {
	for _, m := range n.fields() {
		if strings.EqualFold(m.name, name) {
			return true
		}
	}
	return false
}

// redirects takes whether redirects are followed.
func (c *converter) redirects(p *properties, in *node) {
	follow := p.s.properties.get("follow_redirect").get("value")
	if follow != nil && follow.kind == boolKind && follow.text == "false" {
		p.mark("follow_redirect")
		in.set("max_redirects", &node{kind: numberKind, text: "0"})
		return
	}
	p.usual("follow_redirect", "true")
}

// requestAuth takes the credentials of a request. They are not copied.
func (c *converter) requestAuth(p *properties) {
	raw := p.s.properties.get("auth")
	if raw == nil {
		return
	}
	p.mark("auth")
	for _, m := range raw.get("value").fields() {
		if m.name != "none" {
			c.note(Error, p.s.id, p.at("auth").pointer, "send a header Authorization whose value comes from $.env", "how the request signs in (%s) was not copied", quoted(m.name))
		}
	}
}

// fields returns the members of an object, or none.
func (n *node) fields() []member {
	if n == nil || n.kind != objectKind {
		return nil
	}
	return n.members
}

// expectedStatus takes the range of statuses that are no failure: 2xx here.
func (c *converter) expectedStatus(p *properties) {
	v := p.take("status_code")
	if v == nil {
		return
	}
	r := v.get("range")
	if from, to := r.get("from"), r.get("to"); from != nil && to != nil && from.text == "200" && to.text == "299" {
		return
	}
	c.note(Warning, p.s.id, p.at("status_code").pointer, "handle the others with on_error", "which statuses are no failure cannot be chosen here: those of 200 to 299 are")
}

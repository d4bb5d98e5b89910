package tray

import "strings"

// scopes are Tray's scopes of storage and ours. What all workflows of a project
// or account see, all of a host see here.
var scopes = map[string]string{
	"current run": "run", "run": "run",
	"workflow": "workflow", "current workflow": "workflow",
	"current project": "host", "project": "host", "account": "host",
}

// storages are Tray's operations of storage and ours, with their properties.
var storages = map[string]struct {
	operation string
	inputs    [][2]string // Tray's name, ours.
}{
	"get":              {"get", [][2]string{{"key", "key"}, {"default_value", "default"}}},
	"set":              {"set", [][2]string{{"key", "key"}, {"value", "value"}}},
	"append":           {"append", [][2]string{{"key", "key"}, {"value", "value"}}},
	"append_to_list":   {"append", [][2]string{{"key", "key"}, {"value", "value"}}},
	"atomic_increment": {"increment", [][2]string{{"key", "key"}, {"value_to_add", "by"}}},
	"increment":        {"increment", [][2]string{{"key", "key"}, {"value_to_add", "by"}}},
	"delete":           {"delete", [][2]string{{"key", "key"}}},
	"shift_collection": {"shift", [][2]string{{"key", "key"}}},
	"shift":            {"shift", [][2]string{{"key", "key"}}},
}

func (c *converter) storage(p *properties) converted {
	as, ok := storages[p.s.operation]
	if !ok {
		return c.unknownOperation(p, "storage")
	}
	in := object()
	if scope := c.storageScope(p); scope != nil {
		in.set("scope", scope)
	}
	for _, names := range as.inputs {
		if v := p.take(names[0]); v != nil {
			in.set(names[1], v)
		}
	}
	return converted{connector: "storage", operation: as.operation, input: in}
}

func (c *converter) storageScope(p *properties) *node {
	v := p.take("scope")
	if v == nil {
		return nil
	}
	name, ok := v.literal()
	ours := scopes[strings.ToLower(strings.ReplaceAll(name, "_", " "))]
	at := p.at("scope")
	if !ok || ours == "" {
		c.lose(at, "there are run, workflow and host", "the scope of the storage is not known")
		return c.unconverted(at.step, at.pointer)
	}
	if ours == "host" {
		c.note(Warning, at.step, at.pointer, "see that no other workflow uses the key for something else", "the scope %s becomes host: all workflows share it", quoted(name))
	}
	return text(ours)
}

// call converts a call of another workflow, which is named by its id in Tray and
// by its name here.
func (c *converter) call(p *properties) converted {
	to := converted{connector: "call-workflow", input: object()}
	switch p.s.operation {
	case "fire_and_forget":
		to.operation = "call"
	case "fire_and_wait_for_response":
		to.operation = "call_and_wait"
	default:
		return c.unknownOperation(p, "call-workflow")
	}
	to.input.set("workflow", c.callee(p))
	if in := p.take("trigger_input"); in != nil {
		to.input.set("input", in)
	}
	return to
}

func (c *converter) callee(p *properties) *node {
	id := c.required(p, "workflow_id")
	at := p.at("workflow_id")
	if name, ok := id.literal(); ok {
		for _, w := range c.all {
			if w.id == name && name != "" {
				return text(w.name)
			}
		}
		c.lose(at, "import that workflow too, and write its name", "the workflow %s that is called is not in this export", quoted(name))
		return c.unconverted(at.step, at.pointer)
	}
	c.note(Warning, at.step, at.pointer, "give it names instead of ids", "which workflow is called is known only at run time; here workflows go by their names")
	return id
}

// respond converts the answer to a calling workflow: the output of the run.
func (c *converter) respond(p *properties) converted {
	if last := c.flow.body[len(c.flow.body)-1]; last != p.s {
		c.note(Warning, p.s.id, p.s.at, "put it at the end", "an answer ends the run here; in Tray the steps after it still ran")
	}
	in := object()
	if v := p.take("response"); v != nil {
		in.set("output", v)
	} else if v := p.all(); !v.empty() {
		in.set("output", v)
	}
	return converted{connector: "terminate", operation: "finish", input: in}
}

// email converts a mail. The sender is the host's.
func (c *converter) email(p *properties) converted {
	if !strings.HasPrefix(p.s.operation, "send") {
		return c.unknownOperation(p, "send-email")
	}
	in := object()
	for _, name := range []string{"to", "cc", "bcc"} {
		if v := p.take(name); !v.empty() {
			in.set(name, c.addresses(v))
		}
	}
	for _, name := range []string{"reply_to", "subject"} {
		if v := p.take(name); v != nil {
			in.set(name, v)
		}
	}
	if v := p.take("content", "body"); v != nil {
		name := "text"
		if v.kind == textKind && strings.Contains(v.text, "</") {
			name = "html"
		}
		in.set(name, v)
	}
	c.note(Info, p.s.id, p.s.pointer, "", "mail is sent through the host's own mail server, from its address")
	return converted{connector: "send-email", operation: "send", input: in}
}

// addresses converts a list of {email, name} to one of addresses. A text may hold
// several.
func (c *converter) addresses(v *node) *node {
	if s, ok := v.literal(); ok && !strings.Contains(s, "\"") {
		v = list()
		for address := range strings.SplitSeq(s, ",") {
			v.items = append(v.items, text(strings.TrimSpace(address)))
		}
	}
	if v.kind != listKind {
		return v
	}
	out := list()
	for _, item := range v.items {
		if email := item.get("email"); email != nil {
			item = email
		}
		out.items = append(out.items, item)
	}
	return out
}

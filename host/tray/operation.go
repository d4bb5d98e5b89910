package tray

import "strings"

// operation finds what a step does here.
func (c *converter) operation(s *step) converted {
	if s.kind == "break" || s.connector == "break-loop" {
		return c.breakLoop(s)
	}
	p := &properties{c: c, s: s}
	defer p.rest()
	switch s.connector {
	case "loop":
		return c.loopStep(p)
	case "boolean-condition":
		return c.condition(p)
	case "branch":
		return c.branch(p)
	case "delay":
		return c.delay(p)
	case "terminate":
		return c.terminate(p)
	case "storage":
		return c.storage(p)
	case "call-workflow":
		return c.call(p)
	case "callable-workflow-response":
		return c.respond(p)
	case "http-client":
		return c.request(p)
	case "send-email":
		return c.email(p)
	case instagram:
		return c.instagram(p)
	}
	return c.foreign(p)
}

// foreign keeps a step as it is. Checks name it: there is no such connector, or
// there is one of the same name, and checks see whether it fits.
func (c *converter) foreign(p *properties) converted {
	s := p.s
	name := s.connector
	if !connectorForm.MatchString(name) || len(name) > 90 {
		name = slug(name, "unknown")
	}
	hint := "replace the step by another connector, such as http-client"
	switch {
	case s.connector == "script" || s.connector == "python-script":
		hint = "write it anew as a jq program, in a step of the connector transform"
	case strings.HasSuffix(s.connector, "-helpers") || s.connector == "json-transformer" || s.connector == "data-mapper":
		hint = "use a step of the connector transform, with a jq program"
	case s.connector == "trigger-reply":
		hint = "a webhook is answered at once here; call back the sender with http-client"
	}
	c.note(Error, s.id, join(s.pointer, "connector"), hint, "the connector %s (%s) of Tray, operation %s, has no counterpart; the step was kept as it is", quoted(s.connector), cut(s.version, 20), quoted(s.operation))
	return converted{connector: name, operation: s.operationName(), input: p.all(), account: true}
}

// operationName returns the name in Tray, as far as a document takes it.
func (s *step) operationName() string {
	return string([]rune(s.operation)[:min(len([]rune(s.operation)), 100)])
}

// unknownOperation keeps an operation that a connector has not got here.
func (c *converter) unknownOperation(p *properties, connector string) converted {
	c.note(Error, p.s.id, join(p.s.pointer, "operation"), "", "the operation %s of Tray's %s has no counterpart; the step was kept as it is", quoted(p.s.operation), connector)
	return converted{connector: connector, operation: p.s.operationName(), input: p.all()}
}

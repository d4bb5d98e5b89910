package tray

import (
	"regexp"
	"strconv"
	"strings"
)

// triggers are Tray's connectors of triggers and ours.
var triggers = map[string]string{
	"noop":             "manual",
	"scheduled":        "schedule",
	"webhook":          "webhook",
	"callable-trigger": "callable",
	"alerting-trigger": "alert",
}

// triggerOutputs returns how what a trigger hands over differs from Tray.
func (c *converter) triggerOutputs() []rename {
	if c.flow.trigger.connector == "alerting-trigger" {
		return []rename{}
	}
	return nil
}

func (c *converter) trigger(s *step) *node {
	c.scope.trigger = true
	defer func() { c.scope.trigger = false }()
	c.aside(s)
	if h := s.raw.get("error_handling"); s.strategy != "" && s.strategy != "automatic" {
		c.note(Warning, s.id, join(s.pointer, "error_handling"), "", "a trigger cannot fail here; its error handling %s was left out", quoted(h.str("strategy")))
	}
	p := &properties{c: c, s: s}
	c.schemas(p)
	if s.properties.get("public_url") != nil {
		p.mark("public_url") // it refers to $.env.public_url, which nobody needs to set
		c.note(Info, s.id, p.at("public_url").pointer, "", "the host gives a trigger its address")
	}
	p.usual("synchronous", "false")
	connector, ok := triggers[s.connector]
	if !ok {
		return c.foreignTrigger(p)
	}
	defer p.rest()
	n := object(pair("connector", text(connector)))
	if title := c.limited(s.raw.str("title"), 200, s.id, join(s.pointer, "title")); title != "" {
		n.set("title", text(title))
	}
	if d := s.raw.str("description"); d != "" {
		c.note(Info, s.id, join(s.pointer, "description"), "", "a trigger has no description here: %s", quoted(d))
	}
	switch connector {
	case "schedule":
		n.set("input", c.schedule(p))
	case "webhook":
		if s.operation != "fire_and_forget" && s.operation != "webhook" && s.operation != "trigger" {
			c.note(Warning, s.id, join(s.pointer, "operation"), "", "the webhook answered by %s; here it is answered at once", quoted(s.operation))
		}
	}
	return n
}

// schemas takes the schemas of a trigger: they are bare JSON schema.
func (c *converter) schemas(p *properties) {
	if p.s.properties == nil {
		return
	}
	for _, m := range p.s.properties.members {
		if strings.HasSuffix(m.name, "schema") {
			p.mark(m.name)
			c.note(Info, p.s.id, p.at(m.name).pointer, "", "triggers declare no schema of their own here; it was left out")
		}
	}
}

func (c *converter) foreignTrigger(p *properties) *node {
	s := p.s
	name := s.connector
	if !connectorForm.MatchString(name) || len(name) > 90 {
		name = slug(name, "unknown")
	}
	c.note(Error, s.id, join(s.pointer, "connector"), "choose another trigger, such as webhook", "the trigger %s (%s) of Tray, operation %s, has no counterpart; it was kept as it is", quoted(s.connector), cut(s.version, 20), quoted(s.operation))
	n := object(pair("connector", text(name)), pair("trigger", text(s.operationName())))
	if title := c.limited(s.raw.str("title"), 200, s.id, join(s.pointer, "title")); title != "" {
		n.set("title", text(title))
	}
	if credential := c.credential(s, false); credential != "" {
		n.set("credential", text(credential))
	}
	if in := p.all(); !in.empty() {
		n.set("input", in)
	}
	return n
}

// schedule converts when a workflow runs by itself: an interval or a cron
// expression with a time zone.
func (c *converter) schedule(p *properties) *node {
	out := object()
	switch p.s.operation {
	case "cron":
		out.set("cron", c.required(p, "cron_expression", "cron", "expression"))
	case "daily":
		out.set("cron", c.daily(p))
	case "simple":
		out.set("every", c.interval(p))
	default:
		at := place{p.s.id, join(p.s.pointer, "operation"), nil}
		c.lose(at, "write a cron expression", "the schedule %s is not known", quoted(p.s.operation))
		out.set("cron", c.unconverted(at.step, at.pointer))
	}
	if tz := p.take("tz", "timezone"); tz != nil && out.get("every") == nil {
		out.set("time_zone", tz)
	}
	return out
}

// weekdays are in the order of cron, from 0.
var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

var clockNumber = regexp.MustCompile(`^[0-9]{1,2}$`)

func (c *converter) daily(p *properties) *node {
	hour, minute, days := p.take("hour"), p.take("minute"), p.take("day_of_week")
	at := p.at("hour")
	if minute == nil {
		minute = text("0")
	}
	if hour == nil || hour.dynamic || minute.dynamic || !clockNumber.MatchString(hour.text) || !clockNumber.MatchString(minute.text) {
		c.lose(at, "write a cron expression", "hour and minute of the schedule are not plain numbers")
		return c.unconverted(at.step, at.pointer)
	}
	h, _ := strconv.Atoi(hour.text) // the pattern lets nothing else through
	m, _ := strconv.Atoi(minute.text)
	var chosen []string
	for i, name := range weekdays {
		if days.isTrue(name) {
			chosen = append(chosen, strconv.Itoa(i))
		}
	}
	on := strings.Join(chosen, ",")
	if len(chosen) == 0 || len(chosen) == len(weekdays) {
		on = "*"
	}
	return text(strconv.Itoa(m) + " " + strconv.Itoa(h) + " * * " + on)
}

func (c *converter) interval(p *properties) *node {
	value := p.take("interval", "value", "every")
	unit, _ := p.take("unit", "units", "time_unit", "interval_unit").literal()
	letter, known := delayUnits[strings.ToLower(unit)]
	if value == nil || value.dynamic || value.kind != numberKind && value.kind != textKind || !regexp.MustCompile(`^[0-9]+$`).MatchString(value.text) || !known {
		at := p.at("interval")
		c.lose(at, "write a duration such as 15m", "the interval of the schedule is not known")
		return c.unconverted(at.step, at.pointer)
	}
	return text(value.text + letter)
}

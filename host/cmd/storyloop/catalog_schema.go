package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// deepest is how many objects within objects a table shows: a schema may refer to
// itself.
const deepest = 4

// schemaRows lists the properties of an object's schema, in the schema's order, and
// below each those within it.
func schemaRows(raw json.RawMessage) ([]table.Row, error) {
	var root schema
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &root); err != nil {
		return nil, err
	}
	return root.rows(root.Defs, 0), nil
}

// schema is what a table tells of a schema.
type schema struct {
	Type                        words
	Ref                         string `json:"$ref"`
	Enum                        []json.RawMessage
	Const, Default              json.RawMessage
	Title                       string
	Properties                  properties
	Required                    []string
	Items, AdditionalProperties *schema
	OneOf, AnyOf                []schema
	Defs                        map[string]schema `json:"$defs"`
}

// UnmarshalJSON reads a schema. One that is true or false tells nothing.
func (s *schema) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		var flag bool
		return json.Unmarshal(raw, &flag)
	}
	type plain schema
	return json.Unmarshal(raw, (*plain)(s))
}

func (s schema) rows(defs map[string]schema, depth int) []table.Row {
	var rows []table.Row
	for _, p := range s.within(defs, deepest) {
		given := ""
		switch {
		case p.required:
			given = "required"
		case p.Default != nil:
			given = "default " + strings.Trim(string(p.Default), `"`)
		}
		kind := p.kind(defs, deepest)
		deeper := depth+1 < deepest
		if !deeper && len(p.within(defs, deepest)) > 0 {
			kind += " ..."
		}
		rows = append(rows, table.Row{strings.Repeat("  ", depth) + p.name, kind, given, p.resolved(defs).Title})
		if deeper {
			rows = append(rows, p.rows(defs, depth+1)...)
		}
	}
	return rows
}

// within returns the properties of an object, of the items of a list, and of the
// objects that are one of several possible values. What they all require is not
// required of each.
func (s schema) within(defs map[string]schema, hops int) []property {
	if hops == 0 {
		return nil
	}
	s = s.resolved(defs)
	var all []property
	add := func(p property) {
		if !slices.ContainsFunc(all, func(other property) bool { return other.name == p.name }) {
			all = append(all, p)
		}
	}
	for _, p := range s.Properties {
		p.required = slices.Contains(s.Required, p.name)
		add(p)
	}
	for _, of := range []*schema{s.Items, s.AdditionalProperties} {
		if of == nil {
			continue
		}
		for _, p := range of.within(defs, hops-1) {
			add(p)
		}
	}
	for _, one := range slices.Concat(s.OneOf, s.AnyOf) {
		for _, p := range one.within(defs, hops-1) {
			p.required = false
			add(p)
		}
	}
	return all
}

// kind says in a word or two which values there are.
func (s schema) kind(defs map[string]schema, hops int) string {
	const anything = "any"
	s = s.resolved(defs)
	var kinds []string
	switch {
	case hops == 0:
	case len(s.Type) > 0:
		for _, name := range s.Type {
			of := map[string]*schema{"array": s.Items, "object": s.AdditionalProperties}[name]
			if of != nil {
				if kind := of.kind(defs, hops-1); kind != anything {
					name += " of " + kind
				}
			}
			kinds = append(kinds, name)
		}
	case len(s.Enum) > 0 || s.Const != nil:
		for _, value := range append(s.Enum, s.Const) {
			kinds = append(kinds, strings.Trim(string(value), `"`))
		}
	case len(s.Properties) > 0:
		return "object"
	default:
		for _, one := range slices.Concat(s.OneOf, s.AnyOf) {
			if kind := one.kind(defs, hops-1); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "" })
	return cmp.Or(strings.Join(kinds, "|"), anything)
}

// resolved follows a reference to a definition of the same document.
func (s schema) resolved(defs map[string]schema) schema {
	title := s.Title
	for range deepest {
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if !ok || len(s.Type) > 0 {
			break
		}
		s = defs[name]
	}
	s.Title = cmp.Or(title, s.Title)
	return s
}

// property is a property of an object.
type property struct {
	name     string
	required bool
	schema
}

// properties are in the order in which they stand there.
type properties []property

// UnmarshalJSON reads an object.
func (all *properties) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	var object map[string]schema
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		p := property{name: name.(string)} // an object, as was seen above
		if err := d.Decode(&p.schema); err != nil {
			return err
		}
		*all = append(*all, p)
	}
	return nil
}

// words is a text, or a list of texts.
type words []string

// UnmarshalJSON reads either.
func (w *words) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]string)(w))
	}
	*w = words{""}
	return json.Unmarshal(raw, &(*w)[0])
}

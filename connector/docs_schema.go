package connector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
)

// maxRows bounds how deep a table goes: a schema may refer to itself.
const maxRows = 6

// row is one property in a table.
type row struct {
	path     string // "media[].url"
	node     schemadoc.Node
	required bool
}

// schema writes the properties of a schema as a table, in the author's order.
func (p *page) schema(label string, raw []byte) {
	if len(raw) == 0 {
		return
	}
	doc, err := schemadoc.Parse(raw)
	if err != nil {
		return // A schema that cannot be read is no part of a catalog that was served.
	}
	if label != "" {
		p.printf("%s\n\n", label)
	}
	rows := rowsOf(doc, "", nil, nil)
	if len(rows) == 0 {
		p.printf("Nothing.\n\n")
		return
	}
	p.printf("| Property | Type | Required | Limits | Description | Example |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		n := r.node.Resolve()
		p.printf("| `%s` | %s | %s | %s | %s | %s |\n", r.path, cell(typeName(n)), yes(r.required), cell(limits(n)), cell(words(n)), cell(exampleOf(n)))
	}
	p.printf("\n")
}

// rowsOf lists properties through objects, arrays, references and alternatives.
// A shape that contains itself is listed once.
func rowsOf(n schemadoc.Node, path string, within []string, rows []row) []row {
	if ref := n.Text("$ref"); ref != "" {
		if slices.Contains(within, ref) {
			return rows
		}
		within = append(slices.Clone(within), ref)
	}
	if n = n.Resolve(); strings.Count(path, ".")+strings.Count(path, "[]") > maxRows {
		return rows
	}
	for _, property := range n.Properties() {
		if property.Refuses() {
			continue
		}
		at := property.Name
		if path != "" {
			at = path + "." + at
		}
		if !slices.ContainsFunc(rows, func(r row) bool { return r.path == at }) {
			rows = append(rows, row{at, property.Node, n.Required(property.Name)})
		}
		rows = rowsOf(property.Node, at, within, rows)
	}
	if items := n.Child("items"); items.Exists() {
		rows = rowsOf(items, path+"[]", within, rows)
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		for _, alternative := range n.Children(keyword) {
			rows = rowsOf(alternative, path, within, rows)
		}
	}
	return rows
}

func typeName(n schemadoc.Node) string {
	types := n.Strings("type")
	if len(types) == 0 {
		for _, keyword := range []string{"oneOf", "anyOf"} {
			for _, alternative := range n.Children(keyword) {
				if t := typeName(alternative.Resolve()); !slices.Contains(types, t) {
					types = append(types, t)
				}
			}
		}
	}
	name := strings.Join(types, " or ")
	switch items := n.Child("items").Resolve(); {
	case name == "":
		return "any"
	case name == "array" && items.Exists():
		return "array of " + typeName(items)
	}
	if f := n.Text("format"); f != "" {
		name += " (" + f + ")"
	}
	return name
}

// words joins title and description.
func words(n schemadoc.Node) string {
	title, description := n.Text("title"), n.Text("description")
	if title == "" {
		return description
	}
	return strings.TrimSpace("**" + strings.TrimSuffix(title, ".") + ".** " + description)
}

// limits says what a value must be, beyond its type.
func limits(n schemadoc.Node) string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if v, ok := n.Get("const"); ok {
		say("always %s", code(v))
	}
	if choices := n.List("enum"); len(choices) > 0 {
		labels := n.List("enumLabels")
		var named []string
		for i, v := range choices {
			name := code(v)
			if i < len(labels) {
				name += fmt.Sprintf(" (%v)", labels[i])
			}
			named = append(named, name)
		}
		say("one of %s", strings.Join(named, ", "))
	}
	for _, bounds := range []struct{ least, most, unit string }{
		{"minimum", "maximum", ""}, {"exclusiveMinimum", "exclusiveMaximum", ", both excluded"},
		{"minLength", "maxLength", " characters"}, {"minItems", "maxItems", " items"}, {"minProperties", "maxProperties", " members"},
	} {
		least, hasLeast := n.Get(bounds.least)
		most, hasMost := n.Get(bounds.most)
		switch {
		case hasLeast && hasMost:
			say("%v to %v%s", least, most, bounds.unit)
		case hasLeast:
			say("at least %v%s", least, unit(least, bounds.unit))
		case hasMost:
			say("at most %v%s", most, unit(most, bounds.unit))
		}
	}
	if v, ok := n.Get("multipleOf"); ok {
		say("a multiple of %v", v)
	}
	if n.Text("pattern") != "" {
		say("matches `%s`", n.Text("pattern"))
	}
	if v, ok := n.Get("default"); ok {
		say("%s unless given", code(v))
	}
	if list := n.Child("lookup").Text("operation"); list != "" {
		say("choices from the list `%s`", list)
	}
	if v, _ := n.Get("x-secret"); v == true {
		say("secret")
	}
	return strings.Join(all, "; ")
}

// unit makes " characters" " character" for one.
func unit(n any, name string) string {
	if fmt.Sprint(n) == "1" {
		return strings.TrimSuffix(name, "s")
	}
	return name
}

func exampleOf(n schemadoc.Node) string {
	examples := n.List("examples")
	if len(examples) == 0 {
		return ""
	}
	return code(examples[0])
}

// code writes a value as code, cut where a cell would become too wide.
func code(v any) string {
	const widest = 80
	text := []rune(schemadoc.Encode(v))
	if len(text) > widest {
		text = append(text[:widest], '…')
	}
	if strings.ContainsRune(string(text), '`') {
		return "`` " + string(text) + " ``"
	}
	return "`" + string(text) + "`"
}

// cell makes a text fit into one cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

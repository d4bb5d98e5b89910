package validate

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Problem is one way in which a value does not fit.
type Problem struct {
	Pointer string // RFC 6901 JSON Pointer of the value, or of the property that is missing.
	Code    string // Stable, in snake_case, such as "missing_property".
	Message string // What is wrong, without the value: "must be a string, not a number".
	Detail  string // What to do about it; may be empty.
}

// maxProblems bounds an answer: who has so much wrong begins at the top.
const maxProblems = 50

// explainer turns the library's errors into problems. It takes from them only
// where something failed; the words are made from the schema, since the library
// quotes values.
type explainer struct {
	schema  any
	value   any
	unknown []string
}

func (e *explainer) problems(failed *jsonschema.ValidationError) []Problem {
	pointer := unescape(failed.InstanceLocation)
	if e.isUnknown(pointer) {
		return nil
	}
	keyword := failed.KeywordLocation[strings.LastIndexByte(failed.KeywordLocation, '/')+1:]
	switch {
	case (keyword == "anyOf" || keyword == "oneOf") && len(failed.Causes) > 0:
		return e.alternatives(pointer, failed.Causes)
	case len(failed.Causes) == 0:
		return e.leaf(failed, pointer, keyword)
	}
	var all []Problem
	for _, cause := range failed.Causes {
		all = append(all, e.problems(cause)...)
	}
	return all
}

// alternatives explains why none of several shapes fits, by the one that was
// most likely meant.
func (e *explainer) alternatives(pointer string, causes []*jsonschema.ValidationError) []Problem {
	var best []Problem
	var types []string
	for _, cause := range causes {
		problems := e.problems(cause)
		if len(problems) == 0 {
			return nil // it may fit once all is known
		}
		if i := slices.IndexFunc(problems, func(p Problem) bool { return p.Pointer == pointer && p.Code == "wrong_type" }); i >= 0 {
			types = append(types, problems[i].Message)
			continue
		}
		if best == nil || distance(problems) < distance(best) {
			best = problems
		}
	}
	if best != nil {
		return best
	}
	slices.Sort(types)
	return []Problem{{Pointer: pointer, Code: "wrong_type", Message: strings.Join(slices.Compact(types), "; or ")}}
}

// distance says how far a value is from a shape. Another value of a
// discriminating property weighs most: that shape was not meant.
func distance(problems []Problem) int {
	d := len(problems)
	for _, p := range problems {
		switch p.Code {
		case "not_allowed":
			d += 4
		case "unknown_property":
			d += 2
		}
	}
	return d
}

func (e *explainer) isUnknown(pointer string) bool {
	return slices.ContainsFunc(e.unknown, func(u string) bool { return within(pointer, u) })
}

// restsOnUnknown reports whether something below pointer is unknown.
func (e *explainer) restsOnUnknown(pointer string) bool {
	return slices.ContainsFunc(e.unknown, func(u string) bool { return within(u, pointer) })
}

func (e *explainer) leaf(failed *jsonschema.ValidationError, pointer, keyword string) []Problem {
	_, fragment, _ := strings.Cut(failed.AbsoluteKeywordLocation, "#")
	fragment = unescape(fragment)
	argument, _ := at(e.schema, fragment)
	parent := map[string]any{}
	if i := strings.LastIndexByte(fragment, '/'); i >= 0 {
		if m, ok := at(e.schema, fragment[:i]); ok {
			parent, _ = m.(map[string]any)
		}
	}
	value, _ := at(e.value, pointer)

	one := func(code, format string, args ...any) []Problem {
		return []Problem{{Pointer: pointer, Code: code, Message: fmt.Sprintf(format, args...), Detail: example(parent)}}
	}
	switch keyword {
	case "required":
		return e.missing(pointer, argument, value)
	case "additionalProperties":
		return e.surplus(pointer, parent, value)
	case "unevaluatedProperties":
		return one("unknown_property", "is no property here")
	case "type":
		return one("wrong_type", "must be %s, not %s", types(argument), typeOf(value))
	case "enum":
		return e.notAllowed(pointer, argument, value)
	case "const":
		return one("not_allowed", "must be %s", quoted(argument))
	case "pattern":
		return one("wrong_form", "does not match the pattern %v", argument)
	case "format":
		return one("wrong_form", "is not a valid %v", argument)
	case "minLength":
		return one("too_short", "has %s; at least %v needed", count(length(value), "character"), argument)
	case "maxLength":
		return one("too_long", "has %s; at most %v allowed", count(length(value), "character"), argument)
	case "minItems":
		return one("too_few", "has %s; at least %v needed", count(length(value), "item"), argument)
	case "maxItems":
		return one("too_many", "has %s; at most %v allowed", count(length(value), "item"), argument)
	case "minProperties":
		return one("too_few", "has %s; at least %v needed", count(length(value), "property"), argument)
	case "maxProperties":
		return one("too_many", "has %s; at most %v allowed", count(length(value), "property"), argument)
	case "minimum":
		return one("too_small", "must be at least %v", argument)
	case "exclusiveMinimum":
		return one("too_small", "must be more than %v", argument)
	case "maximum":
		return one("too_large", "must be at most %v", argument)
	case "exclusiveMaximum":
		return one("too_large", "must be less than %v", argument)
	case "multipleOf":
		return one("wrong_step", "must be a multiple of %v", argument)
	case "uniqueItems":
		return one("repeated_item", "holds the same item twice")
	}
	if e.restsOnUnknown(pointer) {
		return nil
	}
	switch {
	case strings.Contains(failed.KeywordLocation, "/dependentRequired/"):
		if name, ok := argument.(string); ok {
			return []Problem{{Pointer: join(pointer, name), Code: "missing_property", Message: "is required beside the other properties given"}}
		}
	case keyword == "oneOf":
		return one("ambiguous", "fits more than one of the shapes allowed here")
	case keyword == "not":
		return one("not_allowed", "must not have this form")
	case keyword == "contains", keyword == "minContains", keyword == "maxContains":
		return one("wrong_items", "does not hold the items that it must")
	}
	return one("not_allowed", "is not allowed here")
}

func (e *explainer) missing(pointer string, required, value any) []Problem {
	object, _ := value.(map[string]any)
	names, _ := required.([]any)
	var all []Problem
	for _, n := range names {
		name, _ := n.(string)
		if _, there := object[name]; there {
			continue
		}
		// The library reports the object; whoever fills in a form wants the field.
		if p := join(pointer, name); !e.isUnknown(p) {
			all = append(all, Problem{Pointer: p, Code: "missing_property", Message: "is required"})
		}
	}
	return all
}

func (e *explainer) surplus(pointer string, schema map[string]any, value any) []Problem {
	properties, _ := schema["properties"].(map[string]any)
	known := make([]string, 0, len(properties))
	for name := range properties {
		known = append(known, name)
	}
	sort.Strings(known)
	patterns, _ := schema["patternProperties"].(map[string]any)
	object, _ := value.(map[string]any)
	var all []Problem
	for name := range object {
		// A name is known even where the value is not.
		if properties[name] == nil && !matches(name, patterns) {
			all = append(all, Problem{Pointer: join(pointer, name), Code: "unknown_property", Message: "is no property here", Detail: suggestion(name, known)})
		}
	}
	return all
}

func matches(name string, patterns map[string]any) bool {
	for pattern := range patterns {
		if ok, err := regexp.MatchString(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

func (e *explainer) notAllowed(pointer string, enum, value any) []Problem {
	allowed, _ := enum.([]any)
	var texts, words []string
	for _, a := range allowed {
		texts = append(texts, quoted(a))
		if w, ok := a.(string); ok {
			words = append(words, w)
		}
	}
	if len(texts) > 20 {
		texts = append(texts[:20], fmt.Sprintf("… (%d in all)", len(texts)))
	}
	detail := ""
	if given, ok := value.(string); ok {
		if near := Nearest(given, words); near != "" {
			detail = fmt.Sprintf("Did you mean %q?", near)
		}
	}
	return []Problem{{Pointer: pointer, Code: "not_allowed", Message: "must be one of " + strings.Join(texts, ", "), Detail: detail}}
}

// Nearest returns the name that was probably meant, or nothing if none is near. It
// looks at five hundred names at most, and at none that is too long to be mistyped:
// to compare takes as long as one name times the other.
func Nearest(given string, names []string) string {
	const most, longest = 500, 100
	if len(given) > longest {
		return ""
	}
	best, shortest := "", max(2, len(given)/3)+1
	for _, name := range names[:min(len(names), most)] {
		if len(name) > longest {
			continue
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(given), strings.ToLower(name)); d < shortest && d < len(name) {
			best, shortest = name, d
		}
	}
	return best
}

func suggestion(given string, known []string) string {
	if near := Nearest(given, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if len(known) == 0 {
		return "No properties are allowed here."
	}
	return "Known properties: " + strings.Join(known, ", ") + "."
}

func example(schema map[string]any) string {
	examples, _ := schema["examples"].([]any)
	if len(examples) == 0 {
		return ""
	}
	return "For example: " + quoted(examples[0])
}

func sorted(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		if c := strings.Compare(a.Pointer, b.Pointer); c != 0 {
			return c
		}
		return strings.Compare(a.Code+a.Message, b.Code+b.Message)
	})
	problems = slices.Compact(problems)
	return problems[:min(len(problems), maxProblems)]
}

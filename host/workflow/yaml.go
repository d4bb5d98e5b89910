package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// syntaxError says where a text is not YAML or JSON, or not what we take of it.
type syntaxError struct {
	place
	code, message, hint string
}

func (e *syntaxError) Error() string { return e.message }

// parseYAML reads a text that is one YAML document.
func parseYAML(src []byte) (*node, error) {
	d := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &syntaxError{place{1, 1}, "empty", "the file is empty", ""}
	} else if err != nil {
		return nil, yamlError(src, err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, &syntaxError{place{more.Line, more.Column}, "two_documents", "a second document begins here", "one workflow a file"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(src, err)
	}
	if len(doc.Content) != 1 {
		return nil, &syntaxError{place{1, 1}, "empty", "the file is empty", ""}
	}
	b := yamlBuilder{open: map[*yaml.Node]bool{}}
	return b.build(doc.Content[0], 0)
}

// yamlBuilder turns YAML's nodes into ours.
type yamlBuilder struct {
	nodes int
	bytes int                 // Of scalars and keys, aliases counted out.
	open  map[*yaml.Node]bool // Anchors that are being expanded.
}

func (b *yamlBuilder) build(y *yaml.Node, depth int) (*node, error) {
	at := place{y.Line, y.Column}
	if b.nodes++; b.nodes > maxNodes {
		return nil, tooMany(at)
	}
	if depth > maxDepth {
		return nil, tooDeep(at)
	}
	n := &node{line: y.Line, column: y.Column}
	switch y.Kind {
	case yaml.AliasNode:
		if b.open[y.Alias] {
			return nil, &syntaxError{at, "endless_alias", fmt.Sprintf("the anchor %s holds itself", y.Value), ""}
		}
		b.open[y.Alias] = true
		defer delete(b.open, y.Alias)
		return b.build(y.Alias, depth+1)
	case yaml.ScalarNode:
		if b.bytes += len(y.Value); b.bytes > 2*maxSource {
			return nil, tooMany(at)
		}
		return yamlScalar(y)
	case yaml.SequenceNode:
		if err := plainTag(y, "!!seq"); err != nil {
			return nil, err
		}
		n.kind = arrayKind
		for _, c := range y.Content {
			item, err := b.build(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
	case yaml.MappingNode:
		if err := plainTag(y, "!!map"); err != nil {
			return nil, err
		}
		n.kind = objectKind
		seen := map[string]place{}
		for i := 0; i+1 < len(y.Content); i += 2 {
			name, err := yamlKey(y.Content[i])
			if err != nil {
				return nil, err
			}
			key := place{y.Content[i].Line, y.Content[i].Column}
			if b.bytes += len(name); b.bytes > 2*maxSource {
				return nil, tooMany(key)
			}
			if first, ok := seen[name]; ok {
				return nil, duplicate(name, key, first)
			}
			seen[name] = key
			value, err := b.build(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, member{name, key, value})
		}
	default:
		return nil, &syntaxError{at, "syntax", "not a value", ""}
	}
	return n, nil
}

// yamlKey returns a key as text: true, false and numbers may stand bare.
func yamlKey(y *yaml.Node) (string, error) {
	at := place{y.Line, y.Column}
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode {
		return "", &syntaxError{at, "wrong_key", "a key must be a text", ""}
	}
	switch y.ShortTag() {
	case "!!merge":
		return "", &syntaxError{at, "merge_key", "merge keys (<<) are not taken", "write the properties out"}
	case "!!null":
		return "", &syntaxError{at, "wrong_key", "a key must be a text, not null", "put quotes around it"}
	case "!!bool":
		return fmt.Sprint(y.Value == "true" || y.Value == "True" || y.Value == "TRUE"), nil
	}
	return y.Value, nil
}

// jsonNumber is what JSON takes for a number.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func yamlScalar(y *yaml.Node) (*node, error) {
	at := place{y.Line, y.Column}
	n := &node{line: y.Line, column: y.Column}
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!timestamp": // dates stay what was written
		return text(y.Value, y.Line, y.Column), nil
	case "!!null":
		n.raw = json.RawMessage("null")
	case "!!bool":
		n.raw = json.RawMessage(fmt.Sprint(y.Value == "true" || y.Value == "True" || y.Value == "TRUE"))
	case "!!int", "!!float":
		// The digits are handed on as they stand; no float64 comes near an id.
		if !jsonNumber.MatchString(y.Value) {
			return nil, &syntaxError{at, "wrong_number", fmt.Sprintf("%s is no plain decimal number", y.Value), "put quotes around it if it is a text"}
		}
		n.raw = json.RawMessage(y.Value)
	default:
		return nil, &syntaxError{at, "tag", fmt.Sprintf("the tag %s is not taken", tag), "leave it out"}
	}
	return n, nil
}

func plainTag(y *yaml.Node, tag string) error {
	if y.ShortTag() == tag {
		return nil
	}
	return &syntaxError{place{y.Line, y.Column}, "tag", fmt.Sprintf("the tag %s is not taken", y.ShortTag()), "leave it out"}
}

func duplicate(name string, at, first place) error {
	return &syntaxError{at, "duplicate_key", fmt.Sprintf("%q is given twice", name), fmt.Sprintf("first in line %d", first.line)}
}

func tooMany(at place) error {
	return &syntaxError{at, "too_large", "the document holds too many or too large values, aliases written out", "take large data from a step or from storage"}
}

func tooDeep(at place) error {
	return &syntaxError{at, "too_deep", fmt.Sprintf("values stand more than %d deep in each other", maxDepth), ""}
}

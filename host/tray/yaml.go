package tray

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/storyloop/storyloop/host/workflow"
	"go.yaml.in/yaml/v3"
)

// write returns a document as YAML that [workflow.Parse] reads back value for
// value. Where YAML cannot be trusted with a text, all texts are quoted.
func write(doc *node, head []string) ([]byte, error) {
	want := string(doc.json(nil))
	var last error
	for _, quoted := range []bool{false, true} {
		src, err := encode(doc, head, quoted)
		if err != nil {
			return nil, err
		}
		read, err := workflow.Parse("workflow.yaml", src)
		if err == nil && string(read.JSON()) == want {
			return src, nil
		}
		last = err
	}
	if last == nil {
		last = fmt.Errorf("a text in it cannot be written as YAML")
	}
	return nil, last
}

func encode(doc *node, head []string, quoted bool) ([]byte, error) {
	root := doc.yaml(quoted)
	root.HeadComment = comment(head)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return b.Bytes(), nil
}

// yaml returns the value for the encoder. Small objects stand on one line, as
// people write them.
func (n *node) yaml(quoted bool) *yaml.Node {
	switch n.kind {
	case objectKind:
		y := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", HeadComment: comment(n.comment)}
		for _, m := range n.members {
			key := yamlText(m.name, quoted)
			y.Content = append(y.Content, key, m.value.yaml(quoted))
		}
		if len(n.members) == 0 {
			y.Style = yaml.FlowStyle
		}
		return y
	case listKind:
		y := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range n.items {
			y.Content = append(y.Content, item.yaml(quoted))
		}
		if len(n.items) == 0 {
			y.Style = yaml.FlowStyle
		}
		return y
	case textKind:
		return yamlText(n.text, quoted)
	case nullKind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	default: // without a tag the digits stay as they are
		return &yaml.Node{Kind: yaml.ScalarNode, Value: n.text}
	}
}

// oldBoolean matches texts that other readers of YAML take for booleans.
var oldBoolean = regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$`)

func yamlText(s string, quoted bool) *yaml.Node {
	y := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case quoted || s == "<<" || oldBoolean.MatchString(s):
		y.Style = yaml.DoubleQuotedStyle
	case strings.Contains(s, "\n") && !asBlock(s):
		y.Style = yaml.DoubleQuotedStyle
	}
	return y
}

// asBlock reports whether text of several lines may stand as it is, for people.
func asBlock(s string) bool {
	for _, r := range s {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return s[0] != '\n' && s[0] != ' ' && s[0] != '\t' && !strings.Contains(s, " \n") && !strings.Contains(s, "\t\n")
}

// comment returns lines as a comment, each on one line.
func comment(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("# " + oneLine(line))
	}
	return b.String()
}

// oneLine returns text without what would end a line or does not print.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

package workflow

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlLine finds the line in the library's message: it offers no other way.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// yamlMessage parts the library's message from the line that it names; 0 is none.
func yamlMessage(err error) (line int, message string) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}

// unfit and unclosed match what the library's parser complains of; it counts lines
// from 0. The rest comes from its scanner.
var (
	unfit    = regexp.MustCompile(`expected ('-' indicator|key|<document start>)$`)
	unclosed = regexp.MustCompile(`expected (',' or '.'|node content)$`)
)

// yamlError says where a text is not YAML, and what may have been meant.
func yamlError(src []byte, err error) error {
	line, message := yamlMessage(err)
	at, hint := place{max(line, 1), 1}, "within { } and [ ], put quotes around what holds one of { } [ ] , or a colon and a space"
	switch {
	case unfit.MatchString(message):
		at, message = misfit(src, message), "the line does not fit what is above it"
		hint = "indent the items of a list alike, and the properties of one thing alike; put nothing behind a text in quotes, or behind } or ]"
	case unclosed.MatchString(message):
		at.line = line + 1
	case strings.Contains(message, "cannot start any token"):
		hint = "indent with spaces, not with tabs; put quotes around what begins with @, ` or %"
	}
	return &syntaxError{at, "syntax", "not YAML: " + message, hint}
}

// misfit finds the line because of which the library ends with this message. The
// library names the one where the list or the properties begin, which may be all of
// the file; up to the line that is looked for the text is without that fault.
func misfit(src []byte, message string) place {
	lines := bytes.SplitAfter(src, []byte("\n"))
	end := 0
	ends := make([]int, len(lines))
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	n := sort.Search(len(lines)-1, func(i int) bool {
		_, found := yamlMessage(readAll(src[:ends[i]]))
		return found == message
	})
	indent := len(lines[n]) - len(bytes.TrimLeft(lines[n], " "))
	return place{n + 1, indent + 1}
}

// readAll reads all documents of a text, and returns what ends that.
func readAll(src []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		if err := d.Decode(&doc); err != nil {
			return err // io.EOF if nothing is wrong
		}
	}
}

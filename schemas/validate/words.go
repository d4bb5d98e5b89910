package validate

import (
	"encoding/json"
	"fmt"
	"strings"
)

func types(argument any) string {
	if list, ok := argument.([]any); ok {
		var names []string
		for _, t := range list {
			names = append(names, article(fmt.Sprint(t)))
		}
		return strings.Join(names, " or ")
	}
	return article(fmt.Sprint(argument))
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

func article(name string) string {
	switch name {
	case "null":
		return name
	case "integer", "array", "object":
		return "an " + name
	default:
		return "a " + name
	}
}

func length(value any) int {
	switch v := value.(type) {
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if noun == "property" {
		return fmt.Sprint(n, " properties")
	}
	return fmt.Sprint(n, " ", noun, "s")
}

// quoted prints a value of the schema; values of the text are never printed.
func quoted(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is for people, and no HTML
	if err := e.Encode(value); err != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

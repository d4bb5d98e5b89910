package workflow

import (
	"encoding/json"
	"strconv"
)

// iteration is what the body of a loop sees of it.
type iteration struct {
	loop  *Loop
	index int
	value json.RawMessage // Nil in a loop without end.
}

func (l *Loop) iteration(i int) iteration {
	it := iteration{loop: l, index: i}
	if !l.Forever {
		it.value = l.item(i)
	}
	return it
}

func (it *iteration) names() []string {
	names := []string{"index", "is_first"}
	if !it.loop.Forever {
		names = append(names, "value", "count", "is_last")
	}
	if it.loop.keys != nil {
		names = append(names, "key")
	}
	return names
}

func (it *iteration) member(name string) json.RawMessage {
	l, endless := it.loop, it.loop.Forever
	switch {
	case name == "value":
		return it.value
	case name == "index":
		return strconv.AppendInt(nil, int64(it.index), 10)
	case name == "is_first":
		return boolean(it.index == 0)
	case name == "count" && !endless:
		return strconv.AppendInt(nil, int64(l.Count), 10)
	case name == "is_last" && !endless:
		return boolean(it.index == l.Count-1)
	case name == "key" && l.keys != nil:
		return quote(l.keys[it.index])
	}
	return nil
}

func boolean(b bool) json.RawMessage {
	if b {
		return json.RawMessage("true")
	}
	return json.RawMessage("false")
}

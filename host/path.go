package host

import (
	"strconv"
	"strings"
)

// around returns the path of the innermost loop around a step, and the iteration:
// "loop-1" and 3 for "loop-1[3]/instagram-2", nothing outside of loops. The path
// of an iteration itself, "loop-1[3]", is taken as within it.
func around(path string) (loop string, index int) {
	end := strings.LastIndexByte(path, ']')
	if end < 0 {
		return "", 0
	}
	start := strings.LastIndexByte(path[:end], '[')
	if start < 0 {
		return "", 0
	}
	index, err := strconv.Atoi(path[start+1 : end])
	if err != nil {
		return "", 0
	}
	return path[:start], index
}

// iterationPath returns the path of an iteration: "loop-1[3]".
func iterationPath(loop string, index int) string {
	return loop + "[" + strconv.Itoa(index) + "]"
}

// iteration reports whether the entry is about an iteration as a whole.
func (e Entry) iteration() bool {
	return e.Loop != "" && e.Path == iterationPath(e.Loop, e.Index)
}

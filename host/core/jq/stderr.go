package jq

import "bytes"

// opening keeps the beginning of what a worker writes to standard error: that is
// where Go's runtime says why it ends the process, and nowhere else. It is looked
// at and shown to nobody, as what follows may hold data.
type opening struct{ text []byte }

func (o *opening) Write(p []byte) (int, error) {
	const most = 4 << 10
	o.text = append(o.text, p[:min(len(p), most-len(o.text))]...)
	return len(p), nil
}

// What the runtime says.
const (
	outOfMemory   = "fatal error: out of memory" // And where it noticed.
	stackOverflow = "fatal error: stack overflow"
)

// says reports whether there is a line that begins so. The process must have ended.
func (o *opening) says(text string) bool {
	return bytes.HasPrefix(o.text, []byte(text)) || bytes.Contains(o.text, []byte("\n"+text))
}

package workflow

import "encoding/json"

// Bounds on what the references of one value may put together, in bytes. A line of
// a document can ask for a large output a thousand times over; memory ends before
// the document does.
const (
	maxInput   = 32 << 20          // Of a call. Engines take less.
	maxControl = maxOutput + 1<<20 // Of a loop, say, which may be about the longest list there is.
)

// resolution replaces the references of one value.
type resolution struct {
	values values
	most   int
	taken  int
}

// look returns what a reference leads to.
func (r *resolution) look(ref *Ref) (json.RawMessage, error) {
	raw, err := ref.resolve(r.values)
	if r.taken += len(raw); r.taken > r.most {
		return nil, invalid("", "what the references lead to is larger than %d MiB together; refer to less, or pass it on in parts", r.most>>20)
	}
	return raw, err
}

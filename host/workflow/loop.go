package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	maxConcurrency = 64
	maxForever     = 1_000_000 // Iterations of a loop without end.
	defaultForever = 10_000
	maxListed      = 100 // Failures that a summary lists.
)

// Loop is a loop that is about to run.
type Loop struct {
	Path        string
	Step        *Step
	Count       int // Iterations at most; a loop without end has its guard here.
	Forever     bool
	Concurrency int // Iterations at once, 1 to 64.

	frame       *frame
	item        func(i int) json.RawMessage
	keys        []string
	goesOn      bool // After an iteration that failed.
	maxFailures int  // Below zero: no bound.
	collect     *Value
	collected   int // Bytes.
}

// Iteration is what came of one iteration. An engine may store it as JSON.
type Iteration struct {
	Index     int             `json:"index"`
	Collected json.RawMessage `json:"collected,omitempty"`
	Failure   *Failure        `json:"failure,omitempty"`
	Tolerated bool            `json:"tolerated,omitempty"` // The failed step said to go on.
	Broke     bool            `json:"broke,omitempty"`     // The loop ends here.
}

// Summary is what came of a loop. An engine may store it as JSON.
type Summary struct {
	Count     int               `json:"count"` // Iterations that have run.
	Succeeded int               `json:"succeeded"`
	Failed    int               `json:"failed"`
	Results   []json.RawMessage `json:"results"`            // What collect asks for, in order.
	Failures  []IndexedFailure  `json:"failures,omitempty"` // The first hundred.
	Cause     *IndexedFailure   `json:"cause,omitempty"`    // Why the loop failed as a whole.
	Broke     bool              `json:"broke,omitempty"`
	TooMuch   bool              `json:"too_much,omitempty"` // Was collected: the cause is no iteration's failure.
}

// IndexedFailure is the failure of an iteration.
type IndexedFailure struct {
	Index   int      `json:"index"`
	Failure *Failure `json:"failure"`
}

// loopStep runs a loop and returns what stands after it.
func (f *frame) loopStep(c Ctx, path string, s *Step) (output json.RawMessage, err error) {
	l, err := f.newLoop(path, s)
	if err != nil {
		return nil, err
	}
	sum, err := c.Each(l)
	if err != nil {
		return nil, err
	}
	if !l.Forever && !sum.Broke && sum.Cause == nil && sum.Count < l.Count {
		return nil, fmt.Errorf("running %s: the engine ran %d of %d iterations", path, sum.Count, l.Count) // a bug in the engine
	}
	if l.Forever && !sum.Broke && sum.Cause == nil {
		return nil, invalid("/max_iterations", "the loop has run %d times without a break_loop", sum.Count)
	}
	if sum.Cause != nil {
		return nil, l.failure(sum)
	}
	return sum.Output(), nil
}

func (f *frame) newLoop(path string, s *Step) (*Loop, error) {
	l := &Loop{Path: path, Step: s, Concurrency: 1, maxFailures: -1, frame: f, collect: s.Input.Member("collect")}
	over, options, err := f.loopInput(s)
	if err != nil {
		return nil, err
	}
	switch s.Operation {
	case LoopList:
		if typeName(over) != "a list" {
			return nil, invalid("/list", "must be a list, not %s", typeName(over))
		}
		l.Count, l.item = rawIndex(over)
	case LoopObject:
		if typeName(over) != "an object" {
			return nil, invalid("/object", "must be an object, not %s", typeName(over))
		}
		var values []json.RawMessage
		eachMember(over, func(key, value json.RawMessage) {
			l.keys, values = append(l.keys, unquote(key)), append(values, value)
		})
		l.Count, l.item = len(values), func(i int) json.RawMessage { return values[i] }
	case LoopForever:
		l.Forever = true
	default:
		return nil, invalid("", "the connector loop has no operation %q", s.Operation)
	}
	return l, l.options(options)
}

// loopInput resolves a loop's input: what it runs over, and the options apart from
// that. The former may be most of the run's memory, and stays where it is.
func (f *frame) loopInput(s *Step) (over, options json.RawMessage, err error) {
	r := &resolution{values: f, most: maxControl}
	input, name := s.Input, "list"
	if s.Operation == LoopObject {
		name = "object"
	}
	if input != nil && input.members == nil { // It is constant, or one reference.
		all, err := input.with(r)
		if err != nil {
			return nil, nil, err
		}
		input = &Value{raw: all}
	}
	if over, err = input.Member(name).with(r); err != nil {
		return nil, nil, err
	}
	options, err = input.without("collect", name).with(r)
	return over, options, err
}

// options reads what all loops have in common.
func (l *Loop) options(input json.RawMessage) error {
	number := func(name string, least, most int, into *int) error {
		raw, ok := rawMember(input, name)
		if !ok {
			return nil
		}
		var n int
		if json.Unmarshal(raw, &n) != nil || n < least || n > most {
			return invalid("/"+name, "must be a whole number from %d to %d", least, most)
		}
		*into = n
		return nil
	}
	if l.Forever {
		l.Count = defaultForever
		if err := number("max_iterations", 1, maxForever, &l.Count); err != nil {
			return err
		}
	} else if err := number("concurrency", 1, maxConcurrency, &l.Concurrency); err != nil {
		return err
	}
	if raw, ok := rawMember(input, "on_error"); ok {
		switch unquote(raw) {
		case "continue":
			l.goesOn = true
		case "stop":
		default:
			return invalid("/on_error", "must be \"stop\" or \"continue\"")
		}
	}
	return number("max_failures", 0, 1<<31-1, &l.maxFailures)
}

// Run runs one iteration. Its error is not about the iteration: the run was
// cancelled, or has ended, or goes on outside of this loop.
func (l *Loop) Run(c Ctx, i int) (Iteration, error) {
	f := &frame{parent: l.frame, run: l.frame.run, iteration: l.iteration(i)}
	it := Iteration{Index: i}

	err := f.body(c, l.Path+"["+itoa(i)+"]/", l.Step.Steps)
	if err == nil && l.collect != nil {
		if it.Collected, err = l.collect.resolve(f, maxInput); err != nil {
			if failure, ok := caught(err); ok {
				failure.Pointer = "/collect"
				f.place(failure, fmt.Sprintf("%s[%d]", l.Path, i), l.Step)
				err = failure
			}
		}
	}
	var left *jump
	if errors.As(err, &left) && left.loop == l.Step.ID {
		it.Broke, it.Failure, it.Tolerated = left.over, left.failure, true
		return it, nil
	}
	if failure, failed := caught(err); failed {
		it.Failure = failure
		return it, nil
	}
	return it, err
}

// Add takes the result of an iteration into account and reports whether the loop
// ends with it.
func (l *Loop) Add(sum *Summary, it Iteration) (stop bool) {
	sum.Count++
	if l.collected += len(it.Collected); l.collect != nil && l.collected <= maxOutput {
		for len(sum.Results) <= it.Index {
			sum.Results = append(sum.Results, json.RawMessage("null"))
		}
		if it.Collected != nil {
			// A copy: the iteration's outputs, of which it is a part, may go.
			sum.Results[it.Index] = slices.Clone(it.Collected)
		}
	}
	sum.Broke = sum.Broke || it.Broke
	if l.collected > maxOutput {
		sum.Results, sum.TooMuch = nil, true
		sum.cause(it.Index, invalid("/collect", "what the loop collects is larger than %d MiB; collect less of each iteration, or loop over less at a time", maxOutput>>20))
		return true
	}
	if it.Failure == nil {
		sum.Succeeded++
		return sum.Broke
	}
	sum.Failed++
	sum.list(IndexedFailure{it.Index, it.Failure})
	fatal := !it.Tolerated && !l.goesOn || l.maxFailures >= 0 && sum.Failed > l.maxFailures
	if fatal {
		sum.cause(it.Index, it.Failure)
	}
	return sum.Broke || sum.Cause != nil
}

// cause keeps the failure of the lowest index, in whatever order they come.
func (sum *Summary) cause(index int, f *Failure) {
	if sum.Cause == nil || index < sum.Cause.Index {
		sum.Cause = &IndexedFailure{index, f}
	}
}

// list keeps the first failures by index, in whatever order they come.
func (sum *Summary) list(f IndexedFailure) {
	at, _ := slices.BinarySearchFunc(sum.Failures, f, func(a, b IndexedFailure) int { return a.Index - b.Index })
	if at >= maxListed {
		return
	}
	sum.Failures = slices.Insert(sum.Failures, at, f)
	sum.Failures = sum.Failures[:min(len(sum.Failures), maxListed)]
}

// failure returns why the loop failed: the failure of the iteration that ended it.
func (l *Loop) failure(sum Summary) *Failure {
	f := *sum.Cause.Failure
	if l.goesOn && !sum.TooMuch {
		f.Message = fmt.Sprintf("more than %d iterations of %s failed, the last with: %s", l.maxFailures, l.Step.ID, f.Message)
	}
	return &f
}

// Output returns what stands after the loop.
func (sum Summary) Output() json.RawMessage {
	b := fmt.Appendf(nil, `{"count":%d,"succeeded":%d,"failed":%d,"results":`, sum.Count, sum.Succeeded, sum.Failed)
	b = append(b, joinItems(sum.Results, 0)...)
	b = append(b, `,"failures":[`...)
	for i, f := range sum.Failures {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"index":%d,"step":%s,"kind":%s,"message":%s}`, f.Index, quote(f.Failure.Step), quote(f.Failure.Kind), quote(f.Failure.Message))
	}
	return append(b, "]}"...)
}

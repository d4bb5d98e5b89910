package jq

import (
	"context"
	"errors"
	"runtime"
	"runtime/metrics"
	"time"
)

// maxGrowth is how much what the host holds in memory may grow while a program
// runs. It is also what keeps values from being nested so deep that the library,
// which is recursive, would exhaust the stack and with it the host: a level takes
// at least 40 bytes of heap, and some 200 of the half a gigabyte of stack.
const maxGrowth = 48 << 20

// errMemory ends a program that takes too much.
var errMemory = errors.New("the program takes too much memory; does it collect a list without end?")

// meter is a context that is cancelled when the heap has grown too far: the library
// bounds no memory itself, but asks its context between any two instructions. What
// other runs take meanwhile counts too. Use it in one goroutine.
type meter struct {
	context.Context
	cancel  context.CancelCauseFunc
	most    uint64 // That the heap may hold.
	look    uint64 // From where on to look what of it is garbage.
	steps   int
	checked time.Time
}

// withinMemory returns a meter that counts from here, inputs that take some bytes
// included. Call done when the program has ended.
func withinMemory(ctx context.Context, inputs uint64) (m *meter, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	most := min(read(heldBytes), read(liveBytes)+inputs) + maxGrowth
	m = &meter{Context: ctx, cancel: cancel, most: most, look: most, checked: time.Now()}
	return m, func() {
		cancel(nil)
		if m.look != most {
			runtime.GC() // what the program has left must not count as live for the next one
		}
	}
}

// Done is called for each instruction. To look at the clock takes longer than most
// of them, and at the heap much longer.
func (m *meter) Done() <-chan struct{} {
	const between = time.Millisecond
	if m.steps++; m.steps%8 == 0 && time.Since(m.checked) > between {
		if m.grown() {
			m.cancel(errMemory)
		}
		m.checked = time.Now()
	}
	return m.Context.Done()
}

// grown does not count garbage, which may be most of what there is. To find out
// takes long, so it waits until there is some more.
func (m *meter) grown() bool {
	const more = 16 << 20
	if read(heldBytes) <= m.look {
		return false
	}
	runtime.GC()
	left := read(heldBytes)
	m.look = max(left, m.most) + more
	return left > m.most
}

// Metrics of the runtime.
const (
	heldBytes  = "/memory/classes/heap/objects:bytes" // Garbage included.
	liveBytes  = "/gc/heap/live:bytes"                // When garbage was last collected.
	stackBytes = "/memory/classes/heap/stacks:bytes"
)

func read(metric string) uint64 {
	sample := []metrics.Sample{{Name: metric}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

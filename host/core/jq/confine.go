package jq

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// confine bounds what this process may take. The stack comes first, then the
// collector works harder the nearer the limit is, then [watch] ends the process;
// where the system can, it denies what is taken faster than that.
func confine() {
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(MaxMemory + 2*more)
	debug.SetTraceback("none")
	limitProcess()
}

// watcher ends this process when its memory goes beyond the limit.
type watcher struct {
	timer  *time.Timer
	long   func()
	beyond uint64 // From where on to look what of it is garbage, which takes long.

	mu sync.Mutex
	// Guarded by mu.
	stopped bool
}

// watch looks every now and then until it is stopped, and calls long once if that
// takes more than a moment.
func watch(long func()) *watcher {
	w := &watcher{long: long, beyond: MaxMemory}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(often, w.look)
	return w
}

const (
	often = 5 * time.Millisecond
	more  = 64 << 20
)

func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if w.long != nil {
		w.long()
		w.long = nil
	}
	if taken() > w.beyond {
		runtime.GC()
		if taken() > MaxMemory {
			os.Exit(exitMemory)
		}
		w.beyond = MaxMemory + more
	}
	w.timer.Reset(often)
}

func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

// taken is what values take, garbage included.
func taken() uint64 { return read(heldBytes) + read(stackBytes) }

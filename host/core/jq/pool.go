package jq

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/storyloop/storyloop/host"
)

// Options are those of a pool.
type Options struct {
	// Command starts a worker, a process that calls [Serve]: its path and
	// arguments. Required.
	Command []string
	// Workers is how many there are at once, at most. Zero means one a processor,
	// up to four.
	Workers int
	// Clock tells which workers have been idle for long. Nil is the computer's.
	Clock host.Clock
	// Log is told of workers that ended on their own. Nil logs nothing.
	Log *slog.Logger
}

// idleTime is how long a worker waits for the next program.
const idleTime = time.Minute

// Pool runs programs in worker processes, which it starts when they are needed,
// keeps for the next ones and ends after a minute without any. What a program does
// to its worker leaves the host and other programs untouched.
type Pool struct {
	options Options
	slots   chan struct{} // One for each worker that runs something.
	open    context.Context
	close   context.CancelFunc
	calls   sync.WaitGroup // Calls, and workers that wait.

	mu sync.Mutex
	// Guarded by mu.
	idle []*rest
}

// rest is the time between two programs of a worker.
type rest struct {
	*worker
	over context.CancelFunc
}

// NewPool returns a pool without workers. Close it in the end.
func NewPool(o Options) *Pool {
	if o.Workers == 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if o.Clock == nil {
		o.Clock = host.SystemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{options: o, slots: make(chan struct{}, o.Workers)}
	p.open, p.close = context.WithCancel(context.Background())
	return p
}

// Check reports what is wrong with a program. Errors are those of Run.
func (p *Pool) Check(ctx context.Context, program string) error {
	_, err := p.call(ctx, task{Program: program, Check: true}, nil)
	return err
}

// Run returns the one value that a program gives for its inputs, both JSON. It
// ends with its context, and after [MaxTime] at the latest. An error that the
// program or its inputs are to blame for is a *host.InputError: it is no program,
// it failed, took too long or too much memory, nested too deep. One that they are
// not, or perhaps not, is a *host.FailureError: all workers are busy, or somebody
// else ended them.
func (p *Pool) Run(ctx context.Context, program string, inputs []byte) ([]byte, error) {
	return p.call(ctx, task{Program: program}, inputs)
}

// Close ends all workers and what they run.
func (p *Pool) Close() {
	p.mu.Lock()
	p.close()
	p.mu.Unlock()
	p.calls.Wait()
}

func (p *Pool) call(ctx context.Context, t task, inputs []byte) ([]byte, error) {
	if len(inputs) > MaxInput {
		_, err := decode(inputs)
		return nil, err
	}
	if !p.enter() {
		return nil, cutOff()
	}
	defer p.calls.Done()
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	defer context.AfterFunc(p.open, cancel)()
	waited := left(ctx)
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, unavailable("All workers for jq programs were busy for %v.", waited)
		}
		return nil, cutOff()
	}
	return p.twice(ctx, t, inputs)
}

// twice runs a program again when its worker ended without having said why:
// somebody ended it. A program may be run as often as one likes.
func (p *Pool) twice(ctx context.Context, t task, inputs []byte) ([]byte, error) {
	var ended *endedError
	for range 2 {
		result, err := p.once(ctx, t, inputs)
		if !errors.As(err, &ended) {
			return result, err
		}
		p.options.Log.Warn("a worker for jq programs ended", "how", ended.how)
	}
	return nil, unavailable("The program was run twice, and both times something ended its worker process (%s). Perhaps the computer is short of memory.", ended.how)
}

func (p *Pool) once(ctx context.Context, t task, inputs []byte) ([]byte, error) {
	w, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	allowed := left(ctx)
	a, result, err := w.ask(ctx, t, inputs)
	if err == nil && ctx.Err() == nil {
		p.keep(w)
	} else {
		w.end()
	}
	switch {
	case err == nil:
		return a.result(result)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, late(allowed)
	case ctx.Err() != nil:
		return nil, cutOff()
	}
	return nil, w.why()
}

// result turns an answer into what it says.
func (a answer) result(data []byte) ([]byte, error) {
	switch {
	case a.Fault != "":
		return nil, errors.New(a.Fault)
	case a.Message != "":
		return nil, &host.InputError{Pointer: a.Pointer, Message: a.Message}
	}
	return data, nil
}

// enter reports whether the pool is open still, and keeps it from being closed
// before calls.Done.
func (p *Pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open.Err() != nil {
		return false
	}
	p.calls.Add(1)
	return true
}

// take returns the worker that was idle for the shortest time, or a new one.
func (p *Pool) take(ctx context.Context) (*worker, error) {
	for {
		r := p.last()
		if r == nil {
			return start(ctx, p.options.Command)
		}
		r.over()
		if !r.hasEnded() {
			return r.worker, nil
		}
	}
}

func (p *Pool) last() *rest {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := len(p.idle) - 1
	if at < 0 {
		return nil
	}
	r := p.idle[at]
	p.idle = p.idle[:at]
	return r
}

// keep makes a worker wait for the next program. It ends when there is none for
// long.
func (p *Pool) keep(w *worker) {
	if !p.enter() {
		w.end()
		return
	}
	ctx, over := context.WithCancel(p.open)
	r := &rest{w, over}
	p.mu.Lock()
	p.idle = append(p.idle, r)
	p.mu.Unlock()
	go func() {
		defer p.calls.Done()
		defer over()
		_ = p.options.Clock.SleepUntil(ctx, p.options.Clock.Now().Add(idleTime))
		if p.leaves(r) {
			w.end()
		}
	}()
}

// leaves takes a worker out of the idle ones. It is not there when a program has
// got it.
func (p *Pool) leaves(r *rest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, r)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

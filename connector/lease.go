package connector

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

const (
	// firstLease is how long a connector waits for its first host. It is longer
	// than any host takes from start to connection.
	firstLease = time.Minute
	// lastLease is how long it outlives the last connection.
	lastLease = 5 * time.Second
)

// lease ends the process when no host has been connected for a while: a host that
// was killed cannot say goodbye, and its orphans would live on. A host holds a
// connection for as long as it lives, so nothing has to be polled.
type lease struct {
	end func()

	mu    sync.Mutex // guards conns and timer
	conns int
	timer *time.Timer
}

func newLease(first time.Duration, end func()) *lease {
	return &lease{end: end, timer: time.AfterFunc(first, end)}
}

// HandleConn counts connections.
func (l *lease) HandleConn(_ context.Context, s stats.ConnStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		l.conns++
		l.timer.Stop()
	case *stats.ConnEnd:
		if l.conns--; l.conns == 0 {
			l.timer = time.AfterFunc(lastLease, l.endIfAlone)
		}
	}
}

// endIfAlone looks again: a connection may have begun as the timer fired.
func (l *lease) endIfAlone() {
	l.mu.Lock()
	alone := l.conns == 0
	l.mu.Unlock()
	if alone {
		l.end()
	}
}

// TagConn leaves the context as it is.
func (*lease) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC leaves the context as it is.
func (*lease) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing: only connections count.
func (*lease) HandleRPC(context.Context, stats.RPCStats) {}

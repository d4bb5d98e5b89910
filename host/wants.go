package host

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// leftFor is how long an event waits in the inbox for a workflow to be mended. What
// is older should start nothing any more.
const leftFor = 3 * 24 * time.Hour

// left is where in the inbox the events end that stay there for now. All later ones
// that are pending are new. Guarded by Engine.dispatching, but for any.
type left struct {
	changed context.Context // Ends when they have to be tried again; nil before the first time.
	last    string          // Key of the last of them.
	any     atomic.Bool     // There are some.
}

func (l *left) outdated() bool { return l.changed == nil || l.changed.Err() != nil }

// unsureError says that nobody can tell, as things are, whether a workflow wants an
// event: its document cannot be read, or its trigger names a variable that is not set.
type unsureError struct{ err error }

func (e *unsureError) Error() string { return e.err.Error() }
func (e *unsureError) Unwrap() error { return e.err }

// wants reports whether an event is one of those that start a workflow; an
// *unsureError if that cannot be told.
func (e *Engine) wants(ctx context.Context, d Definition, ev Event) (bool, error) {
	if !d.Enabled {
		return false, nil
	}
	doc, err := e.document(d)
	if err != nil {
		return false, &unsureError{err}
	}
	switch {
	case doc.Trigger.Connector != ev.Connector:
		return false, nil
	case ev.Source != "":
		if wanted, err := e.wantsPolled(doc, ev); !wanted || err != nil {
			return false, err
		}
	case d.Subject != "" && d.Subject != ev.Subject:
		return false, nil
	}
	switch ev.Connector {
	case AlertConnector:
		return e.wantsAlert(doc, ev)
	case WebhookConnector:
		return e.wantsHook(ctx, doc, ev)
	}
	c, ok := e.Connectors.Connector(ev.Connector)
	if !ok {
		// The connector may be back tomorrow, and the event will not: a run says what it
		// lacked, and can be done again.
		return len(doc.Trigger.Names) == 0 || slices.Contains(doc.Trigger.Names, ev.Trigger), nil
	}
	return slices.ContainsFunc(doc.Trigger.Triggers(c.Catalog()), func(t *connectorv1.Trigger) bool {
		return t.GetName() == ev.Trigger && (ev.Source == "" || interval(doc.Trigger.Poll, t) > 0)
	}), nil
}

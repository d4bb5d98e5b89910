package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/storyloop/storyloop/host"
)

// lastEvent is the id of a stream's last event. A browser that comes back with it
// has seen all.
const lastEvent = "end"

// followRun streams what happens in a run until the run comes to rest.
func (a *API) followRun(w http.ResponseWriter, r *request) error {
	if r.Header.Get("Last-Event-ID") == lastEvent {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	id := r.PathValue("id")
	watcher := a.Engine.Watch(id) // before the look, so that nothing lies between them
	defer watcher.Close()
	if _, err := a.Engine.Store.Run(r.Context(), id); err != nil {
		return err
	}
	a.stream(w, r, watcher, lastEvent)
	return nil
}

// followAll streams how runs come to rest, until one of both sides ends.
func (a *API) followAll(w http.ResponseWriter, r *request) error {
	watcher := a.Engine.Watch("")
	defer watcher.Close()
	a.stream(w, r, watcher, "")
	return nil
}

// stream writes server-sent events. A comment now and then shows that it is
// alive, and finds out who has hung up.
func (a *API) stream(w http.ResponseWriter, r *request, watcher *host.Watcher, lastID string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-a.Closing:
			cancel()
		case <-stop:
		}
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	s := &events{w: w, control: http.NewResponseController(w)}
	// The request has been read: its deadline must not end the stream.
	_ = s.control.SetReadDeadline(time.Time{})
	if s.write([]byte(": here\n\n")) != nil {
		return
	}
	for {
		next, ended := context.WithTimeout(ctx, a.Heartbeat)
		p, ok := watcher.Next(next)
		quiet := next.Err() != nil
		ended()
		var err error
		switch {
		case ok:
			id := ""
			if p.Kind == host.RunEnded {
				id = lastID
			}
			err = s.event(id, string(p.Kind), p)
		case ctx.Err() != nil:
			return
		case quiet:
			err = s.write([]byte(": alive\n\n"))
		default: // all has been told
			if n := watcher.Missed(); n > 0 {
				_ = s.event("", "missed", map[string]int{"count": n})
			}
			return
		}
		if err != nil {
			return
		}
	}
}

// events writes server-sent events, each with a deadline of its own.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *events) event(id, name string, value any) error {
	var b bytes.Buffer
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	fmt.Fprintf(&b, "event: %s\ndata: ", name)
	e := json.NewEncoder(&b) // one line
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	b.WriteByte('\n')
	return s.write(b.Bytes())
}

func (s *events) write(text []byte) error {
	if err := extend(s.control); err != nil {
		return err
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}

// extend gives the next write a while, whatever the server's own limit.
func extend(c *http.ResponseController) error {
	const writeWithin = 30 * time.Second
	err := c.SetWriteDeadline(time.Now().Add(writeWithin)) // of a socket: the system's clock
	if errors.Is(err, http.ErrNotSupported) {
		return nil // there is no socket
	}
	return err
}
